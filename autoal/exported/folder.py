"""Labelled pictures in folders, one for each class."""

from __future__ import annotations

import re
import shutil
from collections.abc import Iterable, Sequence
from pathlib import Path
from tempfile import mkdtemp

from PIL import Image
from torch import Tensor

from autoal.data.pictures import MODES
from autoal.errors import UserError
from autoal.exported.labelled import VALIDATION, Label, Labelled
from autoal.exported.lines import as_csv
from autoal.exported.texts import in_utf8
from autoal.record.whole import writing

LONGEST = 100  # characters of a folder's name
STEM = 50  # characters of a file's own name to keep, at most four bytes each
PARTS = ("train", "test", "val")  # folder names that are not classes


def as_folder(labelled: Labelled, out: Path, source: Path | None) -> None:
    """Write a folder for each class with its pictures, as their own files if they have some.

    Args:
        labelled: labelled pictures.
        out: the folder, which must not exist yet.
        source: the data set's folder, below which rows may be named by files.
    """
    pictures = _pictures(labelled, source)
    folders = dict(zip(labelled.classes, folder_names(labelled.classes), strict=True))
    with writing(out):
        out.parent.mkdir(parents=True, exist_ok=True)
        part = Path(mkdtemp(prefix=f".{out.name}.", dir=out.parent))
        try:
            for place, (label, picture) in enumerate(zip(labelled.labels, pictures, strict=True)):
                folder = part / folders[label.label]
                folder.mkdir(exist_ok=True)
                _put(folder, _number(label, place), picture)
            (part / "labels.csv").write_bytes(in_utf8(as_csv(Label, labelled.labels)))
            part.chmod(0o755)
            part.rename(out)
        finally:
            shutil.rmtree(part, ignore_errors=True)


def folder_names(classes: Sequence[str]) -> list[str]:
    """A folder name for each class: its own, unless that is invalid or taken."""
    named: list[str] = []
    taken = {"", *PARTS}  # compared without case, as on some file systems
    for place, own in enumerate(classes):
        name = re.sub(r"[^\w ()+-]", "_", own).strip()[:LONGEST]
        if name != own:
            name += f"-{place}"
        while name.casefold() in taken:
            name += f"-{place}"
        named.append(name)
        taken.add(name.casefold())
    return named


def _pictures(labelled: Labelled, source: Path | None) -> list[Path | Tensor]:
    """The file of each row or, if it has none, its pixels."""
    shown = [each.picture for each in labelled.seen()]
    pictures = [each for each in shown if each is not None]
    if len(pictures) < len(shown):
        raise UserError(
            "these rows are not pictures: give --format csv, jsonl, npz, gallery or label_studio"
        )
    _demand_modes(each for each in pictures if isinstance(each, Tensor))
    files = labelled.files(source)
    return [
        picture if isinstance(picture, Path) else file or picture
        for picture, file in zip(pictures, files, strict=True)
    ]


def _demand_modes(pictures: Iterable[Tensor]) -> None:
    """Refuse pixels that no picture file can hold."""
    for pixels in pictures:
        if len(pixels) not in MODES:
            raise UserError(
                f"no picture file can hold {len(pixels)} channels: give --format csv, jsonl or npz"
            )


def _number(label: Label, place: int) -> str:
    return f"{VALIDATION}-{place:06}" if label.row is None else f"{label.row:06}"


def _put(folder: Path, number: str, picture: Path | Tensor) -> None:
    """Copy a file under its number and own name, or write pixels to a file."""
    if isinstance(picture, Path):
        name = f"{number}-{picture.stem[:STEM]}{picture.suffix.lower()}"
        try:
            shutil.copyfile(picture, folder / name)
        except OSError as error:
            raise UserError(f"cannot copy {picture}: {error.strerror}") from error
    else:
        pixels = picture.cpu().permute(1, 2, 0).numpy()
        Image.fromarray(pixels[:, :, 0] if pixels.shape[2] == 1 else pixels).save(
            folder / f"{number}.png"
        )
