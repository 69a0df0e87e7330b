from importlib.metadata import EntryPoint, EntryPoints
from inspect import Parameter

import pytest
from autoal.strategies.random import Random
from autoal.strategies.uncertainty import Entropy, LeastConfidence, Margin
from torch import Tensor

from autoal import QueryStrategy, View, plugins
from autoal.errors import UserError
from autoal.plugins import STRATEGIES
from autoal.query import registry
from autoal.query.strategy import UNTAUGHT

OWN = {"entropy": Entropy, "least_confidence": LeastConfidence, "margin": Margin, "random": Random}


class Optional(QueryStrategy):
    """A strategy with options of every kind."""

    def __init__(self, k: int, scale: float = 0.5, *rest: int, deep: bool = False, **more: int):
        self.options = (k, scale, rest, deep, more)

    def score(self, view: View, budget: int) -> Tensor:
        raise NotImplementedError


class Bottom(Optional):
    """Reads what is there before anything is labelled."""

    reads = UNTAUGHT


class Taught(Optional):
    """Reads one thing more."""

    reads = (*UNTAUGHT, "probs")


def offer(monkeypatch: pytest.MonkeyPatch, **offers: str | type[QueryStrategy]) -> None:
    """Let these names and values be all that is installed."""
    points = EntryPoints(
        [EntryPoint(name, str(value), STRATEGIES.group) for name, value in offers.items()]
    )
    loaded = {str(value): value for value in offers.values() if isinstance(value, type)}
    load = EntryPoint.load
    monkeypatch.setattr(plugins, "_points", lambda: points)
    monkeypatch.setattr(EntryPoint, "load", lambda point: loaded.get(point.value) or load(point))


def test_our_own_strategies_are_loaded() -> None:
    assert {name: registry.load(name) for name in OWN} == OWN


@pytest.mark.parametrize("name", STRATEGIES.installed())
def test_every_installed_strategy_is_built_with_its_defaults(name: str) -> None:
    assert isinstance(registry.build(name), registry.load(name))


def test_an_unknown_name_is_met_with_the_nearest(monkeypatch: pytest.MonkeyPatch) -> None:
    offer(monkeypatch, margin="autoal.strategies.uncertainty:Margin", random="x:Y")
    with pytest.raises(UserError, match="unknown strategy 'margni'; did you mean 'margin'") as why:
        registry.load("margni")
    assert "known: margin, random" in str(why.value)


def test_a_strategy_of_another_package_is_loaded_as_ours_are(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    offer(monkeypatch, theirs="autoal.strategies.uncertainty:Margin")
    assert registry.load("theirs") is Margin


@pytest.mark.parametrize("value", ["autoal.cycle.pool:Pool", "autoal.query.batch:select"])
def test_what_is_not_a_strategy_class_is_refused(
    monkeypatch: pytest.MonkeyPatch, value: str
) -> None:
    offer(monkeypatch, odd=value)
    with pytest.raises(UserError, match=f"'odd': {value} is not a QueryStrategy class"):
        registry.load("odd")


def test_options_are_the_parameters_with_their_defaults() -> None:
    assert registry.options(Optional) == {"k": Parameter.empty, "scale": 0.5, "deep": False}
    assert registry.options(Random) == {}


def test_a_strategy_is_built_with_its_options(monkeypatch: pytest.MonkeyPatch) -> None:
    offer(monkeypatch, optional=Optional)
    built = registry.build("optional", k=3, deep=True)
    assert isinstance(built, Optional)
    assert built.options == (3, 0.5, (), True, {})


@pytest.mark.parametrize(
    ("chosen", "message"),
    [
        ({}, "strategy 'optional' needs the option 'k': give strategy.k="),
        ({"k": 1, "depp": True}, "did you mean 'deep'"),
        ({"k": 1, "scale": "large"}, "strategy.scale='large': must be a number"),
    ],
)
def test_options_that_cannot_be_are_refused(
    monkeypatch: pytest.MonkeyPatch, chosen: dict[str, object], message: str
) -> None:
    offer(monkeypatch, optional=Optional)
    with pytest.raises(UserError, match=message):
        registry.build("optional", **chosen)


def test_those_that_choose_the_start_read_what_is_there_before_anything_is_labelled() -> None:
    found = registry.untaught()
    assert {"kmeans", "typiclust", "maxherding", "coreset", "probcover", "random"} <= set(found)
    assert found == sorted(found)
    taught = {"probs", "draws", "labels", "validation", "stages", "fitted", "outcomes", "training"}
    for name in STRATEGIES.installed():
        reads = registry.load(name).reads
        assert reads is not None  # as all of ours state
        assert (name in found) == (not taught & set(reads)), name


def test_a_strategy_that_does_not_state_what_it_reads_does_not_choose_the_start(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    offer(monkeypatch, unstated=Optional, taught=Taught, bottom=Bottom)
    assert registry.untaught() == ["bottom"]


def test_a_plugin_that_cannot_be_loaded_does_not_keep_others_from_choosing_the_start(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    offer(monkeypatch, bottom=Bottom, broken="no_such_package:X")
    assert registry.untaught() == ["bottom"]
