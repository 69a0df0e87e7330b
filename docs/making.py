"""The pages that are made: of what the program says of itself, and of what benchmarks have kept."""

import inspect
import os
import re
import shutil
import sys
from collections.abc import Iterator
from contextlib import chdir, redirect_stdout
from io import StringIO
from itertools import takewhile
from pathlib import Path
from runpy import run_module, run_path
from unittest.mock import patch

from autoal.query import registry

HERE = Path(__file__).resolve().parent
MADE = HERE / "made"
RESULTS = HERE.parent / "benchmarks" / "results"
CONFIGS = HERE.parent / "configs"
MOST = 30_000  # characters of a result that a page shows

COMMANDS = {
    "python train.py": "Runs one experiment, or goes on with it; installed, it is `autoal`.",
    "python -m autoal.strategies": "Lists the query strategies that are installed.",
    "python -m autoal.labels": "Writes all labels of a run, or those that may be wrong.",
    "python -m autoal.predict": "Predicts with the model of a run.",
    "python -m autoal.report": "Makes one page of many runs.",
    "python -m autoal.dashboard": "Makes a W&B workspace of a project.",
    "python -m autoal.language": "Asks a server for its models, and tells what answers have cost.",
}
PICTURE = re.compile(r"\]\(([\w-]+\.(?:svg|png))\)")
SECTION = re.compile(r"^(##|###) (.+)$", re.MULTILINE)


def write_pages() -> None:
    """Write all of them anew."""
    shutil.rmtree(MADE, ignore_errors=True)
    for name, text in pages():
        path = MADE / f"{name}.md"
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, encoding="utf-8")


def pages() -> Iterator[tuple[str, str]]:
    """Each with its name below the folder of these pages."""
    yield "gallery", gallery()
    yield "commands", commands()
    yield "options/shared", shared()
    for group in sorted(path for path in CONFIGS.rglob("*") if _is_group(path)):
        yield f"options/{'-'.join(_parts(group))}", options(group)
    for result in sorted(RESULTS.glob("*.md")):
        yield f"results/{result.stem}", kept(result)


def gallery() -> str:
    """The pictures of all strategies, by family, each leading to what is said of it."""
    families = [
        f"## {family}\n\n::::{{grid}} 1 2 2 3\n:gutter: 2\n\n{''.join(map(_card, names))}::::\n"
        for family, names in _families()
    ]
    head = "Two batches that each strategy asks for, among points of three classes: the colour of"
    told = (
        "a dot is the class that the network predicts, a square is a row that was labelled at the "
        "start, a diamond is one of the first batch, and a number one of the second."
    )
    return "\n".join([f"# Gallery\n\n{head} {told}\n", *families])


def _families() -> Iterator[tuple[str, list[str]]]:
    found: dict[str, list[str]] = {}
    family = ""
    for level, title in SECTION.findall((HERE / "strategies.md").read_text("utf-8")):
        if level == "##":
            family = title
        elif (HERE / "strategies" / f"{title}.png").exists():
            found.setdefault(family, []).append(title)
    yield from found.items()


def _card(name: str) -> str:
    meaning = inspect.cleandoc(registry.load(name).__doc__ or "").split("\n\n")[0]
    lines = [
        f":::{{grid-item-card}} {name}",
        f":img-top: ../strategies/{name}.png",
        f":img-alt: picks of {name}",
        f":link: ../strategies.html#{name.replace('_', '-')}",
        "",
        " ".join(meaning.split()),
        ":::",
    ]
    return "\n".join(lines) + "\n\n"


def commands() -> str:
    """What each command says of itself."""
    told = [f"## {typed}\n\n{meaning}\n\n{_help(typed)}" for typed, meaning in COMMANDS.items()]
    return "\n".join(["# Commands\n\nEach tells this with `--help`.\n", *told])


def _help(typed: str) -> str:
    *flag, name = typed.split()[1:]
    run = run_module if flag else run_path
    with (
        redirect_stdout(StringIO()) as told,
        chdir(HERE.parent),
        patch.object(sys, "argv", [name, "--help"]),
        patch.dict(os.environ, COLUMNS="88"),
    ):
        try:
            run(name, run_name="__main__")
        except SystemExit as end:
            if end.code:
                raise RuntimeError(f"{typed} --help ended with {end.code}") from end
    return _block("text", told.getvalue())


def _is_group(path: Path) -> bool:
    return path.is_dir() and any(path.glob("*.yaml"))


def _parts(group: Path) -> tuple[str, ...]:
    return group.relative_to(CONFIGS).parts


def options(group: Path) -> str:
    """The choices of a group, each with its options."""
    name = ".".join(_parts(group))
    return "\n".join(
        [f"# {name}\n", *(_choice(name, path) for path in sorted(group.glob("*.yaml")))]
    )


def shared() -> str:
    """The options of every run, and those that many choices begin with."""
    head = "# Of every run\n\nThe names of groups, such as `encoder`, lead to pages of their own.\n"
    run, rest = (CONFIGS / "train.yaml").read_text("utf-8").split("\nhydra:")[0], []
    for path in sorted(CONFIGS.glob("*.yaml")):
        if path.name != "train.yaml":
            rest.append(f"## /{path.stem}\n\n{_told(path)}")
    return "\n".join([head, _block("yaml", run), *rest])


def _choice(group: str, path: Path) -> str:
    return f"## {group}={path.stem}\n\n{_told(path)}"


def _told(path: Path) -> str:
    """The comment that a file begins with, and what it sets."""
    lines = path.read_text("utf-8").splitlines()
    comment = list(takewhile(lambda line: line.startswith("#"), lines))
    said = "\n".join(line.lstrip("# ") for line in comment if "@package" not in line)
    rest = "\n".join(lines[len(comment) :]).strip()
    words = said.replace("<", "\\<")  # or `<option>` would be an element
    return f"{words}\n\n{_block('yaml', rest) if rest else ''}"


def _block(language: str, text: str) -> str:
    return f"```{language}\n{text.rstrip()}\n```\n"


def kept(result: Path) -> str:
    """What a benchmark has kept, but for the end where that is long."""
    text = PICTURE.sub(r"](../../../benchmarks/results/\1)", result.read_text("utf-8"))
    if len(text) > MOST:
        left = f"benchmarks/results/{result.name} in the repository has the rest."
        text = f"{text[: text.rindex(chr(10) * 2, 0, MOST)]}\n\n{left}\n"
    return text if text.startswith("# ") else f"# {result.stem}\n\n{text}"
