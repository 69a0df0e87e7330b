"""Write all labels of a run.

python -m autoal.labels runs/mine > labels.csv
python -m autoal.labels runs/mine --format folder --out labelled/
python -m autoal.labels runs/mine --format gallery --out gallery.html
python -m autoal.labels runs/mine --suspects
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Collection, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from autoal.errors import UserError, until_unread
from autoal.exported.place import demand_new, demand_run
from autoal.exported.texts import in_utf8
from autoal.exported.told import add_trust, tell, told
from autoal.record.whole import write_whole

if TYPE_CHECKING:
    from autoal.kept import KeptRun

LINES, STUDIO, GALLERY = ("csv", "jsonl"), "label_studio", "gallery"
FILES = ("folder", "npz", GALLERY)
DESCRIPTION = (
    "List the labels of a run, finished or not: each row with its name, label, round, "
    "source, and the probability that the final model gives the label; or show them as a page, or "
    "list those that may be wrong."
)


@until_unread
def main(argv: Sequence[str] | None = None) -> int:
    """Write the labels of a run; return the exit code."""
    parser = argparse.ArgumentParser("python -m autoal.labels", description=DESCRIPTION)
    parser.add_argument("run", type=Path, help="folder of a run")
    parser.add_argument(
        "--format",
        choices=[*LINES, *FILES, STUDIO],
        default=LINES[0],
        help="csv, jsonl: lines; folder: pictures in a folder for each class; npz: arrays, which "
        "data=npz reads if they are pictures; gallery: an HTML page that shows the questions "
        "and answers, round by round; label_studio: JSON that Label Studio imports (default: "
        "%(default)s)",
    )
    parser.add_argument(
        "--suspects",
        action="store_true",
        help="only labels that may be wrong, as lines: models that did not learn them predict "
        "another class, the surest first",
    )
    parser.add_argument(
        "--out", type=Path, help="output, which must not exist yet; default: the terminal"
    )
    add_trust(parser)
    given = parser.parse_args(argv)
    return told(lambda: labels(given.run, given.format, given.out, given.trust, given.suspects))


def labels(
    run: Path,
    form: str,
    out: Path | None,
    trust: Collection[str] = (),
    only_suspects: bool = False,
) -> None:
    """Write the labels of a run in this form."""
    demand_run(run)
    if only_suspects and form not in LINES:
        raise UserError(f"--suspects are written as lines: give --format {' or '.join(LINES)}")
    if out is None and form in FILES:
        raise UserError(f"--format {form} needs a name: give --out")
    if out is not None:
        demand_new(out)
    from autoal.kept import KeptRun  # which imports torch

    kept = KeptRun(run, trust)
    if only_suspects:
        _tell_suspects(kept, form, out)
    elif out is not None and form == GALLERY:
        _write_gallery(kept, out)
    else:
        _tell_labels(kept, form, out)


def _tell_suspects(run: KeptRun, form: str, out: Path | None) -> None:
    from autoal.exported.lines import as_lines
    from autoal.exported.suspects import Suspect, suspects

    model = run.model
    found = suspects(run.labelled, run.read_by(model, run.labelled.of), model.learner)
    tell(as_lines(form, Suspect, found), out)


def _write_gallery(run: KeptRun, out: Path) -> None:
    from autoal.exported.gallery import as_gallery

    write_whole(out, in_utf8(as_gallery(run.name, run.batches())))


def _tell_labels(run: KeptRun, form: str, out: Path | None) -> None:
    from autoal.exported.folder import as_folder
    from autoal.exported.label_studio import as_label_studio, interface
    from autoal.exported.labelled import Label
    from autoal.exported.lines import as_lines
    from autoal.exported.npz import as_npz

    labelled, model = run.labelled, run.last_model
    if model is not None:
        probs = [model.predict_encoded(rows) for rows in run.read_by(model, labelled.of)]
        labelled.labels = labelled.with_probabilities(probs)
    if out is not None and form == "folder":
        as_folder(labelled, out, run.source)
    elif out is not None and form == "npz":
        write_whole(out, as_npz(labelled))
    elif form == STUDIO:
        tell(as_label_studio(labelled, run.source), out)
        print(f"the labelling interface of its project:\n{interface(labelled)}", file=sys.stderr)
    else:
        tell(as_lines(form, Label, labelled.labels), out)


if __name__ == "__main__":
    sys.exit(main())
