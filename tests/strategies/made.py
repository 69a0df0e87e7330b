"""Views of given embeddings, in which the places of the pool are its row numbers."""

from typing import Any

import torch
from torch import Tensor

from autoal import QueryStrategy, View
from autoal.query.strategy import as_scored


def beside(
    pool: Tensor,
    labelled: Tensor | None = None,
    labels: Tensor | None = None,
    validation: tuple[Tensor, Tensor] | None = None,
    **given: Any,
) -> View:
    """A view of the embeddings of the pool, then of what is labelled, then of what is held out.

    Args:
        pool: embeddings.
        labelled: embeddings; None: nothing is labelled.
        labels: of the labelled rows; all 0 if not given.
        validation: embeddings and labels.
        given: whatever else `View.of` takes; arrays go by the same order of the rows.
    """
    known = pool[:0] if labelled is None else labelled
    judges, asked = (pool[:0], torch.empty(0)) if validation is None else validation
    marks = [
        torch.full((len(pool),), -1),
        torch.zeros(len(known)) if labels is None else labels,
        asked,
    ]
    size = len(pool) + len(known)
    return View.of(
        torch.cat([pool, known, judges]),
        labels=torch.cat([mark.long() for mark in marks]),
        held_out=range(size, size + len(judges)),
        **given,
    )


def scored(strategy: QueryStrategy, view: View, budget: int) -> Tensor:
    """The scores alone."""
    return as_scored(strategy.score(view, budget)).scores


def noted(strategy: QueryStrategy, view: View, budget: int = 1) -> dict[str, Any]:
    """A strategy's notes for the record, beside its scores."""
    return dict(as_scored(strategy.score(view, budget)).notes)


def best(strategy: QueryStrategy, view: View, budget: int) -> list[int]:
    """The places of the highest scores, best first."""
    return scored(strategy, view, budget).argsort(descending=True)[:budget].tolist()
