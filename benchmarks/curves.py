"""Learning curves of whole experiments on real data sets, given as a folder of npz files.

    AUTOAL_DATA=FOLDER python -m benchmarks.curves

The folder has cifar10_10k.npz, mnist.npz and pneumoniamnist.npz, in MedMNIST's layout. Every curve
is made by `python train.py`, with the command that the result names; a run that is there already
is not run again.
"""

import argparse
import os
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

from autoal.palette import places
from autoal.report.contents import curves
from autoal.report.figures import learning_curves
from autoal.report.groups import Setting as Compared
from autoal.report.groups import group
from autoal.report.outcomes import results
from autoal.report.runs import read_runs
from autoal.report.svg import standalone
from benchmarks.report import RESULTS, keep

STRATEGIES = ("random", "entropy", "margin", "badge")
SEEDS = ("0", "1", "2", "3", "4")


@dataclass(frozen=True)
class Setting:
    """Runs that make one picture."""

    name: str
    title: str
    file: str
    options: tuple[str, ...]
    strategies: tuple[str, ...] = STRATEGIES
    seeds: tuple[str, ...] = SEEDS

    def command(self, data: Path, out: Path) -> list[str]:
        """The command that makes all of its runs."""
        return [
            *("python", "train.py", "-m"),
            f"data={'pneumoniamnist' if self.file == 'pneumoniamnist' else 'npz'}",
            *(
                (f"data.root={data}", "data.check=false")  # a file with another checksum
                if self.file == "pneumoniamnist"
                else (f"data.path={data / f'{self.file}.npz'}",)
            ),
            *self.options,
            f"strategy={','.join(self.strategies)}",
            f"seed={','.join(self.seeds)}",
            "logger=none",
            f"out={out / self.name}",
        ]


FROZEN = ("task=frozen", "rounds=9")
STEPS = ("task.epochs=null",)  # which MedMNIST brings, in place of the task's steps
SETTINGS = (
    Setting(
        "cifar10", "CIFAR-10, 10,000 images", "cifar10_10k", (*FROZEN, "start=100", "budget=100")
    ),
    Setting("mnist", "MNIST", "mnist", (*FROZEN, "start=30", "budget=30")),
    Setting(
        "pneumonia", "PneumoniaMNIST", "pneumoniamnist", (*FROZEN, *STEPS, "start=20", "budget=20")
    ),
    Setting(
        "pneumonia-resnet18",
        "PneumoniaMNIST, ResNet-18",
        "pneumoniamnist",
        (
            *("task=resnet18", "task.network.maxpool=true", "rounds=4"),
            *(*STEPS, "start=20", "budget=20"),
        ),
        strategies=("random", "margin"),
        seeds=("0", "1", "2"),
    ),
    Setting(
        "cifar10-all",
        "CIFAR-10, all 10,000 labels",
        "cifar10_10k",
        ("task=frozen", "rounds=0", "start=10000", "task.epochs=20"),
        strategies=("random",),
        seeds=("0", "1", "2"),
    ),
)


def main() -> None:
    """Run what is missing, and keep the curves."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--out", type=Path, default=Path("runs/curves"), help="of the runs")
    given, data = parser.parse_args(), Path(os.environ["AUTOAL_DATA"])
    text = []
    for setting in SETTINGS:
        _run(setting.command(data, given.out))
        command = " ".join(setting.command(Path("FOLDER"), given.out))
        settings, _ = group(read_runs([given.out / setting.name])[0])
        (table,) = results(settings).tables
        text += [f"## {setting.title}", f"`{command}`", table.markdown()]
        if "rounds=0" not in setting.options:
            text.append(_picture(setting, settings[0]))
    keep("curves", "\n\n".join(text))


def _run(command: list[str]) -> None:
    environment = {**os.environ, "OMP_NUM_THREADS": os.environ.get("OMP_NUM_THREADS", "2")}
    subprocess.run(
        [sys.executable, *command[1:]], check=True, env=environment, stdout=subprocess.DEVNULL
    )


def _picture(setting: Setting, found: Compared) -> str:
    """Draw the curves; return the Markdown that shows them on a page."""
    drawn = curves(found)
    figure = learning_curves(setting.title, drawn, places(drawn))
    (RESULTS / f"curves_{setting.name}.svg").write_text(standalone(figure))
    return f"![learning curves](curves_{setting.name}.svg)"


if __name__ == "__main__":
    main()
