"""Every option that is a number has bounds: what lies outside of them is refused by its name."""

import re
from collections.abc import Callable, Iterator
from inspect import Parameter, signature
from math import inf, nan
from pathlib import Path
from typing import Any

import pytest
import torch
from torch import nn

from autoal import plugins
from autoal.building import build, located
from autoal.config import CONFIGS
from autoal.kinds import fits
from autoal.model.networks import MLP
from autoal.model.training import Training
from autoal.oracles.truth import TrueLabels
from autoal.plugins import STRATEGIES
from autoal.query import registry
from autoal.search.autoal import PAPER, UNROLL
from autoal.settings import Settings
from tests.growth.pool import PLAN, data_of
from tests.language.saying import Saying

FACTS: Settings = {
    "shape": (1, 8, 8),
    "classes": 3,
    "preprocess": nn.Identity(),
    "training": Training(accelerator="cpu"),
    "network": MLP,
    "class_names": ("one", "two", "three"),
    "language": Saying(),
}
GROWS: Settings = {"data": None, "plan": PLAN, "folder": None, "seed": 0, "language": Saying()}
ANSWERS: Settings = {
    **dict.fromkeys(("data", "folder", "oracle", "strategy", "labels", "learner")),
    "language": Saying(),
}
PARTS = (".", "costs", "data", "encoder", "stop", "task", "trainer")  # folders of files of settings
NEEDED = {
    **{"path": "rows.npz", "model": "resnet18", "flag": "organcmnist", "text": ["body"]},
    **{"price": 1.0, "worth": 1.0, "minutes": 1.0, "prices": [1.0, 2.0]},
}
NUMBERS = [-1, 0, 1.5, 1e9, 10**9, 1e308, 10**30]
NO_NUMBERS: list[Any] = ["x", None, [], {}, True]
ENDLESS = [nan, inf, -inf]


def targets(*folders: str) -> list[str]:
    """The classes that the files of settings in these folders name."""
    files = [file for name in folders for file in CONFIGS.joinpath(name).glob("*.yaml")]
    return sorted(
        {name for file in files for name in re.findall(r"_target_: (\S+)", file.read_text())}
    )


def facts_of(target: Callable[..., Any]) -> Settings:
    """Arguments that the engine fills in; none for data sets, from which it derives the rest."""
    if ".datamodules." in target.__module__:
        return {}
    if ".growth." in target.__module__:
        return GROWS
    if target.__module__.startswith(("autoal.oracles.", "autoal.people.")):
        return ANSWERS
    named = signature(target).parameters  # whoever hands on its options brings its own network
    return {name: fact for name, fact in FACTS.items() if name != "network" or name in named}


def numeric(target: Callable[..., Any]) -> Iterator[tuple[str, Any]]:
    """The options of a class that are numbers, or may be, with their kinds."""
    known = plugins.parameters(target)
    for name in plugins.options(target, facts_of(target)):
        kind = known[name].annotation
        if any(fits(value, kind) for value in (1, [1])) and not fits(object(), kind):
            yield name, kind


def demand_bounded(name: str, kind: Any, made: Callable[[Any], object]) -> None:
    """Each value that is no such number is refused, and each refusal names the option."""
    others = [value for value in NO_NUMBERS if not fits(value, kind)]
    given = [*NUMBERS, *others, *ENDLESS]
    listed = [[value] for value in given] if fits([1], kind) and not fits(1, kind) else given
    for value in listed:
        refusal = refusal_of(made, value)
        if refusal is None:
            assert fits(value, kind), value
            assert value not in ENDLESS, value
        else:
            assert re.search(rf"\b{name}\b", refusal), (value, refusal)


def refusal_of(made: Callable[[Any], object], value: Any) -> str | None:
    """The message about a value, if it is refused."""
    try:
        made(value)
    except ValueError as error:
        return str(error)
    return None


