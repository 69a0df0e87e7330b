"""Labelled rows as arrays in an npz file."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from io import BytesIO
from typing import Any

import numpy as np
import torch
from torch import Tensor

from autoal.data.rows import Rows
from autoal.data.texts import are_texts
from autoal.errors import UserError
from autoal.exported.labelled import Label, Labelled
from autoal.exported.texts import printable


def as_npz(labelled: Labelled) -> bytes:
    """Arrays that data=npz reads; for rows other than pictures, their inputs and labels."""
    if any(map(are_texts, labelled.rows)):
        raise UserError("texts are not arrays: give --format csv, jsonl, gallery or label_studio")
    pictures, labels = [_pictures(rows) for rows in labelled.rows], labelled.numbered.numpy()
    arrays: dict[str, Any] = {"classes": np.array(labelled.classes, dtype=str)}
    if all(each is not None for each in pictures):
        images = torch.cat([each for each in pictures if each is not None]).permute(0, 2, 3, 1)
        arrays |= {"train_images": images.numpy(), "train_labels": labels}
    else:
        inputs = torch.cat([rows.inputs.cpu() for rows in labelled.rows])
        arrays |= {"inputs": inputs.numpy(), "labels": labels}
    content = BytesIO()
    np.savez_compressed(content, **arrays, **_told(labelled.labels))
    return content.getvalue()


def _pictures(rows: Rows) -> Tensor | None:
    """The pictures that a person sees or, if these are files of any size, a network reads."""
    for found in (rows.shown, rows.inputs):
        if isinstance(found, Tensor) and found.ndim == 4 and found.dtype == torch.uint8:
            return found.cpu()
    return None


def _told(labels: Sequence[Label]) -> dict[str, Any]:
    """The facts about each label, as arrays: -1 and NaN for unknown values."""
    return {
        "rows": np.array([-1 if label.row is None else label.row for label in labels]),
        "names": np.array([printable(label.name, "utf-8") for label in labels], dtype=str),
        "rounds": np.array([label.round for label in labels]),
        "sources": np.array([label.source for label in labels], dtype=str),
        "uses": np.array([label.use for label in labels], dtype=str),
        "seconds": _numbers(label.seconds for label in labels),
        "probabilities": _numbers(label.probability for label in labels),
    }


def _numbers(values: Iterable[float | None]) -> np.ndarray[Any, Any]:
    return np.array([np.nan if value is None else value for value in values])
