"""Predict with the model of a run: new rows, or the unlabelled rows of its pool.

python -m autoal.predict runs/mine --out predictions.csv
python -m autoal.predict runs/mine pictures/ --out predictions.csv
python -m autoal.predict runs/mine new.csv | head
"""

import argparse
import sys
from collections.abc import Collection, Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from autoal.errors import UserError, until_unread
from autoal.escape import delimited
from autoal.exported.place import demand_new, demand_run, model_folder
from autoal.exported.told import add_trust, tell, told

if TYPE_CHECKING:
    from autoal.exported.model import Model, Predictions

DESCRIPTION = (
    "Predict new rows with the model of a run or, if none are named, the rows of its pool that "
    "have no label: a line for each, with its name, its class, the probability of every class, and "
    "the margin between the two most probable ones."
)


@until_unread
def main(argv: Sequence[str] | None = None) -> int:
    """Predict, and write a CSV file; return the exit code."""
    parser = argparse.ArgumentParser("python -m autoal.predict", description=DESCRIPTION)
    parser.add_argument("run", type=Path, help="folder of a run, or its folder model")
    parser.add_argument(
        "rows",
        type=Path,
        nargs="*",
        help="picture files or folders of them; a CSV file with the columns of the table; a file "
        "with those of the texts, or a .txt with one text a line; an npz file with images, or with "
        "inputs; default: the unlabelled rows of the run",
    )
    parser.add_argument(
        "--out", type=Path, help="file to write, which must not exist yet; default: the terminal"
    )
    add_trust(parser)
    given = parser.parse_args(argv)
    return told(lambda: predict(given.run, given.rows, given.out, given.trust))


def predict(
    run: Path, paths: Sequence[Path], out: Path | None, trust: Collection[str] = ()
) -> None:
    """Predict the rows of these files, or else of the pool, and write a CSV file."""
    model_folder(run)
    if not paths:
        demand_run(run, "; with just a model, name the files whose rows to predict")
    for path in paths:
        if not path.exists():
            raise UserError(f"there is no {path} to predict")
    if out is not None:
        demand_new(out)
    from autoal.exported.model import Model  # which brings torch

    model = Model.read(run, trust=trust)
    predictions = model.predict_files(paths) if paths else _of_pool(run, model, trust)
    tell(as_csv(model.classes, predictions), out)


def _of_pool(run: Path, model: "Model", trust: Collection[str]) -> "Predictions":
    """Predictions for the unlabelled rows."""
    import torch

    from autoal.exported.model import Predictions
    from autoal.kept import KeptRun

    kept = KeptRun(run, trust)
    [rows] = kept.read_by(model, lambda data: [data.train.take(kept.unlabelled)])
    return Predictions(rows.named(torch.arange(len(rows))), model.predict_encoded(rows))


def as_csv(classes: Sequence[str], predictions: "Predictions") -> str:
    """The table of the predictions."""
    header = ["name", "class", *(f"p_{name}" for name in classes), "margin"]
    return delimited([header, *_lines(classes, predictions)])


def _lines(classes: Sequence[str], predictions: "Predictions") -> Iterator[list[str]]:
    best = predictions.probs.argmax(1).tolist()
    two = predictions.probs.topk(2).values
    margins = (two[:, 0] - two[:, 1]).tolist()
    every = zip(predictions.names, best, predictions.probs.tolist(), margins, strict=True)
    for name, place, probs, margin in every:
        yield [name, classes[place], *map(_exact, probs), _exact(margin)]


def _exact(number: float) -> str:
    """A number with all digits of single precision."""
    return f"{number:.9g}"


if __name__ == "__main__":
    sys.exit(main())
