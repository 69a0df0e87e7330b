"""AutoAL through the loop and through train.py."""

import json
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any

import pytest
import torch
import yaml
from torch import Tensor

from autoal import ImageData, Plan, Round, Task, Training, TrueLabels, rounds
from autoal.data.rows import Images
from autoal.model.networks import MLP
from autoal.search.autoal import CANDIDATES, AutoAL
from tests import wandb_file
from tests.launch import ENVIRONMENT, ROOT, Finished, Zygote

MakeTask = Callable[..., Task]

PLAN = Plan(start=12, budget=4, rounds=3)
NOTED = {"weights", "spread", "share", "overlap", "gradient", "check_before", "check_after"}
TIMED = {"train", "test", "features", "score", "search", "total"}
FEW: dict[str, Any] = {
    "candidates": {"margin": {}, "badge": {}, "bald": {}},
    "prior": {"margin": 0.4},
    "learning_rate": 0.5,
    "pull": 0.1,
    "rehearsals": 16,
    "steps": 5,
}
QUICK = (
    "strategy=autoal",
    "strategy.rehearsals=2",
    "strategy.steps=2",
    "strategy.learning_rate=1.0",
    "task.steps=3",
)
LINEAR = ("task=linear", "rounds=3", "logger=none", *QUICK)
ONLY_MARGIN = tuple(f"~strategy.candidates.{name}" for name in CANDIDATES if name != "margin")


def facts(history: list[Round]) -> list[dict[str, Any]]:
    """All that the rounds say, except how long they took."""
    lines = [each.to_line() for each in history]
    return [{key: value for key, value in line.items() if key != "seconds"} for line in lines]


def lines(folder: Path) -> list[dict[str, Any]]:
    found = [json.loads(line) for line in (folder / "rounds.jsonl").read_text().splitlines()]
    for each in found:
        del each["seconds"]
    return found


def notes(folder: Path) -> list[dict[str, Any]]:
    """What the strategy said in each round, except how long it took."""
    found: list[dict[str, Any]] = [each["notes"] for each in lines(folder)]
    return found


def run(train: Zygote, out: Path, *argv: str) -> Finished:
    finished = train.run(*argv, f"out={out}", "name=run")
    assert finished.code == 0, finished.err
    return finished


@pytest.fixture
def experiment(data: ImageData, cpu: Training, make_task: MakeTask) -> Callable[..., list[Round]]:
    def begin(labels: Tensor | None = None, deep: bool = True, **options: Any) -> list[Round]:
        known = data.train.labels if labels is None else labels
        hidden: tuple[int, ...] = (8,) if deep else ()
        task = make_task(partial(MLP, hidden=hidden), steps=8, learning_rate=0.05)
        strategy, oracle = AutoAL(**{**FEW, **options}), TrueLabels(known)
        return list(rounds(data, task, strategy, oracle, PLAN, training=cpu))

    return begin


# Through the loop.

ROADS: list[dict[str, Any]] = [
    {},
    {"searchnet": "rows", "compose": "topk"},
    {"hypergradient": "unroll"},
    {"hypergradient": "first_order", "objective": "paper", "compose": "power"},
    {"fitnet": "head", "relaxation": "mixture"},
]


@pytest.mark.parametrize("options", ROADS, ids=lambda options: "-".join(options.values()) or "-")
def test_labels_that_nobody_asked_for_make_no_difference(
    experiment: Callable[..., list[Round]], data: ImageData, options: dict[str, Any]
) -> None:
    truth = data.train.labels.clone()
    expected = facts(experiment(**options))
    asked = torch.tensor([row for each in expected for row in each["queried"]])
    assert len(asked) == 24
    poisoned = torch.randint(3, truth.shape, generator=torch.Generator().manual_seed(0))
    poisoned[asked] = truth[asked]
    assert not torch.equal(poisoned, truth)
    data.train = Images(data.train.images, torch.full_like(truth, 999))
    assert facts(experiment(poisoned, **options)) == expected


def test_labels_that_were_asked_for_make_one(
    experiment: Callable[..., list[Round]], data: ImageData
) -> None:
    expected = facts(experiment())
    changed = data.train.labels.clone()
    changed[expected[0]["queried"]] = (changed[expected[0]["queried"]] + 1) % 3
    for name in ("check_before", "gradient"):
        assert facts(experiment(changed))[1]["notes"][name] != expected[1]["notes"][name]


@pytest.mark.parametrize("deep", [False, True])
def test_every_query_says_what_was_searched(
    experiment: Callable[..., list[Round]], deep: bool
) -> None:
    first, *others = experiment(deep=deep)
    assert first.notes == {}
    assert set(first.seconds) == TIMED - {"search"}
    for each in others:
        assert set(each.notes) == NOTED
        assert set(each.seconds) == TIMED
        assert 0 < each.seconds["search"] <= each.seconds["score"] + each.seconds["features"]
        assert sum(each.notes["weights"].values()) == pytest.approx(1)
        for name in ("weights", "spread", "share", "overlap"):
            assert list(each.notes[name]) == ["margin", "badge", "bald"]
        for name in ("gradient", "check_before", "check_after"):
            assert each.notes[name] > 0
        assert Round.from_line(json.loads(json.dumps(each.to_line()))) == each


