"""Folds of labelled rows, each held out once."""

import torch
from torch import Tensor


def stratified(labels: Tensor, folds: int, order: Tensor | None = None) -> Tensor:
    """The fold of each row, (n,): the rows of a class lie in as many folds as they can.

    Folds differ by one row at most; there are no more of them than rows.

    Args:
        labels: (n,) long.
        folds: how many there are, where rows are enough.
        order: in which rows are dealt out, (n,) places; None: as they stand.
    """
    order = torch.arange(len(labels)) if order is None else order
    dealt = order[labels[order].argsort(stable=True)]
    fold = torch.empty_like(dealt)
    fold[dealt] = torch.arange(len(labels)) % max(1, min(folds, len(labels)))
    return fold
