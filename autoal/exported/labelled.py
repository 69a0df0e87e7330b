"""All that was labelled in a run, and the forms in which it comes out."""

from __future__ import annotations

import csv
import json
import re
import shutil
from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass, fields
from io import BytesIO, StringIO
from pathlib import Path
from tempfile import mkdtemp
from typing import Any

import numpy as np
import torch
from PIL import Image
from torch import Tensor

from autoal.data.contract import Data
from autoal.data.pictures import MODES, is_picture
from autoal.data.rows import Rows
from autoal.errors import UserError
from autoal.exported.texts import in_utf8, printable
from autoal.record.round import Round

VALIDATION = "validation"  # source of the labels that were there before anybody was asked
LONGEST = 100  # characters of a folder's name
PARTS = ("train", "test", "val")  # what a folder of pictures may have in the place of classes


@dataclass(frozen=True)
class Label:
    """What one row was labelled with."""

    row: int | None  # number in the pool; None of a row that was held out
    name: str
    label: str
    round: int
    source: str  # who answered
    probability: float | None = None  # of the label by the final model


class Labelled:
    """The rows that were labelled, held-out ones first, then in the order of their labels.

    Args:
        data: the data set.
        history: the rounds that were done.
    """

    def __init__(self, data: Data, history: Sequence[Round]) -> None:
        self.classes = data.classes
        self.numbers = torch.tensor([row for done in history for row in done.queried]).long()
        given = torch.tensor([label for done in history for label in done.labels]).long()
        if len(given) and int(self.numbers.max()) >= len(data.train):
            raise UserError(
                f"row {int(self.numbers.max())} was labelled, and the data set has only "
                f"{len(data.train)}: it is not that of the run"
            )
        held_out = data.validation
        self.rows = self.of(data)
        if len(given) and int(given.max()) >= len(data.classes):
            raise UserError(
                f"a row was labelled {int(given.max())}, and the data set has only "
                f"{len(data.classes)} classes: it is not that of the run"
            )
        self.numbered = given if held_out is None else torch.cat([held_out.labels, given])
        self.labels = [*_held_out(held_out, data.classes), *_asked(data, history)]

    def of(self, data: Data) -> list[Rows]:
        """The same rows of a data set that has them in another form."""
        asked = data.train.take(self.numbers)
        return [asked] if data.validation is None else [data.validation, asked]

    def files(self, folder: Path | None) -> list[Path | None]:
        """The picture file of each row, where the data set names one inside its folder."""
        names = [name for rows in self.rows for name in rows.named(torch.arange(len(rows)))]
        if folder is None:
            return [None] * len(names)
        return [_picture(folder.resolve(), name) for name in names]

    def with_probabilities(self, probs: Tensor) -> list[Label]:
        """The labels, each with its probability among these, (n, classes)."""
        own = probs.gather(1, self.numbered[:, None])[:, 0].tolist()
        pairs = zip(self.labels, own, strict=True)
        return [Label(**{**asdict(label), "probability": each}) for label, each in pairs]


def _picture(folder: Path, name: str) -> Path | None:
    """The picture that is called so, unless it lies outside the folder, as by `..` or a link."""
    path = (folder / name).resolve()
    inside = path.is_relative_to(folder)
    return path if inside and is_picture(path.name) and path.is_file() else None


def _held_out(rows: Rows | None, classes: Sequence[str]) -> Iterator[Label]:
    if rows is not None:
        names = rows.named(torch.arange(len(rows)))
        for name, label in zip(names, rows.labels.tolist(), strict=True):
            yield Label(None, name, classes[label], 0, VALIDATION)


def _asked(data: Data, history: Sequence[Round]) -> Iterator[Label]:
    for done in history:
        names = done.names or data.train.named(torch.tensor(done.queried).long())
        for row, name, label in zip(done.queried, names, done.labels, strict=True):
            yield Label(row, name, data.classes[label], done.number, done.by)


def as_csv(labels: Sequence[Label]) -> str:
    """A line for each, with a header; empty where nothing is known."""
    text = StringIO(newline="")
    writer = csv.DictWriter(text, [field.name for field in fields(Label)], lineterminator="\n")
    writer.writeheader()
    writer.writerows(map(asdict, labels))
    return text.getvalue()


