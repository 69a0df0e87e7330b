"""Dropping rows: uneven classes from even ones, a small pool from a large one."""

import torch
from torch import Tensor

from autoal.seeding import generator

KINDS = ("none", "long_tail", "step")


def thin(labels: Tensor, kind: str, ratio: float, seed: int = 0) -> Tensor:
    """The rows to keep, ascending, so that the first class has `ratio` times those of the last.

    With `long_tail` the sizes fall geometrically from class to class (Cui et al., 2019); with
    `step` the second half of the classes is cut down and the first left whole (Buda et al., 2018).
    The largest class sets the scale; a class with fewer rows than it may keep is kept whole, and
    every class keeps at least one row.
    """
    counts = labels.bincount()
    classes = len(counts)
    stream = generator(seed, "imbalance")
    chosen = []
    for label in range(classes):
        place = label / max(1, classes - 1) if kind == "long_tail" else float(2 * label >= classes)
        rows = (labels == label).nonzero().flatten()
        wanted = max(1, round(int(counts.max()) * ratio**-place))
        chosen.append(rows[torch.randperm(len(rows), generator=stream)[:wanted]])
    return torch.cat(chosen).sort().values


def stratified(labels: Tensor, share: float, seed: int = 0) -> Tensor:
    """The rows to keep, ascending: this share of all and, to within one, of every class.

    Every class keeps a row.
    """
    ends = (labels.bincount().cumsum(0).double() * share).round().long()
    quotas = ends.diff(prepend=ends.new_zeros(1)).clamp(min=1)
    stream = generator(seed, "share")
    chosen = []
    for label, quota in enumerate(quotas.tolist()):
        rows = (labels == label).nonzero().flatten()
        chosen.append(rows[torch.randperm(len(rows), generator=stream)[:quota]])
    return torch.cat(chosen).sort().values
