"""Somebody who does what a page of docs/ says, from its first command to its last."""

from __future__ import annotations

import re
import runpy
import shlex
import sys
import tomllib
from collections.abc import Callable, Iterator, Mapping
from contextlib import chdir, contextmanager
from pathlib import Path
from typing import Any, NamedTuple
from unittest.mock import patch

import pytest

from autoal import plugins
from tests.launch import Finished, Zygote
from tests.sites import install

ROOT = Path(__file__).resolve().parent.parent
DOCS = ROOT / "docs"
BLOCK = re.compile(
    r"^```(?:\{code-block\} )?(\w+)\n(?::caption: (\S+)\n\n)?(.*?)^```$", re.MULTILINE | re.DOTALL
)

Run = Callable[[list[str]], Finished]


class Block(NamedTuple):
    """A command that a page says to type, or a file that it says to write."""

    language: str
    file: str
    text: str


def blocks(page: str) -> list[Block]:
    """All of a page, in their order."""
    return [Block(*found) for found in BLOCK.findall((DOCS / page).read_text("utf-8"))]


def commands(text: str) -> Iterator[list[str]]:
    """The commands of a block, each cut into its words."""
    for line in text.replace("\\\n", " ").splitlines():
        yield shlex.split(line)


class Reader:
    """Follows pages in a folder, one after the other.

    Args:
        folder: where all is done.
        train: runs train.py.
        swaps: texts of the pages, with what stands for them here.
    """

    def __init__(self, folder: Path, train: Zygote, swaps: Mapping[str, str] = {}) -> None:
        self.folder, self.train, self.swaps = folder, train, swaps
        self.site: Path | None = None
        self.names: dict[str, Any] = {"__name__": "__main__"}  # of the pages' scripts
        self.runs: Run = self.trained  # does what `python train.py` is to do

    def follow(self, page: str, only: str = "") -> None:
        """Do all that a page says, or what it says in one language alone."""
        with chdir(self.folder), patch.object(sys, "path", [str(self.folder), *sys.path]):
            for block in blocks(page):
                if only in ("", block.language):
                    self._do(block, page)

    def _do(self, block: Block, page: str) -> None:
        if block.file:
            path = Path(block.file)
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(block.text)
        elif block.language == "python":
            exec(compile(block.text, page, "exec"), self.names)
        elif block.language == "bash":
            for words in commands(block.text):
                self._type([self._swapped(word) for word in words], page)

    def _swapped(self, word: str) -> str:
        for text, other in self.swaps.items():
            word = word.replace(text, other)
        return word

    def _type(self, words: list[str], page: str) -> None:
        match words:
            case ["python", "train.py", *given]:
                finished = self.runs(given)
                assert finished.code in (0, 75), f"{page}: {finished.err}"
            case ["python", "-m", module, *given]:
                self._module(module, given)
            case ["pytest", folder]:
                self._tests(Path(folder))
            case ["pip", "install", "-e", what]:
                self._install(what)
            case _:
                raise AssertionError(f"{page}: nobody knows how to do {shlex.join(words)}")

    def trained(self, given: list[str]) -> Finished:
        return self.train.run(*given, site=self.site, folder=self.folder)

    def _module(self, module: str, given: list[str]) -> None:
        told = patch.object(sys, "argv", [module, *given])
        with told, _not_imported(module), pytest.raises(SystemExit) as ended:
            runpy.run_module(module, run_name="__main__")
        assert not ended.value.code, (module, given)

    def _tests(self, folder: Path) -> None:
        for path in folder.glob("test_*.py"):
            names = runpy.run_path(str(path))
            tests = [test for name, test in names.items() if name.startswith("test_")]
            assert tests
            for test in tests:
                test()

    def _install(self, what: str) -> None:
        """Ours is there already; of another package all is put where an installer would."""
        project = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
        if what.startswith("."):
            extra = what.strip(".[]")
            assert not extra or extra in project["optional-dependencies"]
            return
        other = tomllib.loads((Path(what) / "pyproject.toml").read_text())
        (module,) = other["tool"]["setuptools"]["py-modules"]
        points = {
            group: {name: point.partition(":")[2] for name, point in entries.items()}
            for group, entries in other["project"]["entry-points"].items()
        }
        self.site = self.folder / "site"
        install(self.site, module, (Path(what) / f"{module}.py").read_text(), points)
        sys.path.insert(0, str(self.site))
        plugins._points.cache_clear()


@contextmanager
def _not_imported(module: str) -> Iterator[None]:
    """As in a new process, where nobody has imported what `python -m` runs."""
    names = [name for name in (module, f"{module}.__main__") if name in sys.modules]
    there = {name: sys.modules.pop(name) for name in names}
    try:
        yield
    finally:
        sys.modules.update(there)
        for name, found in there.items():  # which importing it anew has changed
            package, _, short = name.rpartition(".")
            if package:
                setattr(sys.modules[package], short, found)
