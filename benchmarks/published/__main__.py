"""The published method and its protocol, whole, on a set of its shape at 1/25 of its size.

    export AUTOAL_DATA=FOLDER
    python -m benchmarks.published --keep
    python -m benchmarks.published --size 16 --epochs .1 --rounds 17 --device gpu --keep
    python -m benchmarks.published --size 32 --epochs 1 --device gpu --keep

The folder has cifar10_10k.npz, in MedMNIST's layout, of which each seed draws its pool. All is as
`experiment=paper_cifar10` says, for every strategy: ResNet-18 without max-pool for learner, FitNet
and SearchNet, the optimizers, the rounds; start and budget are a 25th. What a processor core has no
time for is left out: images are shrunk, and learner and published search have a share of their
epochs, which leaves AutoAL's own few steps as they are. Both stand in every title. A GPU, which has
time for more, has a table of its own; the last command leaves out nothing. A started run goes on,
and a finished one is not run again.
"""

from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import Any

from autoal.report.behaviour import times
from autoal.report.contents import curves
from autoal.report.groups import Setting
from autoal.report.tables import Table
from benchmarks import runs
from benchmarks.paired import folder_of
from benchmarks.published import passes, weights
from benchmarks.published.protocol import (
    POOL,
    Scale,
    experiment,
    plan_of,
    preset,
    settings_of,
)

STRATEGIES = ("autoal_paper", "autoal", "random", "margin", "uherding")
BASES = ("random", "autoal_paper")
SEEDS = 3
SIZE = 8  # of 16 a core has time for three of the 200 epochs, which teach nothing
EPOCHS = 0.05  # all runs together take a core two to three hours
ROUNDS = 19  # of queries, as published


def told(strategy: str, scale: Scale, device: str, seed: int) -> dict[str, Any]:
    """The settings that the run's folder keeps."""
    plan = plan_of(settings_of(strategy, scale))
    return {
        "data": {"name": "cifar10", "pool": POOL, "size": scale.size},
        "task": "resnet18",
        "epochs": scale.epochs,
        "strategy": {"name": strategy},
        "trainer": {"accelerator": device},
        "seed": seed,
        "start": plan.start,
        "budget": plan.budget,
        "rounds": plan.rounds,
    }


def tables(top: Path, scale: Scale) -> list[Table]:
    """Curves, areas, differences, weights, seconds and images, each titled with its omissions."""
    settings = runs.read([top])
    epochs = scale.share(preset("random")["task"]["epochs"])
    seconds = times(settings).tables
    found = [*map(curves_side_by_side, settings), *runs.one_by_one(settings, BASES)]
    found += [weights.table(settings), *seconds, passes.table(settings, epochs)]
    found.append(runs.made_with(settings))
    return [replace(table, title=f"{table.title}: {scale}") for table in found]


def curves_side_by_side(setting: Setting) -> Table:
    """The accuracy of each strategy by labels."""
    drawn = curves(setting)
    labels = next(iter(drawn.values())).along.tolist()
    spreads = zip(*(curve.spreads for curve in drawn.values()), strict=True)
    rows = [[int(count), *each] for count, each in zip(labels, spreads, strict=True)]
    return Table("curves", "Accuracy by labels", ["labels", *drawn], rows)


def main() -> None:
    """Run what is missing, and print or keep the tables."""
    options = runs.parser("published")
    options.set_defaults(seeds=SEEDS)
    options.add_argument("--size", type=int, default=SIZE, help="side of the images, 8 to 32")
    options.add_argument("--epochs", type=float, default=EPOCHS, help="share of them, to 1")
    options.add_argument("--rounds", type=int, default=ROUNDS, help="of queries, to 19")
    options.add_argument("--device", default="cpu", help="cpu, gpu or auto")
    options.add_argument("--variants", nargs="+", default=STRATEGIES, choices=STRATEGIES)
    given = options.parse_args()
    scale = Scale(given.size, given.epochs, given.rounds)
    jobs: list[runs.Job] = [
        (
            runs.keep_run,
            folder_of(given.out, scale.folder, strategy, seed),
            told(strategy, scale, given.device, seed),
            partial(experiment, strategy, scale, given.device, seed),
        )
        for seed in range(given.first, given.seeds)  # complete seeds first, in case it ends early
        for strategy in given.variants
    ]
    if not given.report:
        runs.run_all(jobs, given.processes)
    name = "published" if given.device == "cpu" else "published_gpu"
    runs.show(name, tables(given.out / scale.folder, scale), save=given.keep)


if __name__ == "__main__":
    main()
