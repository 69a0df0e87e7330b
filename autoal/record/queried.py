"""The rows that a round queried, for W&B: all at a glance, and a table of them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import torch
import wandb
from torch import Tensor
from torchvision.utils import make_grid

from autoal.data.pictures import CorruptError
from autoal.data.rows import Rows, chosen
from autoal.data.seen import beside, seen
from autoal.data.thumbnail import thumbnail
from autoal.oracles.question import Question
from autoal.query.batch import Query
from autoal.record.round import Round

MOST = 64  # rows shown a round
LETTERS = 600  # characters of a text
PICTURE, LABEL = "picture", "label"
OURS = ("round", "row", PICTURE, LABEL, "prediction", "score")  # columns in a table of rows


@dataclass(frozen=True)
class Foreseen:
    """Opinions on rows before anybody labelled them, by row number."""

    predictions: Mapping[int, str] = field(default_factory=dict)  # the model's predictions
    scores: Mapping[int, float] = field(default_factory=dict)  # the strategy's scores

    @classmethod
    def of(cls, question: Question, query: Query) -> Foreseen:
        """Opinions on the rows of a question; empty if there is no model yet."""
        if question.probs is None:
            return cls(scores=query.scores_of(question.rows))
        best = question.probs.argmax(1).tolist()
        names = [question.classes[label] for label in best]
        predictions = dict(zip(question.rows.tolist(), names, strict=True))
        return cls(predictions, query.scores_of(question.rows))


def glance(finished: Round, rows: Rows, classes: Sequence[str]) -> wandb.Image | wandb.Table | None:
    """Pictures in one, or texts, with their labels; None if there is nothing to see."""
    shown = _shown(finished, rows)
    if shown is None or not len(shown):
        return None
    labels = _labels(finished, classes)
    if isinstance(shown, Tensor):
        return wandb.Image(_grid(shown), caption=", ".join(labels))
    texts = [beside((LABEL,), seen(each).texts) for each in shown]
    if not all(texts):
        return None
    cells = [[*_clipped(each).values(), label] for each, label in zip(texts, labels, strict=True)]
    return wandb.Table(columns=[*texts[0], LABEL], data=cells)


def table(
    finished: Round, rows: Rows, classes: Sequence[str], foreseen: Foreseen
) -> wandb.Table | None:
    """Every row as a person sees it, its label, and the opinions on it before.

    Args:
        finished: the round that queried them.
        rows: of the pool.
        classes: their names.
        foreseen: of the rows; where it says nothing, a cell stays empty.
    """
    shown = _shown(finished, rows)
    if shown is None or not len(shown):
        return None
    numbers = finished.queried[:MOST]
    lines = [
        {"round": finished.number, "row": name, **_parts(each), LABEL: label}
        | {"prediction": foreseen.predictions.get(row), "score": foreseen.scores.get(row)}
        for row, name, each, label in zip(
            numbers, _names(finished), shown, _labels(finished, classes), strict=True
        )
    ]
    columns = [*dict.fromkeys(name for line in lines for name in line)]
    cells = [[line.get(name) for name in columns] for line in lines]
    return wandb.Table(columns=[*columns], data=cells)


def _shown(finished: Round, rows: Rows) -> Any:
    """The first queried rows, as a person sees them."""
    return chosen(rows.shown, torch.tensor(finished.queried[:MOST], dtype=torch.long))


def _labels(finished: Round, classes: Sequence[str]) -> list[str]:
    return [classes[label] for label in finished.labels[:MOST]]


def _names(finished: Round) -> list[str]:
    """The names of the rows; older records have only their numbers."""
    return (finished.names or [str(row) for row in finished.queried])[:MOST]


def _parts(shown: Any) -> dict[str, Any]:
    """The picture of a row, its cells and its texts, under columns other than ours."""
    found = seen(shown)
    picture = {} if found.picture is None else {PICTURE: _small(found.picture)}
    return picture | _clipped(beside(OURS, found.cells | found.texts))


def _small(picture: Path | Tensor) -> wandb.Image | None:
    """The cell of a picture; empty if it cannot be read."""
    try:
        return wandb.Image(thumbnail(picture))
    except CorruptError:
        return None


def _clipped(texts: Mapping[str, str]) -> dict[str, str]:
    """The beginning of a long text."""
    return {name: text[:LETTERS] for name, text in texts.items()}


def _grid(images: Tensor) -> np.ndarray[Any, Any]:
    """One picture of all the images, enlarged if they are tiny."""
    scale = max(1, 32 // images.shape[-1])
    large = images.repeat_interleave(scale, 2).repeat_interleave(scale, 3)
    grid = make_grid(large, nrow=8, padding=2, pad_value=255)
    return grid.permute(1, 2, 0).numpy()
