"""All that was labelled in a run.

python -m autoal.labels runs/mine > labels.csv
python -m autoal.labels runs/mine --format folder --out labelled/
"""

import argparse
import sys
from collections.abc import Collection, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

from autoal.building import TARGET, demand_trusted
from autoal.errors import UserError, about
from autoal.exported.place import demand_new, is_model_of
from autoal.exported.told import add_trust, tell, told
from autoal.people.events import deciding
from autoal.record.config import read_config
from autoal.record.finished import finished_rounds
from autoal.record.kinds import MAPPING
from autoal.record.layout import CONFIG, LABELS, MODEL, POOL, state_of
from autoal.record.round import Round
from autoal.record.whole import write_whole
from autoal.settings import Settings

if TYPE_CHECKING:
    import torch

    from autoal.data.contract import Data
    from autoal.exported.labelled import Labelled

STUDIO = "label_studio"
TEXTS, FILES = ("csv", "jsonl", STUDIO), ("folder", "npz")
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
        "data=npz reads where they are pictures; label_studio: what Label Studio imports (default: "
        "%(default)s)",
    )
    parser.add_argument(
        "--out", type=Path, help="what to write, which must not be there yet; default: the terminal"
    )
    add_trust(parser)
    given = parser.parse_args(argv)
    return told(lambda: labels(given.run, given.format, given.out, given.trust))


class _Run(NamedTuple):
    """What the labels of a run are told by."""

    path: Path
    id: str
    sections: Settings  # by which data set and encoder are built
    history: Sequence[Round]
    trust: Collection[str]  # packages that may be imported though the run's files name them


def labels(run: Path, form: str, out: Path | None, trust: Collection[str] = ()) -> None:
    """Tell the labels of a run in this form."""
    if not (run / CONFIG).is_file():
        raise UserError(f"there is no run in {run}: it has no {CONFIG}")
    if out is None and form in FILES:
        raise UserError(f"--format {form} needs a name: give --out")
    if out is not None:
        demand_new(out)
    _tell(_read(run, trust), form, out)


def _read(path: Path, trust: Collection[str]) -> _Run:
    config = read_config(path / CONFIG)
    with about(path / CONFIG):
        sections = {name: _section(name, config.settings) for name in ("data", "encoder")}
    if TARGET not in sections["data"]:
        raise UserError(f"the run in {path} is of a program's own data, which are not known here")
    _, history = finished_rounds(path)
    if not history:
        raise UserError(f"nothing was labelled yet in {path}")
    for name, section in sections.items():
        demand_trusted(section, name, trust)
    return _Run(path, config.about["id"], sections, history, trust)


def _section(name: str, settings: Settings) -> Settings:
    """A section of the settings; empty where a run, such as an older one, lacks it."""
    section: Settings | None = settings.get(name)
    if section is None:
        return {}
    MAPPING.demand(name, section)
    return section


def _tell(run: _Run, form: str, out: Path | None) -> None:
    from autoal.cycle.history import demand_same_data
    from autoal.exported.label_studio import as_label_studio, interface
    from autoal.exported.labelled import Labelled, as_csv, as_folder, as_jsonl, as_npz
    from autoal.record.states import read_state
    from autoal.run import data_set  # which brings torch

    pool = run.path / POOL
    data = data_set(run.sections, pool.read_bytes() if pool.is_file() else b"")
    state = read_state(state_of(run.path, run.history[-1].number))
    demand_same_data(data, state.get("data"))
    labelled = Labelled(data, run.history, deciding(run.path / LABELS))
    probs = _probs(run, data, labelled)
    if probs is not None:
        labelled.labels = labelled.with_probabilities(probs)
    source = _source(run.sections["data"].get("path"))
    if out is not None and form == "folder":
        as_folder(labelled, out, source)
    elif out is not None and form == "npz":
        write_whole(out, as_npz(labelled))
    elif form == STUDIO:
        tell(as_label_studio(labelled, source), out)
        print(f"the labelling interface of its project:\n{interface(labelled)}", file=sys.stderr)
    else:
        tell((as_csv if form == "csv" else as_jsonl)(labelled.labels), out)


def _source(path: str | None) -> Path | None:
    """The folder below which the rows of a data set may be named by their files."""
    if path is None:
        return None
    found = Path(path).expanduser()
    return found.parent if found.is_file() else found


def _probs(run: _Run, data: "Data", labelled: "Labelled") -> "torch.Tensor | None":
    """What the model of the last round says of the rows; None where there is none."""
    if not is_model_of(run.path / MODEL, run.id, run.history[-1].number):
        return None
    import torch

    from autoal.exported.model import Model
    from autoal.run import encoded, seen_by

    model = Model.read(run.path, trust=run.trust)
    if model.encoder is None:
        seen = encoded(run.sections, data, model.device)
    else:  # it may be another one than a new run would choose
        seen = seen_by(model.encoder, data, model.device)
    return torch.cat([model.predict_encoded(rows) for rows in labelled.of(seen)])


if __name__ == "__main__":
    sys.exit(main())
