"""The gain of whole runs when the learner is tuned, for strategies, with right and wrong labels.

    AUTOAL_DATA=FOLDER python -m benchmarks.quality.tuned --keep

The contenders of a setting are strategies and heads: under a penalty of 1, under the one that was
chosen for the data set (`benchmarks.quality.penalties`), and tuned in every round. A head's gain is
its area minus that of another head with the same strategy.
"""

from collections.abc import Sequence
from dataclasses import replace
from functools import partial
from pathlib import Path

from autoal.query import registry
from autoal.report.across import gains
from autoal.report.tables import Cell, Table
from benchmarks import runs
from benchmarks.noise import NOISES, by_noise
from benchmarks.paired import Field, compare
from benchmarks.quality import settings

NAMES = (
    *("mnist-low", "mnist-mid", "waveform-mid", "letters-mid", "sst2-mid"),
    *("pneumonia-mid", "cifar10-lite0-mid", "bank-mid", "dna-low", "satellite-low"),
)
SETTINGS = {
    f"{name}, {noise}": replace(settings.SETTINGS[name], noise=noise)
    for name in NAMES
    for noise in NOISES
}
HEADS = ("l2=1", "head", "tuned head")
STRATEGIES = ("random", "margin", "badge", "uherding", "autoal")
SEEDS = 10
FIELDS = [
    Field(
        {f"{name}, {head}": partial(registry.build, name) for name in STRATEGIES}, SEEDS, task=head
    )
    for head in HEADS
]


def tables(tops: Sequence[Path]) -> list[Table]:
    """The gain of each strategy by the tuned head, by noise, and all results."""
    found = runs.read(tops)
    rows: list[list[Cell]] = []
    for noise, some in by_noise(found).items():
        for name in STRATEGIES:
            gained = [gains(some, f"{name}, tuned head", f"{name}, {head}") for head in HEADS[:2]]
            cells = [(gain.mean, gain.over_further_settings) for gain in gained]
            rows.append([noise, name, len(some), *(cell for pair in cells for cell in pair)])
    header = ["labels", "strategy", "settings", "minus l2=1", "95 %, further settings"]
    header += ["minus the data set's penalty", "95 %, further settings"]
    return [Table("tuned", "What the tuned head gains", header, rows), *runs.over_all(found, ())]


if __name__ == "__main__":
    compare("tuned", SETTINGS, FIELDS, tables)
