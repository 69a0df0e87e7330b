import re
from collections.abc import Callable
from importlib.metadata import EntryPoint, EntryPoints, version
from inspect import Parameter
from pathlib import Path
from typing import Any

import pytest
from autoal.strategies.random import Random
from autoal.strategies.uncertainty import Entropy, LeastConfidence, Margin

from autoal import plugins
from autoal.errors import UserError
from autoal.plugins import DATA, ENCODERS, ORACLES, STRATEGIES, TASKS, Kind, options

OWN = {"entropy": Entropy, "least_confidence": LeastConfidence, "margin": Margin, "random": Random}
KINDS = (STRATEGIES, DATA, TASKS, ENCODERS, ORACLES)


@pytest.fixture(params=KINDS, ids=lambda kind: kind.noun)
def kind(request: pytest.FixtureRequest) -> Kind:
    found: Kind = request.param
    return found


def offer(monkeypatch: pytest.MonkeyPatch, kind: Kind, *offers: tuple[str, str]) -> None:
    """Let these names and values be all that is installed, beside something of another kind."""
    points = [EntryPoint(name, value, kind.group) for name, value in offers]
    found = EntryPoints([*points, EntryPoint("other", "x:Other", "somebody.else")])
    monkeypatch.setattr(plugins, "_points", lambda: found)


def test_kinds_are_kept_apart() -> None:
    assert len({kind.group for kind in KINDS}) == len({kind.noun for kind in KINDS}) == 5


def test_our_own_strategies_are_installed() -> None:
    assert OWN.keys() <= STRATEGIES.installed().keys()
    assert {name: STRATEGIES.load(name) for name in OWN} == OWN


def test_the_names_are_sorted(monkeypatch: pytest.MonkeyPatch, kind: Kind) -> None:
    offer(monkeypatch, kind, ("b", "x:B"), ("c", "x:C"), ("a", "x:A"))
    assert list(kind.installed()) == ["a", "b", "c"]


def test_what_is_installed_is_not_imported(monkeypatch: pytest.MonkeyPatch, kind: Kind) -> None:
    offer(monkeypatch, kind, ("a", "no_such_package:A"))
    assert kind.installed()["a"].value == "no_such_package:A"


def test_an_unknown_name_is_met_with_the_nearest(
    monkeypatch: pytest.MonkeyPatch, kind: Kind
) -> None:
    offer(monkeypatch, kind, ("margin", "autoal.strategies.uncertainty:Margin"), ("random", "x:Y"))
    message = f"unknown {kind.noun} 'margni'; did you mean 'margin'"
    with pytest.raises(UserError, match=message) as refused:
        kind.load("margni")
    assert "known: margin, random" in str(refused.value)


def test_a_plugin_of_another_package_is_loaded_as_ours_are(
    monkeypatch: pytest.MonkeyPatch, kind: Kind
) -> None:
    offer(monkeypatch, kind, ("theirs", "autoal.strategies.uncertainty:Margin"))
    assert kind.load("theirs") is Margin


def test_two_packages_that_offer_one_name_are_refused(
    monkeypatch: pytest.MonkeyPatch, kind: Kind
) -> None:
    offer(monkeypatch, kind, ("margin", "ours:Margin"), ("margin", "theirs:Margin"))
    message = f"offer a {kind.noun} 'margin': ours:Margin and theirs:Margin; uninstall one"
    with pytest.raises(UserError, match=message):
        kind.installed()


def test_one_name_of_two_kinds_is_no_clash(monkeypatch: pytest.MonkeyPatch) -> None:
    points = [EntryPoint("margin", f"x:{place}", kind.group) for place, kind in enumerate(KINDS)]
    monkeypatch.setattr(plugins, "_points", lambda: EntryPoints(points))
    values = [kind.installed()["margin"].value for kind in KINDS]
    assert values == ["x:0", "x:1", "x:2", "x:3", "x:4"]


def test_one_package_that_is_found_twice_is_no_clash(
    monkeypatch: pytest.MonkeyPatch, kind: Kind
) -> None:
    offer(monkeypatch, kind, *[("random", "autoal.strategies.random:Random")] * 2)
    assert kind.load("random") is Random


@pytest.mark.parametrize("value", ["no_such_package:X", "autoal.strategies.random:NoSuchClass"])
def test_what_cannot_be_imported_is_refused(
    monkeypatch: pytest.MonkeyPatch, kind: Kind, value: str
) -> None:
    offer(monkeypatch, kind, ("odd", value))
    reason = value.split(":")[0] if "package" in value else "NoSuchClass"
    message = f"{kind.noun} 'odd' cannot be loaded from {re.escape(value)}: .*{reason}"
    with pytest.raises(UserError, match=message):
        kind.load("odd")


