"""The place of a trained model; nothing here needs torch."""

from __future__ import annotations

import json
from pathlib import Path

from autoal.errors import UserError
from autoal.record.layout import CONFIG, MODEL, MODEL_FACTS, MODEL_WEIGHTS


def demand_run(path: Path, otherwise: str = "") -> None:
    """Refuse a folder that is not a run's.

    Args:
        path: of the folder.
        otherwise: an alternative to suggest.
    """
    if not (path / CONFIG).is_file():
        raise UserError(f"there is no run in {path}: it has no {CONFIG}{otherwise}")


def model_folder(path: Path) -> Path:
    """The model folder in a run's folder, or this folder itself."""
    for folder in (path / MODEL, path):
        if (folder / MODEL_FACTS).is_file():
            return folder
    if not path.is_dir():
        raise UserError(f"there is no folder {path}: give a run's folder, or its {MODEL}/")
    raise UserError(
        f"{path} has no {MODEL}/{MODEL_FACTS}: a finished run has one, and the command that "
        "started a run finishes it"
    )


def is_model_of(folder: Path, run: str, rounds: int) -> bool:
    """Whether a folder has the model of this run after this many rounds."""
    try:
        facts = json.loads((folder / MODEL_FACTS).read_bytes())
        there = (facts["run"], facts["rounds"])
    except (OSError, ValueError, KeyError, TypeError, RecursionError):
        return False
    return there == (run, rounds) and (folder / MODEL_WEIGHTS).is_file()


def demand_new(path: Path) -> None:
    """Refuse to overwrite anything."""
    if path.exists() or path.is_symlink():
        raise UserError(f"{path} exists already: remove it, or give another --out")
