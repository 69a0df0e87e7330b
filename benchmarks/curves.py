"""Learning curves of whole experiments on real data sets, given as a folder of npz files.

    AUTOAL_DATA=FOLDER python -m benchmarks.curves

The folder has cifar10_10k.npz, mnist.npz and pneumoniamnist.npz, in MedMNIST's layout. Every curve
is made by `python train.py`, with the command that the result names; a run that is there already
is not run again.
"""

import argparse
import json
import os
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path
from statistics import mean, stdev

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from autoal.record.results import render
from benchmarks.report import RESULTS, keep, table

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
        """What makes all of its runs."""
        return [
            *("python", "train.py", "-m"),
            f"data={'pneumoniamnist' if self.file == 'pneumoniamnist' else 'npz'}",
            *(
                (f"data.root={data}", "data.check=false")  # a file of another checksum
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
SETTINGS = (
    Setting(
        "cifar10", "CIFAR-10, 10,000 images", "cifar10_10k", (*FROZEN, "start=100", "budget=100")
    ),
    Setting("mnist", "MNIST", "mnist", (*FROZEN, "start=30", "budget=30")),
    Setting("pneumonia", "PneumoniaMNIST", "pneumoniamnist", (*FROZEN, "start=20", "budget=20")),
    Setting(
        "pneumonia-resnet18",
        "PneumoniaMNIST, ResNet-18",
        "pneumoniamnist",
        ("task=resnet18", "task.network.maxpool=true", "rounds=4", "start=20", "budget=20"),
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
    text, figure = [], Figure(figsize=(11, 6), layout="constrained")
    shown = [each for each in SETTINGS if "rounds=0" not in each.options]
    axes = dict(zip([each.title for each in shown], figure.subplots(2, 2).flat, strict=True))
    for setting in SETTINGS:
        command = setting.command(data, given.out)
        _run(command)
        curves = _curves(Path(command[-1].removeprefix("out=")))
        told = " ".join(setting.command(Path("FOLDER"), given.out))
        text += [f"## {setting.title}", f"`{told}`", _table(curves, setting.strategies)]
        if setting.title in axes:
            _draw(axes[setting.title], setting.title, curves, setting.strategies)
    for kind in ("svg", "png"):
        (RESULTS / f"curves.{kind}").write_bytes(render(figure, kind))
    keep("curves", "\n\n".join([*text, "![learning curves](curves.svg)"]))


def _run(command: list[str]) -> None:
    environment = {**os.environ, "OMP_NUM_THREADS": os.environ.get("OMP_NUM_THREADS", "2")}
    subprocess.run(
        [sys.executable, *command[1:]], check=True, env=environment, stdout=subprocess.DEVNULL
    )


def _curves(out: Path) -> dict[str, list[list[tuple[int, float]]]]:
    """For each strategy, for each seed, accuracy over labels."""
    curves: dict[str, list[list[tuple[int, float]]]] = {}
    for path in sorted(out.glob("*/rounds.jsonl")):
        lines = [json.loads(line) for line in path.read_text().splitlines()]
        curve = [(line["labelled"], line["accuracy"]) for line in lines]
        curves.setdefault(lines[0]["strategy"], []).append(curve)
    return curves


def _area(curve: list[tuple[int, float]]) -> float:
    """Under the curve by the trapezoid rule, divided by the range of labels."""
    labels, accuracy = np.array(curve).T
    if len(curve) == 1:
        return float(accuracy[0])
    return float(np.trapezoid(accuracy, labels) / (labels[-1] - labels[0]))


def _table(curves: dict[str, list[list[tuple[int, float]]]], strategies: tuple[str, ...]) -> str:
    rows = []
    for name in strategies:
        areas = [_area(curve) for curve in curves[name]]
        finals = [curve[-1][1] for curve in curves[name]]
        rows.append([name, str(len(finals)), _spread(areas), _spread(finals)])
    return table(["strategy", "seeds", "area under the curve", "final accuracy"], rows)


def _spread(values: list[float]) -> str:
    return f"{mean(values):.4f} ± {stdev(values):.4f}"


def _draw(
    axes: Axes,
    title: str,
    curves: dict[str, list[list[tuple[int, float]]]],
    strategies: tuple[str, ...],
) -> None:
    for name in strategies:
        labels = [point[0] for point in curves[name][0]]
        values = np.array([[point[1] for point in curve] for curve in curves[name]])
        middle, spread = values.mean(0), values.std(0, ddof=1)
        axes.plot(labels, middle, "o-", markersize=3, label=name)
        axes.fill_between(labels, middle - spread, middle + spread, alpha=0.15)
    axes.set(title=title, xlabel="labelled images", ylabel="test accuracy")
    axes.grid(alpha=0.3)
    axes.legend()


if __name__ == "__main__":
    main()
