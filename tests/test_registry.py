import re
from importlib.metadata import EntryPoint
from inspect import Parameter
from pathlib import Path

import pytest
from autoal.strategies.random import Random
from autoal.strategies.uncertainty import Entropy, LeastConfidence, Margin
from torch import Tensor

from autoal import QueryStrategy, View, registry
from autoal.errors import UserError

OWN = {"entropy": Entropy, "least_confidence": LeastConfidence, "margin": Margin, "random": Random}


class Optional(QueryStrategy):
    """A strategy with options of every kind."""

    def __init__(self, k: int, scale: float = 0.5, *rest: int, deep: bool = False, **more: int):
        self.options = (k, scale, rest, deep, more)

    def score(self, view: View, budget: int) -> Tensor:
        raise NotImplementedError


def offer(monkeypatch: pytest.MonkeyPatch, *offers: tuple[str, str]) -> None:
    """Let these names and values be all that is installed."""

    def entry_points(*, group: str) -> list[EntryPoint]:
        assert group == "autoal.strategies"
        return [EntryPoint(name, value, group) for name, value in offers]

    monkeypatch.setattr(registry, "entry_points", entry_points)


def test_our_own_strategies_are_installed() -> None:
    assert OWN.keys() <= registry.installed().keys()
    assert {name: registry.load(name) for name in OWN} == OWN


def test_the_names_are_sorted(monkeypatch: pytest.MonkeyPatch) -> None:
    offer(monkeypatch, ("b", "x:B"), ("c", "x:C"), ("a", "x:A"))
    assert list(registry.installed()) == ["a", "b", "c"]


def test_an_unknown_name_is_told_the_nearest(monkeypatch: pytest.MonkeyPatch) -> None:
    offer(monkeypatch, ("margin", "autoal.strategies.uncertainty:Margin"), ("random", "x:Y"))
    with pytest.raises(UserError, match="unknown strategy 'margni'; did you mean 'margin'") as told:
        registry.load("margni")
    assert "known: margin, random" in str(told.value)


def test_a_strategy_of_another_package_is_loaded_as_ours_are(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    offer(monkeypatch, ("theirs", "autoal.strategies.uncertainty:Margin"))
    assert registry.load("theirs") is Margin


def test_two_packages_that_offer_one_name_are_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    offer(monkeypatch, ("margin", "ours:Margin"), ("margin", "theirs:Margin"))
    with pytest.raises(UserError, match="offer a strategy 'margin': ours:Margin and theirs:Margin"):
        registry.installed()


def test_one_package_that_is_found_twice_is_no_clash(monkeypatch: pytest.MonkeyPatch) -> None:
    offer(monkeypatch, *[("random", "autoal.strategies.random:Random")] * 2)
    assert registry.load("random") is Random


@pytest.mark.parametrize(
    "value", ["autoal.cycle.pool:Pool", "autoal.query.strategy:select", "autoal.cycle.pool"]
)
def test_what_is_not_a_strategy_class_is_refused(
    monkeypatch: pytest.MonkeyPatch, value: str
) -> None:
    offer(monkeypatch, ("odd", value))
    with pytest.raises(UserError, match=f"'odd': {value} is not a QueryStrategy class"):
        registry.load("odd")


@pytest.mark.parametrize("value", ["no_such_package:X", "autoal.strategies.random:NoSuchClass"])
def test_what_cannot_be_imported_is_refused(monkeypatch: pytest.MonkeyPatch, value: str) -> None:
    offer(monkeypatch, ("odd", value))
    reason = value.split(":")[0] if "package" in value else "NoSuchClass"
    with pytest.raises(
        UserError, match=f"'odd' cannot be loaded from {re.escape(value)}: .*{reason}"
    ):
        registry.load("odd")


def test_options_are_the_parameters_with_their_defaults() -> None:
    assert registry.options(Optional) == {"k": Parameter.empty, "scale": 0.5, "deep": False}
    assert registry.options(Random) == {}


def test_a_strategy_is_built_with_its_options(monkeypatch: pytest.MonkeyPatch) -> None:
    offer(monkeypatch, ("optional", "somewhere:Optional"))
    monkeypatch.setattr(registry, "load", {"optional": Optional}.__getitem__)
    built = registry.build({"name": "optional", "k": 3, "deep": True})
    assert isinstance(built, Optional)
    assert built.options == (3, 0.5, (), True, {})


class PositionalOnly(QueryStrategy):
    def __init__(self, k: int, /) -> None: ...

    def score(self, view: View, budget: int) -> Tensor:
        raise NotImplementedError


class CalledName(PositionalOnly):
    def __init__(self, name: str = "x") -> None: ...


class OddDefault(PositionalOnly):
    def __init__(self, kind: object = PositionalOnly) -> None: ...


@pytest.mark.parametrize(
    ("strategy", "told"),
    [
        (PositionalOnly, "a parameter 'k' that cannot be an option"),
        (CalledName, "a parameter 'name' that cannot be an option"),
        (OddDefault, "the default of 'kind' must be a number"),
    ],
)
def test_parameters_that_cannot_be_options_are_refused(
    strategy: type[QueryStrategy], told: str
) -> None:
    with pytest.raises(UserError, match=told):
        registry.options(strategy)


def test_the_package_of_a_strategy_is_known() -> None:
    assert registry.origin("margin").startswith("autoal ")


SOURCE = """
from autoal import QueryStrategy
class Plain(QueryStrategy): pass
class Own(QueryStrategy):
    def __init__(self, k: int = 3, *, scale: float = 1.0) -> None: ...
class Child(Own): pass
@decorated
class Wrapped(QueryStrategy): pass
raise ImportError("it was imported")
"""


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("Plain", set()),
        ("Own", {"k", "scale"}),
        ("Child", {"k", "scale"}),
        ("Wrapped", None),
        ("No", None),
    ],
)
def test_options_are_read_from_the_source_without_importing_it(
    name: str, expected: set[str] | None, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "made_strategies.py").write_text(SOURCE)
    monkeypatch.syspath_prepend(tmp_path)
    point = EntryPoint("made", f"made_strategies:{name}", registry.GROUP)
    monkeypatch.setattr(registry, "installed", lambda: {"made": point})
    assert registry.named_options("made") == expected


@pytest.mark.parametrize("module", ["no_such_module", "no_such_package.module", "math"])
def test_a_strategy_without_a_source_tells_no_options(
    module: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    point = EntryPoint("made", f"{module}:Made", registry.GROUP)
    monkeypatch.setattr(registry, "installed", lambda: {"made": point})
    assert registry.named_options("made") is None
