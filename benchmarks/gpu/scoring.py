"""Every installed strategy, and every road of AutoAL's search, in a round on the device."""

from collections.abc import Callable, Iterator, Mapping
from itertools import chain
from time import monotonic
from typing import Any

from autoal import Plan, rounds
from autoal.plugins import STRATEGIES
from benchmarks.gpu.setting import Line, Setting
from benchmarks.published.protocol import preset

SHORT: dict[str, Mapping[str, Any]] = {  # strategies that would take minutes
    "cheating_oracle": {"tries": 2, "limit": 50_000},
    "committee": {"members": 2},
    "refine": {"batches": 2},
    "selectal": {"splits": 2},
}


def lines(setting: Setting, until: float) -> Iterator[Line]:
    """Each of them, while there is time."""
    roads = ((f"autoal, road={name}", "autoal", each) for name, each in _roads().items())
    strategies = ((name, name, SHORT.get(name, {})) for name in STRATEGIES.installed())
    for what, name, options in chain(strategies, roads):
        if monotonic() > until:
            yield Line("scores", what, "left out: no time")
        else:
            yield _scored(setting, what, name, options)


def _roads() -> dict[str, Mapping[str, Any]]:
    published = dict(preset("autoal_paper")["strategy"])
    published |= {"steps": 2, "paper": {**published["paper"], "warmup": 1}}
    del published["name"]
    return {
        "unroll": {"road": "unroll", "rehearsals": 2, "steps": 2},
        "paper": published,
    }


def _scored(setting: Setting, what: str, name: str, options: Mapping[str, Any]) -> Line:
    """A round with it, on a share of the pool."""
    size, data = setting.size, setting.part
    plan = Plan(size.start, size.budget, 1)
    try:
        experiment, oracle = setting.experiment(data, name, plan, options)
        with setting.measured() as found:
            *_, last = rounds(experiment, oracle)
    except Exception as error:  # as in `guarded`, for one line
        return _failed("scores", what, error)
    spent = last.seconds
    query = spent["total"] - spent["train"] - spent["test"]
    figure = f"{len(last.queried)} of {len(data.train):,} rows"
    return Line("scores", what, figure, query, found.memory)


def guarded(part: str, make: Callable[[], Iterator[Line]]) -> Iterator[Line]:
    """The lines of a part; an error becomes a line, and stops no other part."""
    try:
        yield from make()
    except Exception as error:  # GPU time is scarce: the other parts still run
        yield _failed(part, "", error)


def _failed(part: str, what: str, error: Exception) -> Line:
    first = next(iter(str(error).splitlines()), "")
    return Line(part, what, f"{type(error).__name__}: {first[:200]}")
