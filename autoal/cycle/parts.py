"""Checks on the parts of an experiment before they are used."""

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

SHOWN = 200  # characters of torch's complaint about a state


@contextmanager
def fitting(owner: str) -> Iterator[None]:
    """Name the owner of a state that does not fit, whatever error it raises."""
    try:
        yield
    except Exception as error:
        told = " ".join(f"{type(error).__name__}: {error}".split())[:SHOWN]
        raise UserError(f"the state does not fit the {owner} ({told})") from error


def demand_part(name: str, value: Any, kind: type, example: str) -> None:
    """Refuse anything but a part of an experiment before it is used."""
    if not isinstance(value, kind):
        found = f"the class {value.__name__}" if isinstance(value, type) else repr(type(value))
        raise UserError(f"`{name}` must be a {kind.__name__}, {example}, got {found}")


def strategy_of(name: str, strategy: Any) -> QueryStrategy:
    """The strategy of this name, or a copy of the given one."""
    if isinstance(strategy, str):
        return registry.build(strategy)
    demand_part(name, strategy, QueryStrategy, "or the name of one")
    return deepcopy(strategy)


def state_of(part: Learner | QueryStrategy) -> dict[str, Any]:
    """The state that a part needs back when a run goes on."""
    state = part.state_dict()
    if not isinstance(state, dict):
        found = type(state).__name__
        raise UserError(f"{type(part).__name__}.state_dict must give a dict, got {found}")
    if isinstance(part, QueryStrategy) and state:
        with about(type(part).__name__):  # name the part here, before states are combined
            packed({"strategy": state})
    return state
