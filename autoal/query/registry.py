"""Installed strategies, built from their names and options."""

from contextlib import suppress
from typing import Any

from autoal import plugins
from autoal.building import accepted
from autoal.errors import UserError, unending
from autoal.kinds import demand_kinds_of
from autoal.plugins import LANGUAGE, STRATEGIES
from autoal.query.strategy import QueryStrategy, demand_readable, reads_untaught
from autoal.settings import completed


def load(name: str) -> type[QueryStrategy]:
    """The class of the strategy of this name."""
    found = STRATEGIES.load(name)
    if not (isinstance(found, type) and issubclass(found, QueryStrategy)):
        value = STRATEGIES.installed()[name].value
        raise UserError(f"strategy {name!r}: {value} is not a QueryStrategy class")
    demand_readable(f"strategy {name!r}", found.reads)
    return found


def options(strategy: type[QueryStrategy]) -> dict[str, Any]:
    """The options of a strategy with their defaults; a required one has `Parameter.empty`."""
    return plugins.options(strategy, (LANGUAGE,))


def asks_language(strategy: type[QueryStrategy]) -> bool:
    """Whether a strategy asks a language model."""
    return LANGUAGE in plugins.parameters(strategy)


def untaught() -> list[str]:
    """The installed strategies that can choose the start, before anything is labelled."""
    usable = []
    for name in STRATEGIES.installed():
        with suppress(Exception), unending():  # a broken package is not a choice
            if reads_untaught(load(name).reads):
                usable.append(name)
    return usable


def build(
    name: str, section: str = "strategy", language: Any = None, /, **chosen: Any
) -> QueryStrategy:
    """The strategy of this name, with these options and the defaults of the others.

    Args:
        name: of an installed one.
        section: of the settings with its options, for messages.
        language: the client of a language model, for a strategy with a parameter of that name.
        chosen: the options to set.
    """
    strategy = load(name)
    complete = completed(chosen, options(strategy), f"strategy {name!r}", section)
    demand_kinds_of(strategy, complete, section)
    return strategy(**accepted(strategy, {LANGUAGE: language}), **complete)
