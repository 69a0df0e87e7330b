"""The fixed order of training rows, in which a row's number says nothing about its class."""

import torch
from torch import Tensor

from autoal.data.rows import Rows
from autoal.seeding import generator


def fixed_order(count: int) -> Tensor:
    """The numbers below a count, shuffled; the same every time and in every run."""
    return torch.randperm(count, generator=generator(0, "order"))


def in_fixed_order(rows: Rows) -> Rows:
    """The rows in the fixed order, if they are still in their file's, maybe sorted, order."""
    places = rows.places
    if places is not None and bool((places.diff() < 0).any()):
        return rows
    return rows.take(fixed_order(len(rows)))