def as_jsonl(labels: Sequence[Label]) -> str:
    """A line for each; null where nothing is known."""
    return "".join(f"{json.dumps(asdict(label), ensure_ascii=False)}\n" for label in labels)


def as_npz(labelled: Labelled) -> bytes:
    """What data=npz reads; of rows that are no pictures, their inputs and labels."""
    pictures, labels = _pictures(labelled), labelled.numbered.numpy()
    classes = np.array(labelled.classes, dtype=str)
    arrays: dict[str, Any] = {"classes": classes, **_told(labelled.labels)}
    if pictures is None:
        inputs = torch.cat([rows.inputs.cpu() for rows in labelled.rows]).numpy()
        arrays |= {"inputs": inputs, "labels": labels}
    else:
        images = pictures.permute(0, 2, 3, 1).numpy()
        arrays |= {"train_images": images, "train_labels": labels}
    content = BytesIO()
    np.savez_compressed(content, **arrays)
    return content.getvalue()


def _told(labels: Sequence[Label]) -> dict[str, Any]:
    """What is known of each label, as arrays: -1 and NaN where nothing is."""
    return {
        "rows": np.array([-1 if label.row is None else label.row for label in labels]),
        "names": np.array([printable(label.name, "utf-8") for label in labels], dtype=str),
        "rounds": np.array([label.round for label in labels]),
        "sources": np.array([label.source for label in labels], dtype=str),
        "probabilities": np.array(
            [np.nan if label.probability is None else label.probability for label in labels]
        ),
    }


def as_folder(labelled: Labelled, out: Path, source: Path | None) -> None:
    """A folder for each class, with its pictures: their files, where they have some.

    Args:
        labelled: whose rows are pictures.
        out: the folder, which is not there yet.
        source: the folder of the data set, below which rows may be named by their files.
    """
    pictures = _for_files(labelled)
    folders = dict(zip(labelled.classes, folder_names(labelled.classes), strict=True))
    out.parent.mkdir(parents=True, exist_ok=True)
    part = Path(mkdtemp(prefix=f".{out.name}.", dir=out.parent))
    try:
        every = zip(labelled.labels, pictures, labelled.files(source), strict=True)
        for place, (label, picture, file) in enumerate(every):
            number = f"{VALIDATION}-{place:06}" if label.row is None else f"{label.row:06}"
            folder = part / folders[label.label]
            folder.mkdir(exist_ok=True)
            _put(folder, number, picture, file)
        (part / "labels.csv").write_bytes(in_utf8(as_csv(labelled.labels)))
        part.chmod(0o755)
        part.rename(out)
    finally:
        shutil.rmtree(part, ignore_errors=True)


def _for_files(labelled: Labelled) -> Tensor:
    """What a person sees of the rows, as picture files can hold it."""
    pictures, instead = _pictures(labelled), "give --format csv, jsonl or npz"
    if pictures is None:
        raise UserError(f"these rows are no pictures: {instead}")
    if pictures.shape[1] not in MODES:
        raise UserError(f"no picture file holds {pictures.shape[1]} channels: {instead}")
    return pictures


def _put(folder: Path, number: str, picture: Tensor, file: Path | None) -> None:
    if file is not None:
        shutil.copyfile(file, folder / f"{number}{file.suffix.lower()}")
    else:
        pixels = picture.permute(1, 2, 0).numpy()
        Image.fromarray(pixels[:, :, 0] if pixels.shape[2] == 1 else pixels).save(
            folder / f"{number}.png"
        )


def folder_names(classes: Sequence[str]) -> list[str]:
    """A name for the folder of each class: its own, unless that is no name or is taken."""
    named: list[str] = []
    taken = {"", *PARTS}  # as file systems see them to which A is a
    for place, own in enumerate(classes):
        name = re.sub(r"[^\w ()+-]", "_", own).strip()[:LONGEST]
        if name != own:
            name += f"-{place}"
        while name.casefold() in taken:
            name += f"-{place}"
        named.append(name)
        taken.add(name.casefold())
    return named


def _pictures(labelled: Labelled) -> Tensor | None:
    """What a person sees of the rows, where these are pictures."""
    shown = [rows.shown for rows in labelled.rows]
    pictures = [each for each in shown if isinstance(each, Tensor) and each.ndim == 4]
    return torch.cat(pictures).cpu() if len(pictures) == len(shown) else None
