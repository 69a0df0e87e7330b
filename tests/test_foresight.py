"""The declarations in files of settings agree with the classes."""

from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any

import pytest
import yaml
from autoal.datamodules.glue import PublishedTexts

from autoal import Arrays
from autoal.building import TARGET, located
from autoal.config import CONFIGS
from autoal.encoders.tokens import Tokens
from autoal.errors import UserError
from autoal.foresight import ROWS, TOKEN_READER, TOKENS, demand_feasible, may_grow, partners_of
from autoal.model.bert import Bert
from autoal.oracles.model import ByModel, Salutary
from autoal.oracles.truth import TrueLabels
from autoal.people.people import People
from autoal.plugins import STRATEGIES
from autoal.query import registry


def declared(name: str) -> dict[str, dict[str, Any]]:
    """The sections in whose files this is declared, by their choices."""
    files = sorted(CONFIGS.glob("*/*.yaml"))
    contents = {file.stem: yaml.safe_load(file.read_text()) or {} for file in files}
    sections: dict[str, Any] = {
        stem: content.get("data", content) for stem, content in contents.items()
    }
    return {stem: section for stem, section in sections.items() if name in section}


@pytest.mark.parametrize(("choice", "section"), declared(ROWS).items())
def test_a_data_set_declares_the_rows_of_its_pool(choice: str, section: dict[str, Any]) -> None:
    own = {"flag": section["flag"]} if "flag" in section else {}
    data = located(section.get(TARGET, "autoal.datamodules.medmnist.MedMnist"))(**own)
    if choice == "digits":
        data.setup()
    if isinstance(data, PublishedTexts):
        counts = [data.published["train"].rows]
    else:
        counts = getattr(data, "counts", None) or [len(data.train)]
    assert section[ROWS] == counts[0]


def test_every_data_set_with_published_counts_declares_them() -> None:
    readers = {
        "folder",
        "medmnist",
        "npz",
        "shards",
        "table",
        "text",
        "unlabelled",
    }  # whose rows are in files of the user's
    assert declared(ROWS).keys() == {file.stem for file in CONFIGS.glob("data/*.yaml")} - readers


@pytest.mark.parametrize(
    ("choice", "make"),
    [
        ("pseudo", partial(ByModel, TrueLabels([0]))),
        ("salutary", partial(Salutary, TrueLabels([0]))),
        ("people", partial(People, Arrays(([[0.0]], [0]), classes=2), Path("run"))),
    ],
)
def test_an_oracle_declares_which_of_our_strategies_it_goes_with(
    choice: str, make: Callable[..., Any]
) -> None:
    def goes_with(name: str) -> bool:
        try:
            make(strategy=registry.build(name))
        except UserError:
            return False
        return True

    own = {name for name in STRATEGIES.installed() if STRATEGIES.origin(name).startswith("autoal ")}
    names = own & set(yaml.safe_load((CONFIGS / "strategies.yaml").read_text()))
    told = partners_of(yaml.safe_load((CONFIGS / "oracle" / f"{choice}.yaml").read_text()), names)
    assert set(told) == {name for name in names if goes_with(name)}


@pytest.mark.parametrize(
    ("changed", "grows"),
    [
        ({}, False),
        ({"crop": 3, "imbalance": "step", "root": "/x"}, False),
        ({"check": False}, True),
        ({"flag": "pathmnist"}, True),
        ({TARGET: "mine.Data"}, True),
    ],
)
def test_a_declaration_counts_while_nothing_can_make_the_pool_larger(
    changed: dict[str, Any], grows: bool
) -> None:
    filed = {TARGET: "theirs.Data", "crop": 1, "check": True, "flag": "organcmnist"}
    assert may_grow({**filed, **changed}, filed) == grows


def settings(**data: Any) -> dict[str, Any]:
    task = {TARGET: "autoal.model.task.Task", "network": {"weights": "balanced"}}
    own = {"data": {TARGET: "autoal.Data", **data}, "encoder": {}, "task": task}
    plan = {"start": {"size": 5}, "budget": 5, "rounds": 1, "seed": 0, "features": "single"}
    return {"out": "/no/such", "name": "run", **plan, **own}


def test_a_path_that_is_there_or_not_of_this_machine_will_do(tmp_path: Path) -> None:
    demand_feasible(settings(path=str(tmp_path), test_path="s3://no/such", other="no.npz"), 10)
    demand_feasible(settings(path=None, validation_path="~"), None)
    demand_feasible(settings(**{TARGET: "mine.Data"}, cache_path="made.npz"), None)


def test_a_look_at_less_than_a_batch_is_refused() -> None:
    demand_feasible({**settings(), "look": 5}, 10)
    with pytest.raises(UserError, match="look=4: a batch has 5 rows"):
        demand_feasible({**settings(), "look": 4}, 10)


@pytest.mark.parametrize("path", ["", "no.npz", "~/no/such"])
def test_a_path_that_is_not_there_is_refused(path: str) -> None:
    with pytest.raises(UserError, match=r"there is no file .*; data.path= names one"):
        demand_feasible(settings(path=path), None)


def test_features_of_an_unknown_precision_are_refused() -> None:
    with pytest.raises(UserError, match=r"unknown features 'double'"):
        demand_feasible({**settings(), "features": "double"}, None)


def test_a_precision_of_features_needs_an_encoder_that_makes_some() -> None:
    with pytest.raises(UserError, match=r"features=half needs an encoder: give encoder="):
        demand_feasible({**settings(), "features": "half", "encoder": {}}, None)


def test_the_folder_of_another_run_is_refused(tmp_path: Path) -> None:
    here, folder = {**settings(), "out": str(tmp_path)}, tmp_path / "run"
    folder.mkdir()
    (folder / "config.yaml").write_text("seed: 1\nabout: {id: a}\n")
    demand_feasible(here, None)  # nothing was finished there
    (folder / "rounds.jsonl").write_text("{}\n")
    with pytest.raises(UserError, match=r"holds a run of another config:(.|\n)* seed: 1 in the"):
        demand_feasible(here, None)
    (folder / "config.yaml").write_text("not: [a config")
    demand_feasible(here, None)  # what is amiss is told where it is read


def test_classes_that_foresight_names_are_there() -> None:
    assert [located(TOKENS), located(TOKEN_READER)] == [Tokens, Bert]


@pytest.mark.parametrize("encoder", [TOKENS, "autoal.encoders.tfidf.Tfidf"])
def test_what_a_network_of_somebody_else_s_reads_nobody_foresees(encoder: str) -> None:
    task = {TARGET: "autoal.model.task.Task", "network": {TARGET: "mine.Net"}}
    demand_feasible({**settings(), "encoder": {TARGET: encoder}, "task": task}, None)
    bert = {"encoder": {TARGET: "mine.Tokens"}, "task": {TARGET: TOKEN_READER}}
    demand_feasible({**settings(), **bert}, None)


def test_a_seed_is_no_less_than_0() -> None:
    with pytest.raises(UserError, match="`seed` must be at least 0, got -1"):
        demand_feasible({**settings(), "seed": -1}, None)
