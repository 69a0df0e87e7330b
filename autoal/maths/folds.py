"""Folds of labelled rows, each held out once."""

import torch
from torch import Tensor


def stratified(labels: Tensor, folds: int, order: Tensor | None = None) -> Tensor:
    """The fold of each row, (n,): the rows of a class are spread over as many folds as possible.

    Folds differ by at most one row; there are no more of them than rows.

    Args:
        labels: (n,) long.
        folds: how many there are, if there are enough rows.
        order: in which rows are dealt out, (n,) places; None: as given.
    """
    order = torch.arange(len(labels)) if order is None else order
    dealt = order[labels[order].argsort(stable=True)]
    fold = torch.empty_like(dealt)
    fold[dealt] = torch.arange(len(labels)) % max(1, min(folds, len(labels)))
    return fold
