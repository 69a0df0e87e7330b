"""Predictions for labelled rows by learners that have not seen them."""

import torch
from torch import Tensor

from autoal.data.rows import Rows
from autoal.errors import UserError
from autoal.maths.folds import stratified
from autoal.model.fitstep import unwatched
from autoal.model.learner import Learner, looked, taught
from autoal.seeding import derive, generator, seeded

FOLDS = 5


def out_of_sample(learner: Learner, rows: Rows, *, folds: int = FOLDS, seed: int = 0) -> Tensor:
    """The class probabilities of labelled rows by learners that were taught the others.

    Use them to judge the labels themselves: how often the model agrees, and which may be wrong. The
    rows of a class are spread over the folds, and few rows make fewer folds. What the learner chose
    by itself, such as a penalty, is kept fixed: choosing it again in every fold would take as long
    as everything else.

    Args:
        learner: the source of fresh ones; it does not change itself.
        rows: at least two labelled rows.
        folds: how many there are; each is held out once.
        seed: for the folds and the learners' draws.

    Returns:
        (n, classes), on the CPU.
    """
    if len(rows) < 2:
        raise UserError(
            f"other rows teach the model that judges a row: give at least 2, got {len(rows)}"
        )
    if folds < 2:
        raise UserError(f"`folds` must be at least 2, got {folds}")
    order = torch.randperm(len(rows), generator=generator(seed, "folds"))
    fold = stratified(rows.labels, folds, order)
    held_out = [(fold == number).nonzero().flatten() for number in range(int(fold.max()) + 1)]
    parts = [
        _judged(learner, rows, some, derive(seed, place)) for place, some in enumerate(held_out)
    ]
    return torch.cat(parts)[torch.cat(held_out).argsort()]


def doubted(probs: Tensor, labels: Tensor) -> Tensor:
    """True for labels that may be wrong, (n,) (confident learning: Northcutt, Jiang, Chuang, 2021).

    They belong to rows that are predicted to have another class, at least as surely as rows with
    that class's label are on average: so a model that hesitates everywhere accuses no label.

    Args:
        probs: out of sample, (n, classes).
        labels: (n,) long.
    """
    own = probs.gather(1, labels[:, None])[:, 0]
    counts = labels.bincount(minlength=probs.shape[1])
    sums = torch.zeros_like(probs[0]).index_add(0, labels, own)
    usual = torch.where(counts > 0, sums / counts.clamp(min=1), torch.ones_like(sums))
    best = probs.max(1)
    return (best.indices != labels) & (best.values >= usual[best.indices])


def _judged(learner: Learner, rows: Rows, held_out: Tensor, seed: int) -> Tensor:
    """A fresh learner's predictions for these rows after learning all others."""
    others = torch.ones(len(rows), dtype=torch.bool)
    others[held_out] = False
    with seeded(seed, "fit"):
        member = learner.alike(float(others.float().mean()))
        taught(member, rows.take(others), first=True, watch=unwatched)
    return looked(member, rows.without_labels(), held_out, seed).probs.cpu()
