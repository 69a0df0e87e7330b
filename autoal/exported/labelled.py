"""All that was labelled in a run, and the forms in which it comes out."""

from __future__ import annotations

import csv
import json
import re
import shutil
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass, fields, replace
from io import BytesIO, StringIO
from pathlib import Path
from tempfile import mkdtemp
from typing import Any, NamedTuple

import numpy as np
import torch
from PIL import Image
from torch import Tensor

from autoal.data.contract import Data
from autoal.data.pictures import MODES, is_picture
from autoal.data.rows import Rows
from autoal.errors import UserError
from autoal.exported.texts import in_utf8, printable
from autoal.people.events import Event
from autoal.record.round import Round

VALIDATION, TRAIN, CHECK = "validation", "train", "check"  # what labels are used for
DATA = "data"  # source of the labels that were there before anybody was asked
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
    use: str = TRAIN
    at: str = ""  # when, where people answered
    seconds: float | None = None  # that it took them
    probability: float | None = None  # of the label by the final model


class Labelled:
    """The rows that were labelled, held-out ones first, then in the order of their labels.

    Args:
        data: the data set.
        history: the rounds that were done.
        said: by what each row has its label, where people labelled.
    """

    def __init__(
        self, data: Data, history: Sequence[Round], said: Mapping[int, Event] | None = None
    ) -> None:
        self.classes = data.classes
        told = _final(history)
        self.numbers = torch.tensor([each.row for each in told], dtype=torch.long)
        given = torch.tensor([each.label for each in told], dtype=torch.long)
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
        self.labels = [*_held_out(held_out, data.classes), *_told_of(data, told, said or {})]

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
            yield Label(None, name, classes[label], 0, DATA, VALIDATION)


class _Told(NamedTuple):
    """The label that a row has in the end."""

    row: int
    label: int
    round: int
    source: str
    use: str = TRAIN


def _final(history: Sequence[Round]) -> list[_Told]:
    """All rows of the pool that have a label, with those by which earlier ones were corrected."""
    told = [each for done in history for each in _of_round(done)]
    amended = {row: label for done in history for row, label in done.amended.items()}
    return [each._replace(label=amended.get(each.row, each.label)) for each in told]


def _of_round(done: Round) -> Iterator[_Told]:
    for row, label in done.given.items():
        yield _Told(row, label, done.number, DATA)
    for row, label in zip(done.checked, done.checked_labels, strict=True):
        yield _Told(row, label, done.number, done.by, CHECK)
    for row, label in zip(done.queried, done.labels, strict=True):
        yield _Told(row, label, done.number, done.by)


def _told_of(data: Data, told: Sequence[_Told], said: Mapping[int, Event]) -> Iterator[Label]:
    names = data.train.named(torch.tensor([each.row for each in told], dtype=torch.long))
    for each, name in zip(told, names, strict=True):
        known = Label(each.row, name, data.classes[each.label], each.round, each.source, each.use)
        event = said.get(each.row)
        if event is not None and event.label == known.label:
            known = replace(known, source=event.by, at=event.at, seconds=event.seconds)
        yield known


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
        "uses": np.array([label.use for label in labels], dtype=str),
        "seconds": _numbers(label.seconds for label in labels),
        "probabilities": _numbers(label.probability for label in labels),
    }


def _numbers(values: Iterable[float | None]) -> np.ndarray[Any, Any]:
    return np.array([np.nan if value is None else value for value in values])


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
    """The rows as pictures, where all of them are."""
    pictures = [each for each in map(_pictures_of, labelled.rows) if each is not None]
    return torch.cat(pictures).cpu() if len(pictures) == len(labelled.rows) else None


def _pictures_of(rows: Rows) -> Tensor | None:
    """What a person sees of rows that are pictures; of files, what was read of them."""
    for each in (rows.shown, rows.inputs):
        if isinstance(each, Tensor) and each.ndim == 4 and each.dtype == torch.uint8:
            return each
    return None
