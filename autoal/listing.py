"""The listing of installed strategies: what each does and reads, and its options.

python -m autoal.strategies           # all of them
python -m autoal.strategies margin    # one in full
"""

import argparse
import inspect
import json
import shutil
import sys
from collections.abc import Sequence
from inspect import Parameter
from textwrap import TextWrapper
from typing import TYPE_CHECKING

from autoal.errors import UserError, unending, until_unread
from autoal.plugins import STRATEGIES
from autoal.query import registry

if TYPE_CHECKING:
    from autoal.query.strategy import QueryStrategy

WIDEST = 100  # columns


@until_unread
def main(argv: Sequence[str] | None = None) -> int:
    """List the strategies, or describe one; return the exit code."""
    parser = argparse.ArgumentParser(
        "python -m autoal.strategies", description="List the installed query strategies."
    )
    parser.add_argument("name", nargs="?", help="describe this one in full")
    name = parser.parse_args(argv).name
    try:
        print(in_full(name) if name else listing(), flush=True)
    except UserError as error:
        print(error, file=sys.stderr)
        return 2
    return 0


def listing() -> str:
    """Every installed strategy in a few lines."""
    names = list(STRATEGIES.installed())
    width = max(map(len, names), default=0)
    return "\n".join(_indented(name.ljust(width), _summary(name)) for name in names)


def in_full(name: str) -> str:
    """Everything known about one strategy."""
    strategy = registry.load(name)
    facts = {
        "reads": _reads(strategy),
        "options": _given(strategy) or "none",
        "from": f"{STRATEGIES.origin(name)}, {STRATEGIES.installed()[name].value}",
    }
    lines = (_indented(key.ljust(7), [fact]) for key, fact in facts.items())
    return "\n".join([name, "", _meaning(strategy), "", *lines])


def _summary(name: str) -> list[str]:
    try:
        with unending():
            strategy = registry.load(name)
            given = _given(strategy) or "no options"
            facts = f"reads {_reads(strategy)} | {given} | {STRATEGIES.origin(name)}"
            return [_meaning(strategy).splitlines()[0], facts]
    except Exception as error:  # a plugin may fail in any way; list the others anyway
        why = str(error) if isinstance(error, UserError) else f"{type(error).__name__}: {error}"
        return [f"not usable: {why}"]


def _meaning(strategy: "type[QueryStrategy]") -> str:
    """The class's own docstring; an inherited one would describe another strategy."""
    return inspect.cleandoc(strategy.__doc__ or "(says nothing about itself)")


def _reads(strategy: "type[QueryStrategy]") -> str:
    if strategy.reads is None:
        return "not stated"
    return ", ".join(strategy.reads) or "nothing"


def _given(strategy: "type[QueryStrategy]") -> str:
    return " ".join(f"strategy.{option}" for option in options(strategy))


def options(strategy: "type[QueryStrategy]") -> list[str]:
    """The options with their defaults, as written on the command line."""
    return [f"{name}={_written(default)}" for name, default in registry.options(strategy).items()]


def _written(default: object) -> str:
    if default is Parameter.empty:
        return "(needed)"
    return default if isinstance(default, str) else json.dumps(default)


def _indented(title: str, paragraphs: list[str]) -> str:
    """A title with the wrapped paragraphs beside it."""
    columns = min(shutil.get_terminal_size((WIDEST, 0)).columns, WIDEST)
    indent = " " * (len(title) + 2)
    wrapper = TextWrapper(
        columns,
        initial_indent=indent,
        subsequent_indent=indent,
        break_long_words=False,
        break_on_hyphens=False,
    )
    text = "\n".join(wrapper.fill(paragraph) for paragraph in paragraphs)
    return title + text[len(title) :]


if __name__ == "__main__":
    sys.exit(main())
