"""Who may import whom, read from the sources."""

import ast
import subprocess
import sys
from collections.abc import Iterator
from graphlib import CycleError, TopologicalSorter
from pathlib import Path

import pytest

import autoal

ROOT = Path(autoal.__file__).parents[1]


def module_of(path: Path) -> str:
    parts = path.relative_to(ROOT).with_suffix("").parts
    inside = parts if parts[0] == "autoal" else ("autoal", *parts)  # as it is called when installed
    return ".".join(inside[:-1] if inside[-1] == "__init__" else inside)


FILES = {
    module_of(path): path
    for folder in ("autoal", "strategies", "datamodules")
    for path in (ROOT / folder).rglob("*.py")
}


def imports(module: str, *, everywhere: bool) -> set[str]:
    """The modules that this one imports: anywhere in it, or only when it is itself imported."""
    tree = ast.parse(FILES[module].read_text())
    nodes = ast.walk(tree) if everywhere else run_on_import(tree)
    found: set[str] = set()
    for node in nodes:
        if isinstance(node, ast.Import):
            found.update(alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            origin = origin_of(module, node)
            found.update(home_of(origin, alias.name) for alias in node.names)
    return found


def run_on_import(node: ast.AST) -> Iterator[ast.AST]:
    """The nodes outside functions and outside `if TYPE_CHECKING`."""
    for child in ast.iter_child_nodes(node):
        if isinstance(child, ast.FunctionDef | ast.AsyncFunctionDef | ast.Lambda):
            continue
        if isinstance(child, ast.If) and ast.unparse(child.test).endswith("TYPE_CHECKING"):
            for other in child.orelse:
                yield other
                yield from run_on_import(other)
            continue
        yield child
        yield from run_on_import(child)


def origin_of(module: str, node: ast.ImportFrom) -> str:
    if not node.level:
        return node.module or ""
    package = module.split(".")
    if FILES[module].name != "__init__.py":
        package.pop()
    package = package[: len(package) - node.level + 1]
    return ".".join([*package, *([node.module] if node.module else [])])


def home_of(origin: str, name: str) -> str:
    """Where a name comes from: a submodule, a name that `autoal` loads late, or `origin`."""
    if f"{origin}.{name}" in FILES:
        return f"{origin}.{name}"
    if origin == "autoal":
        return autoal._HOMES.get(name, origin)
    return origin


def within(package: str) -> list[str]:
    return sorted(name for name in FILES if belongs(name, package))


def belongs(module: str, package: str) -> bool:
    return module == package or module.startswith(f"{package}.")


def test_the_sources_are_found_and_read() -> None:
    assert {
        "autoal",
        "autoal.cycle.experiment",
        "autoal.record.round",
        "autoal.strategies.random",
    } <= FILES.keys()
    assert {"torch", "autoal.cycle.pool", "autoal.model.task"} <= imports(
        "autoal.cycle.experiment", everywhere=False
    )
    assert "autoal.query.view" in imports("autoal.strategies.random", everywhere=False)
    lazy = imports("autoal.registry", everywhere=True) - imports(
        "autoal.registry", everywhere=False
    )
    assert lazy == {"autoal.query.strategy"}


MAPPED = ("autoal.strategies", "autoal.datamodules")
ENGINE = [name for name in within("autoal") if not any(belongs(name, each) for each in MAPPED)]


@pytest.mark.parametrize("module", ENGINE)
def test_the_engine_imports_neither_strategies_nor_datamodules(module: str) -> None:
    found = imports(module, everywhere=True)
    assert not [name for name in found if belongs(name, "autoal.strategies")]
    assert not [name for name in found if belongs(name, "autoal.datamodules")]


def test_no_modules_of_the_engine_import_each_other_in_a_circle() -> None:
    graph = {
        module: {name for name in imports(module, everywhere=False) if name in FILES}
        for module in ENGINE
    }
    try:
        TopologicalSorter(graph).prepare()
    except CycleError as error:
        pytest.fail(f"a circle of imports: {' <- '.join(error.args[1])}")


@pytest.mark.parametrize("module", ["autoal.cycle.pool", "autoal.record.round"])
def test_the_leaves_import_nothing_of_ours(module: str) -> None:
    assert not [name for name in imports(module, everywhere=True) if name in FILES]


@pytest.mark.parametrize("module", within("autoal.datamodules"))
def test_data_sets_know_neither_strategies_nor_rounds(module: str) -> None:
    found = imports(module, everywhere=True)
    assert "autoal.cycle.experiment" not in found
    assert not [name for name in found if belongs(name, "autoal.strategies")]


@pytest.mark.parametrize("module", within("autoal.strategies"))
def test_strategies_know_neither_data_sets_nor_rounds(module: str) -> None:
    found = imports(module, everywhere=True)
    assert not found & {
        "autoal.cycle.experiment",
        "autoal.oracles.question",
        "autoal.model.task",
        "autoal.model.training",
    }
    assert not [name for name in found if belongs(name, "autoal.datamodules")]


def test_the_command_line_and_the_bare_package_do_not_load_torch() -> None:
    script = (
        "import sys, autoal, autoal.command, autoal.settings, autoal.registry\n"
        "autoal.registry.installed()\n"
        "print([name for name in ('torch', 'pytorch_lightning', 'wandb') if name in sys.modules])"
    )
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True)
    assert (done.stdout, done.stderr) == ("[]\n", "")


def test_every_public_name_is_found_where_it_lives() -> None:
    assert sorted(autoal.__all__) == autoal.__all__ == sorted(autoal._HOMES)
    for name in autoal.__all__:
        assert getattr(autoal, name).__module__ == autoal._HOMES[name]
    with pytest.raises(AttributeError, match="has no attribute 'Poool'"):
        _ = autoal.Poool
