"""Practice: wrong answers, several people, prices and other questions, each at equal cost.

    AUTOAL_DATA=FOLDER python -m benchmarks.practice noise --keep
    AUTOAL_DATA=FOLDER python -m benchmarks.practice votes --seeds 3

The folder is that of `benchmarks.frozen`, whose sets these are; a seed draws 2,000 rows as a pool,
and all ways of a seed share it, the start set and the errors. A logistic regression that tunes
itself learns. Every way to ask pays the same in every round, so that a mean over the rounds is one
over the cost. Nothing here was tuned: rates, people and prices were set before anything was run.
"""

from __future__ import annotations

from autoal.report.svg import standalone
from benchmarks import runs
from benchmarks.practice.cases import PARTS
from benchmarks.practice.kept import Run, records
from benchmarks.practice.sets import whole
from benchmarks.practice.tables import by_case, figure, summary
from benchmarks.report import RESULTS


def main() -> None:
    """Run what is missing, and print or keep the tables and the picture."""
    options = runs.parser("practice")
    options.add_argument("part", choices=PARTS)
    given = options.parse_args()
    part = PARTS[given.part]
    cases, seeds = [*part.cases()], range(given.first, given.seeds)
    every = [
        Run(given.part, case.name, way, seed, given.out.absolute())
        for seed in seeds  # complete seeds first, in case it ends early
        for case in cases
        for way in case.ways
    ]
    if not given.report:
        for data in {case.data for case in cases}:
            whole(data)  # encode once, before two processes ask for the features at the same time
        runs.run_all([(run.do,) for run in every if not run.record()], given.processes)
    found = {case.name: records([run for run in every if run.case == case.name]) for case in cases}
    name = f"practice_{given.part}"
    runs.show(name, [summary(found, part.base), by_case(found, part.base)], save=given.keep)
    if given.keep:
        (RESULTS / f"{name}.svg").write_text(standalone(figure(part, found)))


if __name__ == "__main__":
    main()
