"""The meanings of options, from configuration files and classes' sources."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from functools import cache
from importlib.util import find_spec
from pathlib import Path

_OPTION = re.compile(
    r"(?P<indent> *)(?:- )?(?P<name>[\w/]+):(?: (?P<value>[^#]*))?(?:# (?P<remark>.*))?"
)
_MORE = re.compile(r" *# (?!@package)(.*)")
_ARGUMENT = re.compile(r" {4}(\w+): (.*)")


@dataclass(frozen=True)
class Remarks:
    """The remarks of a file or class on itself and its options."""

    head: str = ""
    options: dict[str, str] = field(default_factory=dict)  # by dotted names

    def over(self, below: Remarks) -> Remarks:
        """These remarks, completed by those they build on."""
        return Remarks(self.head or below.head, below.options | self.options)


def of_file(path: Path) -> Remarks:
    """The comments of a configuration file: at its top, and beside its options."""
    head: list[str] = []
    found: dict[str, str] = {}
    above: list[tuple[int, str]] = []  # the sections around a line, with their indents
    last = ""
    for line in path.read_text().splitlines():
        if more := _MORE.fullmatch(line):
            if last in found:
                found[last] += f" {more[1]}"
            elif not found:
                head.append(more[1])
        elif option := _OPTION.fullmatch(line):
            indent = len(option["indent"])
            above = [section for section in above if section[0] < indent]
            last = ".".join([*(name for _, name in above), option["name"]])
            above.append((indent, option["name"]))
            if option["remark"]:
                found[last] = option["remark"]
    return Remarks(" ".join(head), found)


@cache
def of_class(name: str) -> Remarks:
    """The remarks of a class, by its dotted name, and of its base classes."""
    module, _, called = name.rpartition(".")
    tree = _parsed(module)
    if tree is None:
        return Remarks()
    for node in tree.body:
        if isinstance(node, ast.ClassDef) and node.name == called:
            told = _told(ast.get_docstring(node) or "")
            homes = [_home(tree, module, ast.unparse(base)) for base in node.bases]
            for home in homes:
                if _near(home, module):
                    told = told.over(Remarks(options=of_class(home).options))
            return told
    home = _home(tree, module, called)  # re-exported by a package
    return of_class(home) if home != name and _near(home, module) else Remarks()


def _near(name: str, module: str) -> bool:
    """Whether a class is from the same package, or ours; finding others would import torch."""
    return name.partition(".")[0] in (module.partition(".")[0], "autoal")


def _parsed(module: str) -> ast.Module | None:
    """The parsed source of a module; None if it cannot be read."""
    try:
        spec = find_spec(module) if module else None
        return ast.parse(Path(spec.origin).read_text()) if spec and spec.origin else None
    except Exception:  # finding it imports a plugin's package, which may raise anything
        return None


def _home(tree: ast.Module, module: str, name: str) -> str:
    """The dotted name behind a name in a module."""
    first, dot, rest = name.partition(".")
    for node in ast.walk(tree):
        if isinstance(node, ast.ImportFrom):
            for alias in node.names:
                if first == (alias.asname or alias.name):
                    package = module.split(".")[: -node.level] if node.level else []
                    return ".".join([*package, node.module or "", alias.name]) + dot + rest
    return name if dot else f"{module}.{name}"


def _told(text: str) -> Remarks:
    head = " ".join(text.partition("\n\n")[0].split())
    return Remarks(head, {name: meaning.rstrip(".") for name, meaning in _arguments(text)})


def _arguments(text: str) -> Iterator[tuple[str, str]]:
    """The names and meanings of a docstring's `Args:`."""
    name, meaning = "", ""
    for line in text.partition("Args:\n")[2].splitlines():
        if begun := _ARGUMENT.fullmatch(line):
            if name:
                yield name, meaning
            name, meaning = begun[1], begun[2]
        elif not line.startswith("     "):
            break
        else:
            meaning += f" {line.strip()}"
    if name:
        yield name, meaning
