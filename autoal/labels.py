"""All that was labelled in a run.

python -m autoal.labels runs/mine > labels.csv
python -m autoal.labels runs/mine --format folder --out labelled/
"""

import argparse
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from autoal.building import TARGET
from autoal.errors import UserError
from autoal.exported.place import demand_new, rounds_of_model
from autoal.exported.told import tell, told
from autoal.record.config import read_config
from autoal.record.layout import CONFIG, MODEL, ROUNDS
from autoal.record.round import Round, read_rounds
from autoal.record.whole import write_whole
from autoal.settings import Settings

if TYPE_CHECKING:
    import torch

    from autoal.data.contract import Data
    from autoal.exported.labelled import Labelled

TEXTS, FILES = ("csv", "jsonl"), ("folder", "npz")
DESCRIPTION = (
    "Tell what was labelled in a run, finished or not: each row with its name, label, round, "
    "source, and the probability that the final model gives the label."
)


def main(argv: Sequence[str] | None = None) -> int:
    """Tell the labels of a run; returns the exit code."""
    parser = argparse.ArgumentParser("python -m autoal.labels", description=DESCRIPTION)
    parser.add_argument("run", type=Path, help="folder of a run")
    parser.add_argument(
        "--format",
        choices=[*TEXTS, *FILES],
        default=TEXTS[0],
        help="csv, jsonl: lines; folder: pictures in a folder for each class; npz: arrays, which "
        "data=npz reads where they are pictures (default: %(default)s)",
    )
    parser.add_argument(
        "--out", type=Path, help="what to write, which must not be there yet; default: the terminal"
    )
    given = parser.parse_args(argv)
    return told(lambda: labels(given.run, given.format, given.out))


def labels(run: Path, form: str, out: Path | None) -> None:
    """Tell the labels of a run in this form."""
    if not (run / CONFIG).is_file():
        raise UserError(f"there is no run in {run}: it has no {CONFIG}")
    if out is None and form in FILES:
        raise UserError(f"--format {form} needs a name: give --out")
    if out is not None:
        demand_new(out)
    config = read_config(run / CONFIG).settings
    if TARGET not in (config.get("data") or {}):
        raise UserError(f"the run in {run} is of a program's own data, which are not known here")
    record = run / ROUNDS
    history = read_rounds(record.read_bytes(), record) if record.exists() else []
    if not history:
        raise UserError(f"nothing was labelled yet in {run}")
    _tell(run, form, out, config, history)


def _tell(
    run: Path, form: str, out: Path | None, config: Settings, history: Sequence[Round]
) -> None:
    from autoal.exported.labelled import Labelled, as_csv, as_folder, as_jsonl, as_npz
    from autoal.run import data_set  # which brings torch

    data = data_set(config)
    labelled = Labelled(data, history)
    if out is not None and form == "folder":
        path = config["data"].get("path")
        as_folder(labelled, out, None if path is None else Path(path).expanduser())
    elif out is not None and form == "npz":
        write_whole(out, as_npz(labelled))
    else:
        probs = _probs(run, config, data, labelled, len(history) - 1)
        found = labelled.labels if probs is None else labelled.with_probabilities(probs)
        tell((as_csv if form == "csv" else as_jsonl)(found), out)


def _probs(
    run: Path, config: Settings, data: "Data", labelled: "Labelled", last: int
) -> "torch.Tensor | None":
    """What the model of the last round says of the rows; None where there is none."""
    if rounds_of_model(run / MODEL) != last:
        return None
    import torch

    from autoal.exported.model import Model
    from autoal.run import encoded

    model = Model.read(run)
    seen = encoded(config, data, model.device)
    return torch.cat([model.predict_encoded(rows) for rows in labelled.of(seen)])


if __name__ == "__main__":
    sys.exit(main())