def test_the_package_of_a_plugin_is_known() -> None:
    assert STRATEGIES.origin("margin") == f"autoal {version('autoal')}"


def test_a_plugin_without_a_package_is_of_unknown_origin(
    monkeypatch: pytest.MonkeyPatch, kind: Kind
) -> None:
    offer(monkeypatch, kind, ("lonely", "x:Y"))
    assert kind.origin("lonely") == "unknown"


def test_the_installed_packages_are_looked_at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    looks: list[object] = []

    def entry_points() -> EntryPoints:
        looks.append(None)
        return EntryPoints([])

    monkeypatch.setattr(plugins, "entry_points", entry_points)
    plugins._points.cache_clear()
    try:
        for kind in KINDS:
            assert kind.installed() == {}
    finally:
        plugins._points.cache_clear()
    assert len(looks) == 1


class Optional:
    """With options of every kind."""

    def __init__(
        self, k: int, scale: float = 0.5, *rest: int, deep: bool = False, **more: int
    ) -> None: ...


class Grouped:
    def __init__(
        self,
        steps: Any = (1, 2),
        more: Any = {"a": [1, None], "b": {"c": "d"}},  # noqa: B006
    ) -> None: ...


def with_options(k: int, scale: float = 0.5) -> None: ...


def test_options_are_the_parameters_with_their_defaults() -> None:
    assert options(Optional) == {"k": Parameter.empty, "scale": 0.5, "deep": False}
    assert options(Random) == {}
    assert options(with_options) == {"k": Parameter.empty, "scale": 0.5}


def test_options_stand_in_the_order_of_the_parameters() -> None:
    assert list(options(Optional)) == ["k", "scale", "deep"]


def test_defaults_may_be_lists_and_mappings_of_plain_values() -> None:
    assert options(Grouped) == {"steps": (1, 2), "more": {"a": [1, None], "b": {"c": "d"}}}


class Base:
    def __init__(self, k: int = 1, deep: bool = False) -> None: ...


class HandsOn(Base):
    def __init__(self, own: int = 2, **options: Any) -> None: ...


class Inherits(HandsOn): ...


class Stops(HandsOn):
    def __init__(self, k: int = 5) -> None: ...


def test_what_a_class_hands_on_are_options_of_those_above_it() -> None:
    assert options(HandsOn) == {"own": 2, "k": 1, "deep": False}
    assert options(Inherits) == {"own": 2, "k": 1, "deep": False}
    assert options(Stops) == {"k": 5}


def test_a_module_that_breaks_when_it_is_imported_is_a_refusal_that_names_it(
    monkeypatch: pytest.MonkeyPatch, kind: Kind, tmp_path: Path
) -> None:
    (tmp_path / "breaks_on_import.py").write_text("raise RuntimeError('no driver')\n")
    monkeypatch.syspath_prepend(tmp_path)
    offer(monkeypatch, kind, ("odd", "breaks_on_import:X"))
    with pytest.raises(UserError, match=f"{kind.noun} 'odd' cannot be loaded .*no driver"):
        kind.load("odd")


def test_what_the_engine_fills_in_is_no_option() -> None:
    assert options(Optional, filled=("k", "deep")) == {"scale": 0.5}
    # Which may then be anything.
    assert options(OddDefault, filled=("kind",)) == {}


class PositionalOnly:
    def __init__(self, k: int, /) -> None: ...


class CalledName:
    def __init__(self, name: str = "x") -> None: ...


class OddDefault:
    def __init__(self, kind: object = PositionalOnly) -> None: ...


class OddNumber(float):
    """Not the number that a config.yaml would give back."""


class OddNumberDefault:
    def __init__(self, kind: float = OddNumber(1)) -> None: ...


class OddKeys:
    def __init__(self, kind: object = {1: "a"}) -> None: ...


class OddList:
    def __init__(self, kind: object = (1, object())) -> None: ...


@pytest.mark.parametrize(
    ("target", "message"),
    [
        (PositionalOnly, "PositionalOnly has a parameter 'k' that cannot be an option"),
        (CalledName, "CalledName has a parameter 'name' that cannot be an option"),
        (OddDefault, "OddDefault: the default of 'kind' must be a number"),
        (OddNumberDefault, "OddNumberDefault: the default of 'kind' must be a number"),
        (OddKeys, "OddKeys: the default of 'kind' must be a number"),
        (OddList, "OddList: the default of 'kind' must be a number"),
    ],
)
def test_parameters_that_cannot_be_options_are_refused(
    target: Callable[..., Any], message: str
) -> None:
    with pytest.raises(UserError, match=message):
        options(target)
