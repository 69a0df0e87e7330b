"""The order of training rows: a fixed one, in which a row's number tells nothing of its class."""

import torch
from torch import Tensor

from autoal.data.rows import Rows
from autoal.seeding import generator


def fixed_order(count: int) -> Tensor:
    """So many numbers, shuffled; the same at every time and in every run."""
    return torch.randperm(count, generator=generator(0, "order"))


def in_fixed_order(rows: Rows) -> Rows:
    """The rows in the fixed order, if they stand as in their file, which may be sorted by class."""
    places = rows.places
    if places is not None and bool((places.diff() < 0).any()):
        return rows
    return rows.take(fixed_order(len(rows)))
