"""Labels that may be wrong: models that did not learn them predict other classes."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import torch

from autoal.data.rows import Rows
from autoal.errors import UserError
from autoal.exported.labelled import Labelled
from autoal.model.crossvalidation import out_of_sample
from autoal.model.learner import Learner

FOLDS, SEED = 5, 0


@dataclass(frozen=True)
class Suspect:
    """A label that may be wrong."""

    row: int | None  # number in the pool; None for a held-out row
    name: str
    label: str
    probability: float  # of the label, by a model that did not learn it
    better: str  # the class that this model predicts
    better_probability: float
    round: int
    source: str  # of the label
    texts: Mapping[str, str]  # of the row, by column


def suspects(labelled: Labelled, parts: Sequence[Rows], learner: Learner) -> list[Suspect]:
    """The labels less probable than another class, the least probable first.

    Args:
        labelled: all labels.
        parts: its rows in the learner's form.
        learner: the source of fresh ones, each taught all labels but some.
    """
    _demand_classes(labelled)
    rows = learner.place(Rows(torch.cat([part.inputs for part in parts]), labelled.numbered))
    probs = out_of_sample(learner, rows, folds=FOLDS, seed=SEED)
    own = probs.gather(1, labelled.numbered[:, None])[:, 0]
    best = probs.max(1)
    beaten = (own < best.values).nonzero().flatten()
    found = []
    for place in beaten[own[beaten].argsort()].tolist():
        label = labelled.labels[place]
        found.append(
            Suspect(
                row=label.row,
                name=label.name,
                label=label.label,
                probability=float(own[place]),
                better=labelled.classes[int(best.indices[place])],
                better_probability=float(best.values[place]),
                round=label.round,
                source=label.source,
                texts=label.texts,
            )
        )
    return found


def _demand_classes(labelled: Labelled) -> None:
    there = {label.label for label in labelled.labels}
    if len(there) < 2:
        raise UserError(
            f"all labels are {min(there)!r} so far: to tell which may be wrong takes two classes "
            "at least"
            if there
            else "nothing is labelled so far"
        )