def test_a_task_whose_network_is_trained_gets_a_network(
    experiment: Callable[..., list[Round]],
) -> None:
    automatic, network, head = (
        facts(experiment(fitnet=fitnet)) for fitnet in ("auto", "network", "head")
    )
    assert automatic == network
    assert automatic[1]["notes"]["check_before"] != head[1]["notes"]["check_before"]
    shallow = facts(experiment(deep=False, fitnet="auto"))
    assert shallow == facts(experiment(deep=False, fitnet="head"))
    with pytest.raises(ValueError, match="fitnet=network: the task trains only a head"):
        experiment(deep=False, fitnet="network")


# Through train.py.


@pytest.fixture(scope="module")
def whole(train: Zygote, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A run that nobody interrupted."""
    out = tmp_path_factory.mktemp("whole")
    run(train, out, *LINEAR)
    return out / "run"


def test_a_run_leaves_its_weights_and_draws_them(whole: Path) -> None:
    for name in ("weights.svg", "weights.png", "learning_curve.svg"):
        assert (whole / name).stat().st_size > 1000
    drawn = (whole / "weights.svg").read_text()
    config = yaml.safe_load((whole / "config.yaml").read_text())["strategy"]
    assert config["candidates"] == CANDIDATES
    assert config["steps"] == 2
    first, *found = notes(whole)
    assert first == {}
    for each in found:
        assert each.keys() == NOTED
        assert list(each["weights"]) == list(CANDIDATES)
    for name in CANDIDATES:
        assert name in drawn
    assert len({each["weights"]["margin"] for each in found}) > 1  # it did learn something


@pytest.mark.parametrize(
    ("place", "kept"),
    [("training", 2), ("between state and rounds", 2), ("the old state not removed", 3)],
)
def test_a_killed_run_goes_on_as_if_it_never_was(
    place: str, kept: int, train: Zygote, whole: Path, tmp_path: Path
) -> None:
    killed = train.run(*LINEAR, f"out={tmp_path}", "name=run", die=place)
    assert killed.code == -signal.SIGKILL, killed.err
    assert lines(tmp_path / "run") == lines(whole)[:kept]
    run(train, tmp_path, *LINEAR)
    assert lines(tmp_path / "run") == lines(whole)
    # To the last bit of what it remembers.
    states = [
        torch.load(folder / "state" / "round-0003.pt", weights_only=True)["strategy"]
        for folder in (tmp_path / "run", whole)
    ]
    assert states[0]["rounds"] == states[1]["rounds"] == 3
    weights = [state["searchnet"] for state in states]
    assert weights[0].keys() == weights[1].keys()
    assert all(torch.equal(weights[0][name], weights[1][name]) for name in weights[0])


def test_candidates_are_taken_away_and_brought_in(train: Zygote, tmp_path: Path) -> None:
    run(
        train,
        tmp_path,
        *LINEAR,
        "rounds=1",
        "~strategy.candidates.badge",
        "+strategy.candidates.random={}",
        "+strategy.candidates.probcover={}",
        "+strategy.candidates.margin.temperature=2.0",
    )
    weights = notes(tmp_path / "run")[1]["weights"]
    assert set(weights) == set(CANDIDATES) - {"badge"} | {"random", "probcover"}
    config = yaml.safe_load((tmp_path / "run" / "config.yaml").read_text())["strategy"]
    assert config["candidates"]["margin"] == {"temperature": 2.0}
    assert "badge" not in config["candidates"]


def test_a_head_on_frozen_features_is_searched(train: Zygote, tmp_path: Path) -> None:
    frozen = ("task=frozen", "task.backbones.patches.count=8", "rounds=1", "logger=none")
    run(train, tmp_path, *frozen, *QUICK, *ONLY_MARGIN, "+strategy.candidates.badge={}")
    assert notes(tmp_path / "run")[1].keys() == NOTED
    assert (tmp_path / "run" / "weights.svg").exists()


def test_a_network_is_searched_along_with_its_features(train: Zygote, tmp_path: Path) -> None:
    deep = ("task=mlp", "rounds=1", "logger=none", *QUICK, *ONLY_MARGIN)
    run(train, tmp_path, *deep, "+strategy.candidates.badge={}", "strategy.hypergradient=unroll")
    assert notes(tmp_path / "run")[1].keys() == NOTED


def test_the_published_search_is_a_choice_of_its_own(train: Zygote, tmp_path: Path) -> None:
    short = ("strategy.warmup=2", "strategy.steps=3", "task.steps=3", "rounds=1", "logger=none")
    options = ("task=mlp", "start=12", "strategy=autoal_paper", *short, "seed=4", f"out={tmp_path}")
    finished = train.run(*options)
    assert finished.code == 0, finished.err
    (folder,) = tmp_path.iterdir()
    assert folder.name.startswith("digits-autoal_paper-4-")
    assert notes(folder)[1].keys() == NOTED
    assert notes(folder)[1]["gradient"] > 0
    chosen = yaml.safe_load((folder / "config.yaml").read_text())["strategy"]
    assert chosen["loss_prediction"] is True
    assert chosen["name"] == "autoal"


@pytest.mark.parametrize(
    ("wrong", "told"),
    [
        (("+strategy.candidates.margn={}",), "did you mean 'margin'"),
        (("strategy.loss_prediction=true",), "go with objective=paper only"),
        (("+strategy.candidates.isal={}", "data.validation=9"), "in rehearsals: influence is"),
        (("strategy.name=margin",), "give strategy=<name>"),
        (("+strategy.candidates.badge.temprature=2",), "candidate 'badge': "),
        (("strategy.prior.margin=1.5",), "`prior` must be shares above 0"),
        (("strategy.compose=herdin",), "did you mean 'herding'"),
        (("strategy.objective=paper",), "objective=paper"),
        (("strategy.hypergradient=first_order",), "gradient of exactly zero"),
        (("strategy.steps=some",), "strategy.steps='some': must be a whole number"),
        (("strategy.fitnet=network",), "the task trains only a head"),
        ((*ONLY_MARGIN, "~strategy.candidates.margin"), "`candidates` must name at least one"),
    ],
    ids=lambda value: None if isinstance(value, str) else value[-1].partition("=")[0],
)
def test_what_cannot_be_is_one_message(
    wrong: tuple[str, ...], told: str, train: Zygote, tmp_path: Path
) -> None:
    refused = train.run(*LINEAR, *wrong, f"out={tmp_path}", "name=run")
    assert refused.code == 2, refused.out + refused.err
    assert refused.err.startswith("error: ")
    assert "Traceback" not in refused.err
    assert told in refused.err


def test_a_misspelt_option_is_answered_quickly(tmp_path: Path) -> None:
    begin = time.monotonic()
    refused = subprocess.run(
        [sys.executable, "train.py", "strategy=autoal", "strategy.pul=2", f"out={tmp_path}"],
        cwd=ROOT,
        env=ENVIRONMENT,
        capture_output=True,
        text=True,
    )
    assert refused.returncode == 2
    assert "did you mean 'pull'" in refused.stderr
    assert "Traceback" not in refused.stderr
    assert list(tmp_path.iterdir()) == []
    assert time.monotonic() - begin < 5  # some tenths of a second; torch alone takes longer


def test_a_plugin_is_a_candidate(tmp_path: Path) -> None:
    site = tmp_path / "site"
    information = site / "autoal_density-0.1.dist-info"
    information.mkdir(parents=True)
    (information / "METADATA").write_text(
        "Metadata-Version: 2.1\nName: autoal-density\nVersion: 0.1\n"
    )
    (information / "entry_points.txt").write_text(
        "[autoal.strategies]\ndensity = autoal_density:Density\n"
    )
    shutil.copy(ROOT / "tests" / "plugin" / "autoal_density.py", site)
    options = (*LINEAR, *ONLY_MARGIN, "rounds=1", "+strategy.candidates.density.k=5")
    finished = subprocess.run(
        [sys.executable, "train.py", *options, f"out={tmp_path}", "name=run"],
        cwd=ROOT,
        env={**ENVIRONMENT, "PYTHONPATH": str(site)},
        capture_output=True,
        text=True,
    )
    assert finished.returncode == 0, finished.stderr
    assert list(notes(tmp_path / "run")[1]["weights"]) == ["margin", "density"]
    config = yaml.safe_load((tmp_path / "run" / "config.yaml").read_text())["strategy"]
    assert config["candidates"] == {"margin": {}, "density": {"k": 5}}


def test_wandb_is_told_the_weights_over_the_labels(train: Zygote, tmp_path: Path) -> None:
    run(train, tmp_path, *QUICK, "task=linear", "rounds=2", "logger.mode=offline")
    (part,) = (tmp_path / "run").glob("wandb/offline-run-*")
    rows = [row for row in wandb_file.history(part) if "al/accuracy" in row]
    counts = [each["labelled"] for each in lines(tmp_path / "run")]
    assert [row["n_labelled"] for row in rows] == counts == [20, 30, 40]
    assert "query/weights/margin" not in rows[0]
    for row, each in zip(rows[1:], notes(tmp_path / "run")[1:], strict=True):
        for name in CANDIDATES:
            assert row[f"query/weights/{name}"] == pytest.approx(each["weights"][name])
        for name in ("spread", "share", "overlap"):
            assert row[f"query/{name}/margin"] == pytest.approx(each[name]["margin"])
        for name in ("gradient", "check_before", "check_after"):
            assert row[f"query/{name}"] == pytest.approx(each[name])
        assert row["seconds/search"] > 0
    assert wandb_file.step_metrics(part)["query/*"] == "n_labelled"
