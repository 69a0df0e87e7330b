"""Where a trained model lies, and how files come out; nothing here needs torch."""

from __future__ import annotations

import json
import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from autoal.errors import UserError

FOLDER = "model"  # in the folder of a run
FACTS, WEIGHTS, README = "model.json", "weights.pt", "README.md"


def model_folder(path: Path) -> Path:
    """The folder of the model that a run's folder has, or that this is."""
    for folder in (path / FOLDER, path):
        if (folder / FACTS).is_file():
            return folder
    if not path.is_dir():
        raise UserError(f"there is no folder {path}: give that of a run, or its {FOLDER}/")
    raise UserError(
        f"{path} has no {FOLDER}/{FACTS}: a run has one when it is finished, and the command that "
        "started it finishes it"
    )


def rounds_of_model(folder: Path) -> int | None:
    """After how many rounds the model in this folder was trained; None if there is none."""
    try:
        facts = json.loads((folder / FACTS).read_bytes())
        return facts["rounds"] if (folder / WEIGHTS).is_file() else None
    except (OSError, ValueError, KeyError, TypeError):
        return None


def demand_new(path: Path) -> None:
    """Refuse to write over anything."""
    if path.exists() or path.is_symlink():
        raise UserError(f"{path} is there already: remove it, or give another --out")


def remove(path: Path) -> None:
    """Remove a file, if it is there."""
    with _writing(path):
        path.unlink(missing_ok=True)


def write_whole(path: Path, content: bytes) -> None:
    """Write a file as a whole, or leave what was there."""
    part = path.with_name(f".{path.name}.part")
    with _writing(path):
        path.parent.mkdir(parents=True, exist_ok=True)
        try:
            with part.open("wb") as file:
                file.write(content)
                file.flush()
                os.fsync(file.fileno())
            part.replace(path)
        except OSError:
            part.unlink(missing_ok=True)  # a full disk needs the room
            raise


@contextmanager
def _writing(path: Path) -> Iterator[None]:
    try:
        yield
    except OSError as error:
        raise UserError(f"cannot write {path}: {error.strerror}") from error