@pytest.mark.parametrize(
    ("target", "name", "kind"),
    [(target, *option) for target in targets(*PARTS) for option in numeric(located(target))],
)
def test_a_number_of_a_part_has_bounds(
    target: str, name: str, kind: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("autoal.model.networks.torchvision_network", lambda *_: nn.Identity())
    monkeypatch.setattr(
        "autoal.model.bert.Published.__call__", lambda self, shape, classes: MLP(shape, classes)
    )
    facts = facts_of(located(target))
    known = plugins.options(located(target), facts)
    needed = {
        option: value for option, value in NEEDED.items() if known.get(option) is Parameter.empty
    }
    demand_bounded(
        name,
        kind,
        lambda value: build({"_target_": target, **needed, name: value}, "part", **facts),
    )


@pytest.mark.parametrize(
    ("target", "name", "kind"),
    [(target, *option) for target in targets("growth") for option in numeric(located(target))],
)
def test_a_number_of_a_growth_has_bounds(
    target: str, name: str, kind: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("autoal.growth.language._local", lambda *_, **options: options)
    facts = {**GROWS, "data": data_of()}
    known = plugins.options(located(target), facts)
    (tmp_path / "rows.txt").write_text("a lovely film\nan awful plot\n")
    needed = {"path": str(tmp_path / "rows.txt")} if "path" in known else {}
    demand_bounded(
        name, kind, lambda value: build({"_target_": target, **needed, name: value}, **facts)
    )


@pytest.mark.parametrize(
    ("target", "name", "kind"),
    [
        (target, *option)
        for target in targets("oracle", "questions")
        for option in numeric(located(target))
    ],
)
def test_a_number_of_whoever_answers_has_bounds(
    target: str, name: str, kind: Any, tmp_path: Path
) -> None:
    labels = torch.zeros(2, dtype=torch.long)
    data = data_of(classes=("a", "b", "c", "d", "e"))  # more than are offered
    facts = {**ANSWERS, "data": data, "folder": tmp_path, "oracle": TrueLabels(labels)}
    said = tmp_path / "said.csv"
    said.write_text("\n".join(["label", *["a"] * len(data.train)]) + "\n")
    known = plugins.options(located(target), facts)
    needed = {"ambiguity": [f"{said}:label"] * 2} if "ambiguity" in known else {}

    def made(value: Any) -> object:
        return build({"_target_": target, **needed, name: value}, "oracle", **facts)

    demand_bounded(name, kind, made)
    least = [-1] if fits([1], kind) and not fits(1, kind) else -1
    assert re.search(rf"\b{name}\b", refusal_of(made, least) or ""), "nobody counts below 0"


@pytest.mark.parametrize(
    ("strategy", "name", "kind"),
    [
        (strategy, *option)
        for strategy in STRATEGIES.installed()
        for option in numeric(registry.load(strategy))
    ],
)
def test_a_number_of_a_strategy_has_bounds(strategy: str, name: str, kind: Any) -> None:
    demand_bounded(name, kind, lambda value: registry.build(strategy, **{name: value}))


@pytest.mark.parametrize(
    ("group", "name", "kind"),
    [
        (group, name, type(default))
        for group, options in (("unroll", UNROLL), ("paper", PAPER))
        for name, default in options.items()
        if not isinstance(default, bool)
    ],
)
def test_a_number_in_a_group_of_options_has_bounds(group: str, name: str, kind: Any) -> None:
    demand_bounded(name, kind, lambda value: registry.build("autoal", **{group: {name: value}}))


@pytest.mark.parametrize("share", [nan, inf, -1, 0, 2, "x", None, True])
def test_a_share_of_the_prior_is_refused_by_its_name(share: Any) -> None:
    with pytest.raises(ValueError, match="prior"):
        registry.build("autoal", prior={"margin": share})


def test_layers_that_no_memory_holds_are_refused_before_they_are_made() -> None:
    with pytest.raises(ValueError, match=r"`hidden` gives 6,700,000,000 weights"):
        MLP((1, 8, 8), 3, hidden=[100_000_000, 3])
