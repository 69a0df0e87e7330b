"""Checks that a growth keeps its promises."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import NamedTuple

import torch

from autoal.cycle.hooks import GrowthRule
from autoal.data.rows import Rows
from autoal.oracles.question import Answers
from autoal.query.view import View
from autoal.record.states import same_states
from autoal.testing.promises import demand, from_file, keep_promises, unmoved_streams

Make = Callable[[], GrowthRule]


class _Case(NamedTuple):
    """Builds the growth to check, a new one each time, and the view that it is given."""

    build: Make
    view: View


def check_growth(build: Make, view: View) -> None:
    """Raise `BrokenPromiseError` for the first promise that the growth does not keep.

    Args:
        build: builds a new one, which has made nothing yet.
        view: of a pool that it can make rows for; its source has the rows' inputs.
    """
    keep_promises(type(build()).__name__, _Case(build, view), PROMISES)


def _made(growth: GrowthRule, view: View) -> Rows | None:
    """The rows that it makes before the first query."""
    return growth(view, [])


def _like(case: _Case) -> None:
    made, source = _made(case.build(), case.view), case.view.pool.source
    demand(made is None or isinstance(made, Rows), f"it gave a {type(made).__name__}")
    if made is None or source is None:
        return
    try:
        source.joined(made)
    except ValueError as error:
        demand(False, str(error))


def _few(case: _Case) -> None:
    growth = case.build()
    most, made = growth.most(0), _made(growth, case.view)
    count = 0 if made is None else len(made)
    demand(count <= most, f"it made {count} rows, and says that it makes {most} at most")


def _untold(case: _Case) -> None:
    made = _made(case.build(), case.view)
    demand(made is None or bool((made.labels == -1).all()), "it gave labels to rows")


def _repeatable(case: _Case) -> None:
    with unmoved_streams():
        first, second = (_made(case.build(), case.view) for _ in range(2))
    demand(_same(first, second), "two that were built alike made other rows")


def _resumable(case: _Case) -> None:
    growth, again = case.build(), case.build()
    _query(growth, case.view)
    notes = dict(growth.told(_answers(case.view)))
    demand(json.loads(json.dumps(notes)) == notes, "what it tells of a round is no JSON")
    again.load_state_dict(from_file(growth.state_dict()))
    demand(growth.share == again.share, "its share is another one after `load_state_dict`")
    demand(
        same_states(from_file(growth.state_dict()), from_file(again.state_dict())),
        "its state is another one after `load_state_dict`",
    )


def _between(case: _Case) -> None:
    growth, again = case.build(), case.build()
    _query(growth, case.view)
    again.load_state_dict(from_file(growth.state_dict()))
    first, second = (each.told(_answers(case.view)) for each in (growth, again))
    demand(first == second, "one that goes on between a query and its answers tells other things")


def _query(growth: GrowthRule, view: View) -> None:
    """Let it make rows, and tell it their scores."""
    made = _made(growth, view)
    count = 0 if made is None else len(made)
    begin = 0 if view.pool.source is None else len(view.pool.source)
    scores = {begin + place: 1.0 / (place + 1) for place in range(count)}
    growth.scored(scores, dict.fromkeys(view.pool.rows[:2].tolist(), 0.5))


def _answers(view: View) -> Answers:
    """The answers about real rows only."""
    rows = view.pool.rows[:2].cpu()
    return Answers(rows, torch.zeros_like(rows), "somebody")


def _same(first: Rows | None, second: Rows | None) -> bool:
    if first is None or second is None:
        return first is second
    return torch.equal(first.inputs, second.inputs) and first.names == second.names


PROMISES: dict[str, Callable[[_Case], None]] = {
    "it makes rows of the pool's kind, or none": _like,
    "it makes as many as it says, at most": _few,
    "it knows no labels": _untold,
    "the same view gets the same rows": _repeatable,
    "it goes on from its state": _resumable,
    "it goes on between a query and its answers": _between,
}
