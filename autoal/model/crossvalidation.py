"""Predictions of labelled rows by models that did not learn them."""

import torch
from torch import Tensor

from autoal.data.rows import Rows
from autoal.model.fitstep import unwatched
from autoal.model.learner import Learner, taught
from autoal.seeding import generator, seeded


def out_of_sample(learner: Learner, rows: Rows, *, folds: int, seed: int) -> Tensor:
    """Class probabilities of labelled rows, (n, classes)."""
    order = torch.randperm(len(rows), generator=generator(seed, "folds"))
    found: dict[int, Tensor] = {}
    for number, fold in enumerate(order.tensor_split(min(folds, len(rows)))):
        rest = torch.ones(len(rows), dtype=torch.bool)
        rest[fold] = False
        with seeded(seed, number, "fold"):
            student = learner.fresh(1 - len(fold) / len(rows))
            if rest.any():
                taught(student, rows.take(rest), first=True, watch=unwatched)
        ascending = fold.sort().values
        probs = student.look(rows, ascending, seed).probs.cpu()
        found |= dict(zip(ascending.tolist(), probs, strict=True))
    return torch.stack([found[row] for row in range(len(rows))])
