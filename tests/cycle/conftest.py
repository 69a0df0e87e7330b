from collections.abc import Callable
from typing import Any

import pytest
from autoal.strategies.uncertainty import Margin

from autoal import Data, Experiment, QueryStrategy, Trained
from tests.cycle.made import PLAN, SMALL, Clock, Expected, Make, Small, Watched, done, facts
from tests.model.made import NearestMean

BASELINE: Expected = []


@pytest.fixture
def small(make_learner: Callable[..., Trained]) -> Small:
    """A learner whose training takes milliseconds, and draws."""

    def make(network: Any = SMALL, **options: Any) -> Trained:
        return make_learner(network, **{"crop": 1, "steps": 8, "learning_rate": 0.05, **options})

    return make


@pytest.fixture
def make(data: Data, small: Small) -> Make:
    """An experiment; all of its parts can be replaced."""

    def build(strategy: QueryStrategy | str | None = None, **parts: Any) -> Experiment:
        given: dict[str, Any] = {"data": data, "plan": PLAN, **parts}
        given.setdefault("learner", small())
        return Experiment(strategy=Margin() if strategy is None else strategy, **given)

    return build


@pytest.fixture
def expected(make: Make) -> Expected:
    """The rounds of the experiment with default parts; done once for all tests."""
    if not BASELINE:
        BASELINE.extend(facts(done(make())))
    return BASELINE


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> Clock:
    """The clock of all stopwatches."""
    clock = Clock()
    monkeypatch.setattr("autoal.cycle.stopwatch.perf_counter", clock)
    return clock


@pytest.fixture
def watched() -> Watched:
    return Watched(accelerator="cpu")


@pytest.fixture
def quick(make: Make) -> Make:
    """An experiment that takes no time, for what does not depend on how something is learnt."""

    def build(strategy: QueryStrategy | str | None = None, **parts: Any) -> Experiment:
        return make(strategy, **{"learner": NearestMean(3), **parts})

    return build


@pytest.fixture
def quickly(quick: Make) -> Expected:
    """The rounds of the quick experiment with default parts."""
    return facts(done(quick()))
