"""Who may import whom, read from the sources."""

import ast
import importlib
import subprocess
import sys
import tomllib
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
        return autoal._HOME_OF.get(name, origin)
    return origin


def within(package: str) -> list[str]:
    return sorted(name for name in FILES if belongs(name, package))


def belongs(module: str, package: str) -> bool:
    return module == package or module.startswith(f"{package}.")


MAPPED = ("autoal.strategies", "autoal.datamodules")
ENGINE = [name for name in within("autoal") if not any(belongs(name, room) for room in MAPPED)]

# The rooms from the ground up; what stands on a floor may use those below, and its own.
FLOORS = (
    ("errors",),
    ("screen",),
    (
        "bounds",
        "escape",
        "launchers",
        "palette",
        "plugins",
        "progress",
        "remarks",
        "seeding",
        "unchanged",
    ),
    ("kinds", "document"),
    ("settings",),
    ("building",),
    ("blame",),
    ("maths",),
    ("data",),
    ("language",),
    ("model",),
    ("encoders",),
    ("query",),
    ("costs",),
    ("oracles",),
    ("record",),
    ("people",),
    ("exported",),
    ("cycle", "search"),
    ("growth",),
    ("report", "foresight", "costing", "naming"),
    ("run", "config", "listing", "dashboard", "sweeping", "testing"),
    ("choices",),
    ("spelling", "kept", "manual", "mistakes"),
    ("command", "predict", "labels"),
    ("__main__",),
)
FLOOR_OF = {room: floor for floor, rooms in enumerate(FLOORS) for room in rooms}


def ours(modules: set[str]) -> set[str]:
    """Those of the package, but for its face, which only hands names on."""
    return {name for name in modules if belongs(name, "autoal")} - {"autoal"}


def room_of(module: str) -> str:
    return module.split(".")[1]


def test_the_sources_are_found_and_read() -> None:
    assert {
        "autoal",
        "autoal.cycle.experiment",
        "autoal.record.round",
        "autoal.strategies.random",
    } <= FILES.keys()
    assert {"torch", "autoal.cycle.plan", "autoal.model.learner"} <= imports(
        "autoal.cycle.experiment", everywhere=False
    )
    assert "autoal.query.view" in imports("autoal.strategies.random", everywhere=False)
    assert "autoal.strategies.bayesian" in imports("autoal.strategies.power", everywhere=False)
    lazy = imports("autoal.command", everywhere=True) - imports("autoal.command", everywhere=False)
    assert lazy == {"autoal.report.ranked", "autoal.run", "joblib.externals.loky"}


@pytest.mark.parametrize("module", ENGINE)
def test_the_engine_imports_neither_strategies_nor_datamodules(module: str) -> None:
    found = imports(module, everywhere=True)
    assert not [name for name in found if belongs(name, "autoal.strategies")]
    assert not [name for name in found if belongs(name, "autoal.datamodules")]


def test_every_room_has_a_floor() -> None:
    assert {room_of(module) for module in ENGINE if module != "autoal"} == FLOOR_OF.keys()


@pytest.mark.parametrize("module", [name for name in ENGINE if name != "autoal"])
def test_no_import_runs_back_up(module: str) -> None:
    floor = FLOOR_OF[room_of(module)]
    used = ours(imports(module, everywhere=False))
    assert not {name for name in used if FLOOR_OF[room_of(name)] > floor}


def test_rooms_on_one_floor_do_not_need_each_other() -> None:
    for rooms in FLOORS:
        for module in (name for room in rooms for name in within(f"autoal.{room}")):
            used = {room_of(name) for name in ours(imports(module, everywhere=False))}
            assert not (used & set(rooms)) - {room_of(module)}


def test_no_modules_of_the_engine_import_each_other_in_a_circle() -> None:
    graph = {
        module: {name for name in imports(module, everywhere=False) if name in FILES}
        for module in ENGINE
    }
    try:
        TopologicalSorter(graph).prepare()
    except CycleError as error:
        pytest.fail(f"a circle of imports: {' <- '.join(error.args[1])}")


@pytest.mark.parametrize(
    "module", ["autoal.cycle.pool", "autoal.record.kinds", "autoal.record.round"]
)
def test_the_leaves_import_nothing_of_ours_but_errors(module: str) -> None:
    ours = {name for name in imports(module, everywhere=True) if name in FILES}
    assert ours <= {"autoal.errors", "autoal.record.kinds"}


@pytest.mark.parametrize("module", within("autoal.datamodules"))
def test_data_sets_know_only_data(module: str) -> None:
    rooms = {room_of(name) for name in ours(imports(module, everywhere=True))}
    assert rooms <= {"datamodules", "data", "errors", "bounds", "progress", "screen", "seeding"}


@pytest.mark.parametrize("module", within("autoal.strategies"))
def test_strategies_know_neither_data_sets_nor_the_cycle(module: str) -> None:
    if module == "autoal.strategies.__main__":  # the listing's command
        return
    rooms = {room_of(name) for name in ours(imports(module, everywhere=True))}
    assert rooms <= {
        "strategies",
        "query",
        "maths",
        "model",
        "language",
        "errors",
        "bounds",
        "progress",
    }


@pytest.mark.parametrize("folder", ["autoal", "strategies", "datamodules", "tests", "benchmarks"])
def test_the_mapped_folders_go_by_their_installed_names(folder: str) -> None:
    # From the root of a checkout they could be imported by both, as two modules each.
    for path in (ROOT / folder).rglob("*.py"):
        for node in ast.walk(ast.parse(path.read_text())):
            names = [alias.name for alias in node.names] if isinstance(node, ast.Import) else []
            if isinstance(node, ast.ImportFrom) and not node.level:
                names = [node.module or ""]
            assert not [
                name for name in names if name.split(".")[0] in ("strategies", "datamodules")
            ]


def test_every_package_is_installed() -> None:
    setup = tomllib.loads((ROOT / "pyproject.toml").read_text())["tool"]["setuptools"]
    folders = {
        module_of(path)
        for folder in ("autoal", "strategies", "datamodules")
        for path in (ROOT / folder).rglob("__init__.py")
    }
    settings = {module_of(path / "__init__.py") for path in (ROOT / "configs").rglob("*/")}
    assert set(setup["packages"]) == folders | {"autoal.configs"} | settings
    assert setup["packages"] == sorted(setup["packages"])


def test_the_command_line_and_the_bare_package_do_not_load_torch() -> None:
    script = (
        "import sys, autoal, autoal.command, autoal.config, autoal.plugins\n"
        "assert autoal.__version__ and 'Experiment' in dir(autoal)\n"
        "autoal.config.register()\n"
        "print([name for name in ('torch', 'pytorch_lightning', 'wandb') if name in sys.modules])"
    )
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True)
    assert (done.stdout, done.stderr) == ("[]\n", "")


def test_every_public_name_is_found_where_it_lives() -> None:
    typed = ast.parse(FILES["autoal"].read_text())
    exported = {
        alias.name: node.module
        for node in ast.walk(typed)
        if isinstance(node, ast.ImportFrom) and node.module and node.module.startswith("autoal.")
        for alias in node.names
        if alias.asname
    }
    assert exported == autoal._HOME_OF
    assert sorted([*exported, "__version__"]) == autoal.__all__ == dir(autoal)
    for name, home in exported.items():
        assert getattr(autoal, name) is getattr(importlib.import_module(home), name)
    with pytest.raises(AttributeError, match="has no attribute 'Poool'"):
        _ = autoal.Poool
