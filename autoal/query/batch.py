"""A batch of rows to ask about, chosen by a strategy; what it says of them must be sound."""

from __future__ import annotations

import json
from typing import Any, NamedTuple

import torch
from torch import Tensor

from autoal.errors import UserError
from autoal.query.strategy import QueryStrategy, as_scored
from autoal.query.turn import turn
from autoal.query.view import View


class Query(NamedTuple):
    """A batch, and what the strategy says of it."""

    rows: Tensor  # of the data set, best first
    notes: dict[str, Any]
    suggested: Tensor | None  # the classes that the strategy itself would give to them


def query(strategy: QueryStrategy, view: View, budget: int) -> Query:
    """The `budget` rows of the data set that the strategy scores highest.

    Ties are broken by a draw from the view's seed, not by the order of the rows, which in many
    data sets follows the classes.
    """
    if not 1 <= budget <= len(view.pool):
        raise ValueError(f"`budget` must be from 1 to the pool's {len(view.pool)}, got {budget}")
    name, rows, size = type(strategy).__name__, view.pool.rows.clone(), len(view.pool)
    with turn(name, view):
        strategy.fit(view)
        scored = as_scored(strategy.score(view, budget))
    demand_scores(name, scored.scores, size)
    if scored.labels is not None:
        _demand_labels(name, scored.labels, size, view.classes)
    places = best_first(scored.scores, view)[:budget]
    suggested = None if scored.labels is None else scored.labels.cpu()[places].long()
    return Query(rows[places], _recorded(name, scored.notes), suggested)


def _recorded(name: str, notes: Any) -> dict[str, Any]:
    """The notes as they come back from the record: what JSON has no number for is null."""
    try:
        return json.loads(json.dumps(dict(notes)), parse_constant=lambda word: None)
    except (TypeError, ValueError, RecursionError) as error:
        raise UserError(f"{name}.score gave notes that JSON has no words for: {error}") from error


def select(strategy: QueryStrategy, view: View, budget: int) -> Tensor:
    """The rows of `query`, alone."""
    return query(strategy, view, budget).rows


def best_first(scores: Tensor, view: View) -> Tensor:
    """The places in the pool by their scores; equal ones as a draw from the view's seed has it."""
    shuffled = torch.randperm(len(view.pool), generator=view.generator())
    return shuffled[scores.cpu()[shuffled].argsort(descending=True, stable=True)]


def demand_scores(name: str, scores: Tensor, size: int) -> None:
    """Refuse what is not one finite number for each row."""
    _demand_tensor(name, "scores", scores)
    if scores.shape != (size,):
        raise UserError(
            f"{name}.score must return one number for each of the {size} rows of the pool, "
            f"got the shape {tuple(scores.shape)}"
        )
    if not scores.isfinite().all():
        bad = (~scores.isfinite()).nonzero().flatten()
        raise UserError(
            f"{name}.score returned {float(scores[bad[0]])} for {len(bad)} of {size} rows"
        )


def _demand_labels(name: str, labels: Any, size: int, classes: int) -> None:
    """Refuse what is not one class for each row."""
    _demand_tensor(name, "labels", labels)
    if labels.shape != (size,):
        shape = tuple(labels.shape)
        raise UserError(f"{name}.score gave labels of the shape {shape} for {size} rows")
    if labels.is_floating_point():
        raise UserError(f"{name}.score must give its labels as whole numbers, got {labels.dtype}")
    beyond = labels[(labels < 0) | (labels >= classes)]
    if len(beyond):
        raise UserError(
            f"{name}.score gave the label {int(beyond[0])}; classes go from 0 to {classes - 1}"
        )


def _demand_tensor(name: str, what: str, given: Any) -> None:
    if not isinstance(given, Tensor):
        raise UserError(
            f"{name}.score must give its {what} as a Tensor, got {type(given).__name__}"
        )
    if given.is_complex() or given.is_meta or given.layout is not torch.strided:
        raise UserError(
            f"{name}.score must give its {what} as plain real numbers, got {given.dtype}, "
            f"{given.layout} on {given.device}"
        )
