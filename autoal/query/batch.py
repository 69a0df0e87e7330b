"""A batch of rows to ask about, chosen by a strategy, whose scores must be sound."""

from __future__ import annotations

import json
from collections.abc import Sequence
from typing import Any, NamedTuple

import torch
from torch import Tensor

from autoal.errors import UserError
from autoal.query.limits import Basket, Limits
from autoal.query.strategy import QueryStrategy, Scored, as_scored
from autoal.query.turn import turn
from autoal.query.view import View

NOTHING = 1e-12  # cost of a free row; the best of these come first


class Query(NamedTuple):
    """A batch, and what the strategy says about it."""

    rows: Tensor  # of the data set, best first
    notes: dict[str, Any]
    suggested: Tensor | None  # the classes that the strategy itself would give them
    looked: Tensor | None = None  # the rows of the data set that it scored
    scores: Tensor | None = None  # of those

    def scores_of(self, rows: Tensor) -> dict[int, float]:
        """The scores of those of these rows that the strategy looked at."""
        if self.looked is None or self.scores is None:
            return {}
        mask = torch.isin(self.looked, rows)
        return dict(zip(self.looked[mask].tolist(), self.scores[mask].tolist(), strict=True))


class Part(NamedTuple):
    """Some rows of a pool, and how many of them a batch should have."""

    places: Tensor  # of the pool, ascending
    size: int


def query(
    strategy: QueryStrategy,
    view: View,
    limits: Limits | int,
    parts: Sequence[Part] | None = None,
) -> Query:
    """The rows of the data set that the strategy scores highest, within limits.

    Ties are broken by a draw from the view's seed, not by the order of the rows, which in many
    data sets follows the classes.

    Args:
        strategy: learns from the whole view, and scores.
        view: of the pool.
        limits: of the batch; a plain number limits its rows.
        parts: parts of the pool to score one by one; None: score it as a whole.
    """
    limits = limits if isinstance(limits, Limits) else Limits(limits)
    if not 1 <= limits.size <= len(view.pool):
        raise ValueError(
            f"`budget` must be from 1 to the pool's {len(view.pool)}, got {limits.size}"
        )
    pieces = [_Piece.all_of(view, limits)]
    if parts is not None:
        pieces = [_Piece.of(view, limits, part) for part in parts if part.size]
    name = type(strategy).__name__
    with turn(name, view):
        strategy.fit(view)
        answers = [as_scored(strategy.score(each.view, each.limits.size)) for each in pieces]
    basket = Basket(view, limits.apart)
    found = [
        _best(strategy, piece, scored, basket)
        for piece, scored in zip(pieces, answers, strict=True)
    ]
    return found[0] if len(found) == 1 else _joined(found)


class _Piece(NamedTuple):
    """The rows of a pool, some or all, that a strategy scores."""

    view: View
    rows: Tensor  # of the data set
    places: Tensor  # of the pool
    limits: Limits

    @classmethod
    def all_of(cls, view: View, limits: Limits) -> _Piece:
        return cls(view, view.pool.rows.clone(), torch.arange(len(view.pool)), limits)

    @classmethod
    def of(cls, view: View, limits: Limits, part: Part) -> _Piece:
        some = view.among(part.places)
        return cls(some, some.pool.rows.clone(), part.places, limits.part(*part))


def _best(strategy: QueryStrategy, piece: _Piece, scored: Scored, basket: Basket) -> Query:
    """The rows with the highest scores, as far as they fit; scores must be sound."""
    name, (view, rows, places, limits) = type(strategy).__name__, piece
    demand_scores(name, scored.scores, len(rows))
    if scored.labels is not None:
        _demand_labels(name, scored.labels, len(rows), view.classes)
    worth = _worth(strategy, scored.scores, view) if limits.per_cost else scored.scores
    taken = basket.fill(best_first(worth, view), places, limits)
    suggested = None if scored.labels is None else scored.labels.cpu()[taken].long()
    notes = recorded(f"{name}.score", scored.notes)
    return Query(rows[taken], notes, suggested, rows, scored.scores.detach().cpu())


def _worth(strategy: QueryStrategy, scores: Tensor, view: View) -> Tensor:
    """The worth of each row per cost (Haertel, 2008)."""
    votes = votes_of(type(strategy).__name__, strategy, scores, view)
    return votes if view.costs is None else votes.double() / view.costs.clamp(min=NOTHING)


def votes_of(name: str, strategy: QueryStrategy, scores: Tensor, view: View) -> Tensor:
    """A strategy's votes for its scores, (n,), which must be shares.

    Args:
        name: what messages call it.
        strategy: the one that votes.
        scores: its scores of the pool's rows.
        view: of the pool.
    """
    with turn(name, view):
        votes = strategy.votes(scores, view.classes)
    if not isinstance(votes, Tensor):
        raise UserError(f"{name}: its votes are a {type(votes).__name__}, not a Tensor")
    shares = votes.detach().to(torch.float32).cpu()
    if shares.shape != scores.shape or not ((shares >= 0) & (shares <= 1)).all():
        raise UserError(f"{name}: its votes are not one number from 0 to 1 for each row")
    return shares


def _joined(found: Sequence[Query]) -> Query:
    """Several batches as one; the notes are those of the first."""
    parts = {name: [getattr(each, name) for each in found] for name in Query._fields}
    lacking = any(each is None for each in parts["suggested"])
    return Query(
        torch.cat(parts["rows"]),
        found[0].notes,
        None if lacking else torch.cat(parts["suggested"]),
        torch.cat(parts["looked"]),
        torch.cat(parts["scores"]),
    )


def recorded(by: str, notes: Any) -> dict[str, Any]:
    """The notes as the record returns them: numbers that JSON lacks become null.

    Args:
        by: their author, for messages.
        notes: what to keep.
    """
    try:
        return json.loads(json.dumps(dict(notes)), parse_constant=lambda word: None)
    except (TypeError, ValueError, RecursionError) as error:
        raise UserError(f"{by} gave notes that JSON cannot express: {error}") from error


def select(strategy: QueryStrategy, view: View, budget: int) -> Tensor:
    """Only the rows of `query`."""
    return query(strategy, view, budget).rows


def best_first(scores: Tensor, view: View) -> Tensor:
    """Places in the pool by their scores; a draw from the view's seed orders equal ones."""
    shuffled = torch.randperm(len(view.pool), generator=view.generator())
    return shuffled[scores.cpu()[shuffled].argsort(descending=True, stable=True)]


def demand_scores(name: str, scores: Tensor, size: int) -> None:
    """Refuse anything but one finite number for each row."""
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
    """Refuse anything but one class for each row."""
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
