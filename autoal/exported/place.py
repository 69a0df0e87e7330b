"""Where a trained model lies; nothing here needs torch."""

from __future__ import annotations

import json
from pathlib import Path

from autoal.errors import UserError
from autoal.record.layout import MODEL, MODEL_FACTS, MODEL_WEIGHTS


def model_folder(path: Path) -> Path:
    """The folder of the model that a run's folder has, or that this is."""
    for folder in (path / MODEL, path):
        if (folder / MODEL_FACTS).is_file():
            return folder
    if not path.is_dir():
        raise UserError(f"there is no folder {path}: give that of a run, or its {MODEL}/")
    raise UserError(
        f"{path} has no {MODEL}/{MODEL_FACTS}: a finished run has one, and the command that "
        "started a run finishes it"
    )


def rounds_of_model(folder: Path) -> int | None:
    """After how many rounds the model in this folder was trained; None if there is none."""
    try:
        facts = json.loads((folder / MODEL_FACTS).read_bytes())
        return facts["rounds"] if (folder / MODEL_WEIGHTS).is_file() else None
    except (OSError, ValueError, KeyError, TypeError):
        return None


def demand_new(path: Path) -> None:
    """Refuse to write over anything."""
    if path.exists() or path.is_symlink():
        raise UserError(f"{path} is there already: remove it, or give another --out")
