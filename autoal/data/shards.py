"""Shards in WebDataset's format: tar files with a picture and a label for each sample."""

from __future__ import annotations

import json
import tarfile
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

from autoal.data.pictures import ENDINGS, Member
from autoal.errors import UserError

ENDING = ".tar"
LABEL, RECORD = ".cls", ".json"  # a bare label, or an object with it
KEYS = ("label", "cls")  # of the label in such an object; the first that exists
MOST_BYTES = 1 << 20  # of a label or a record
PIECE = 1 << 20  # bytes that are read at a time


class Sample(NamedTuple):
    """A picture and its class in the shard: a name or a number."""

    picture: Member
    label: str


def shards_in(folder: Path) -> list[Path]:
    """The shards of a folder, in the order of their names."""
    return sorted(path for path in folder.glob(f"*{ENDING}") if not path.name.startswith("."))


def samples_of(shard: Path) -> list[Sample]:
    """All samples of a shard, in order; a damaged shard is refused."""
    try:
        with tarfile.open(shard, "r:") as file:
            return list(_samples(shard, file))
    except UserError:
        raise
    except Exception as error:  # damaged files make tarfile fail in several ways
        raise UserError(f"{shard} cannot be read as an uncompressed tar file: {error}") from error


def _demand_end(shard: Path, end: int) -> None:
    """Refuse a shard that does not end in zeros: tarfile mistakes a damaged header for the end.

    Args:
        shard: the shard, all of whose members were read.
        end: of the last of them.
    """
    zeros = 0
    with shard.open("rb") as file:
        file.seek(end)
        while piece := file.read(PIECE):
            if piece.count(0) < len(piece):
                break
            zeros += len(piece)
    if piece or zeros < tarfile.BLOCKSIZE:
        raise UserError(f"{shard} is cut off or damaged at byte {end:,}")


def _samples(shard: Path, file: tarfile.TarFile) -> Iterator[Sample]:
    """The samples: members with the same name up to the first dot belong together."""
    pictures: dict[str, Member] = {}
    labels: dict[str, str] = {}
    for entry in filter(tarfile.TarInfo.isfile, file):
        folder, _, name = entry.name.rpartition("/")
        stem, dot, kind = name.partition(".")
        key, ending = f"{folder}/{stem}", f"{dot}{kind}".lower()
        if ending in ENDINGS:
            if key in pictures:
                raise UserError(f"{shard}/{entry.name} is a second picture of one sample")
            pictures[key] = Member(shard, entry.name, entry.offset_data, entry.size)
        elif ending == LABEL or (ending == RECORD and key not in labels):
            labels[key] = _label(shard, file, entry, ending)
    _demand_end(shard, file.offset)
    for key, picture in pictures.items():
        if key not in labels:
            raise UserError(f"{picture} has no label: no member {LABEL} or {RECORD} has one")
        yield Sample(picture, labels[key])


def _label(shard: Path, file: tarfile.TarFile, entry: tarfile.TarInfo, ending: str) -> str:
    """The class that a member names."""
    stream = file.extractfile(entry)
    assert stream is not None  # it is a file
    try:
        text = stream.read(MOST_BYTES).decode()
        found = _told(json.loads(text)) if ending == RECORD else text.strip()
    except (ValueError, RecursionError) as error:
        raise UserError(f"{shard}/{entry.name} cannot be read: {error}") from error
    if not found:
        raise UserError(f"{shard}/{entry.name} names no class")
    return found


def _told(record: object) -> str:
    """The label in a record; empty if it has none."""
    values = [record.get(key) for key in KEYS] if isinstance(record, dict) else []
    return next((str(value) for value in values if isinstance(value, str | int)), "")
