"""Where rows may lie for a herding: by their embeddings and by what the model says of them."""

import torch
from torch import Tensor

from autoal import Features, View
from autoal.query.cover import embedded


def said(view: View, places: Tensor, what: str, share: float, even: bool) -> tuple[Tensor, Tensor]:
    """Further dimensions are what the model says, in units of how far the embeddings are spread.

    Args:
        view: of the query.
        places: in the pool.
        what: logits, probs or roots of these.
        share: how many times as much it counts.
        even: over the pool it varies as much as the embeddings, however little the model knows.
    """
    pool, labelled = embedded(view, places)
    mine, theirs = _told(view.pool, what)[places], _told(view.labelled.features, what)
    by = share * _spread(pool) / (_spread(mine).clamp(min=1e-3) if even else 1.0)
    return torch.cat([pool, by * mine], 1), torch.cat([labelled, by * theirs], 1)


def _told(rows: Features, what: str) -> Tensor:
    return rows.logits if what == "logits" else rows.probs ** (0.5 if what == "roots" else 1.0)


def _spread(rows: Tensor) -> Tensor:
    return rows.var(0, correction=0).sum().sqrt()
