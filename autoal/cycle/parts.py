"""The parts of an experiment, refused before they are used where they are none."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from copy import deepcopy
from typing import Any

from autoal.errors import UserError, about
from autoal.model.learner import Learner
from autoal.query import registry
from autoal.query.strategy import QueryStrategy
from autoal.record.states import packed

SHOWN = 200  # characters of what torch has to say of a state


@contextmanager
def fitting(owner: str) -> Iterator[None]:
    """Say whose state it is that does not fit, whatever its owner makes of it."""
    try:
        yield
    except Exception as error:
        told = " ".join(f"{type(error).__name__}: {error}".split())[:SHOWN]
        raise UserError(f"the state does not fit the {owner} ({told})") from error


def demand_part(name: str, value: Any, kind: type, example: str) -> None:
    """Refuse what is no part of an experiment, before it is used like one."""
    if not isinstance(value, kind):
        found = f"the class {value.__name__}" if isinstance(value, type) else repr(type(value))
        raise UserError(f"`{name}` must be a {kind.__name__}, {example}, got {found}")


def strategy_of(name: str, strategy: Any) -> QueryStrategy:
    """The strategy of this name, or a copy of the one that is given."""
    if isinstance(strategy, str):
        return registry.build(strategy)
    demand_part(name, strategy, QueryStrategy, "or the name of one")
    return deepcopy(strategy)


def state_of(part: Learner | QueryStrategy) -> dict[str, Any]:
    """What a part must be given back when a run goes on."""
    state = part.state_dict()
    if not isinstance(state, dict):
        found = type(state).__name__
        raise UserError(f"{type(part).__name__}.state_dict must give a dict, got {found}")
    if isinstance(part, QueryStrategy) and state:
        with about(type(part).__name__):  # whose it is, before it is one of many
            packed({"strategy": state})
    return state
