"""AutoAL through the loop and through train.py."""

import json
import shutil
import signal
import subprocess
import sys
from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import Any, NamedTuple

import pytest
import torch
import yaml
from hydra import compose, initialize_config_dir
from omegaconf import OmegaConf
from torch import Tensor

from autoal import (
    Data,
    Experiment,
    Learner,
    Plan,
    QueryStrategy,
    Round,
    Scored,
    Trained,
    TrueLabels,
    View,
    config,
    plugins,
    rounds,
    spelling,
)
from autoal.errors import UserError
from autoal.model.networks import MLP
from autoal.model.task import Batch, Task
from autoal.query import registry
from autoal.search.autoal import CANDIDATES, AutoAL
from tests import wandb_file
from tests.cycle.made import Spy
from tests.launch import ENVIRONMENT, ROOT, Finished, Zygote

MakeLearner = Callable[..., Trained]

ROUNDS = 2
PLAN = Plan(start=12, budget=4, rounds=ROUNDS)
NOTED = {"weights", "spread", "share", "overlap", "gradient", "check_before", "check_after"}
TIMED = {"train", "test", "features", "score", "search", "total"}
FEW: dict[str, Any] = {
    "candidates": {"margin": {}, "badge": {}, "bald": {}},
    "prior": {"margin": 0.4},
    "learning_rate": 0.5,
    "pull": 0.1,
    "rehearsals": 4,
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
    lines = [finished.to_line() for finished in history]
    return [{key: value for key, value in line.items() if key != "seconds"} for line in lines]


def lines(folder: Path) -> list[dict[str, Any]]:
    found = [json.loads(line) for line in (folder / "rounds.jsonl").read_text().splitlines()]
    for line in found:
        del line["seconds"]
    return found


def notes(folder: Path) -> list[dict[str, Any]]:
    """The strategy's notes in each round, except times."""
    found: list[dict[str, Any]] = [line["notes"] for line in lines(folder)]
    return found


def run(train: Zygote, out: Path, *argv: str) -> Finished:
    finished = train.run(*argv, f"out={out}", "name=run")
    assert finished.code == 0, finished.err
    return finished


@pytest.fixture
def experiment(data: Data, make_learner: MakeLearner) -> Callable[..., list[Round]]:
    def begin(labels: Tensor | None = None, deep: bool = True, **options: Any) -> list[Round]:
        oracle = TrueLabels(data.train.labels if labels is None else labels)
        hidden: tuple[int, ...] = (8,) if deep else ()
        learner = make_learner(partial(MLP, hidden=hidden), steps=8, learning_rate=0.05)
        return list(rounds(Experiment(data, learner, AutoAL(**{**FEW, **options}), PLAN), oracle))

    return begin


# Through the loop.

ROADS: list[dict[str, Any]] = [
    {},
    {"searchnet": "rows", "compose": "topk"},
    {"road": "unroll"},
    {"road": "paper", "compose": "power"},
    {"fitnet": "head", "relaxation": "mixture"},
]


@pytest.mark.parametrize("options", ROADS, ids=lambda options: "-".join(options.values()) or "-")
def test_labels_that_nobody_asked_for_make_no_difference(
    experiment: Callable[..., list[Round]], data: Data, options: dict[str, Any]
) -> None:
    truth = data.train.labels.clone()
    expected = facts(experiment(**options))
    asked = torch.tensor([row for line in expected for row in line["queried"]])
    assert len(asked) == 20
    poisoned = torch.randint(3, truth.shape, generator=torch.Generator().manual_seed(0))
    poisoned[asked] = truth[asked]
    assert not torch.equal(poisoned, truth)
    data.train = replace(data.train, labels=torch.full_like(truth, 999))
    assert facts(experiment(poisoned, **options)) == expected


def test_labels_that_were_asked_for_make_one(
    experiment: Callable[..., list[Round]], data: Data
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
    for finished in others:
        assert set(finished.notes) == NOTED
        assert set(finished.seconds) == TIMED
        assert finished.seconds["search"] > 0
        parts = [seconds for name, seconds in finished.seconds.items() if name != "total"]
        assert sum(parts) <= finished.seconds["total"] + 1e-6
        assert sum(finished.notes["weights"].values()) == pytest.approx(1)
        for name in ("weights", "spread", "share", "overlap"):
            assert list(finished.notes[name]) == ["margin", "badge", "bald"]
        for name in ("gradient", "check_before", "check_after"):
            assert finished.notes[name] > 0
        assert Round.from_line(json.loads(json.dumps(finished.to_line()))) == finished


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


def test_the_record_takes_no_notes_from_the_strategy(data: Data, make_learner: MakeLearner) -> None:
    answers: list[Scored] = []

    class Keeping(AutoAL):
        def score(self, view: View, budget: int) -> Scored:
            answers.append(super().score(view, budget))
            return answers[-1]

    experiment = Experiment(data, make_learner(), Keeping(**FEW), PLAN)
    history = list(rounds(experiment, TrueLabels(data.train.labels)))
    assert len(answers) == ROUNDS
    for finished, scored in zip(history[1:], answers, strict=True):
        assert set(scored.notes) == NOTED
        assert finished.notes == scored.notes
        finished.notes.clear()
        assert set(scored.notes) == NOTED


# Networks that a strategy has trained.


class Committee(Spy, QueryStrategy):
    """Lets some networks learn the same half of the labelled rows, and draws."""

    reads = ("fitted",)

    def __init__(self, size: int) -> None:
        self.size = size
        self.members: list[Trained] = []

    def fit(self, view: View) -> None:
        assert view.bench is not None
        assert view.bench.fitted is not None
        half = torch.arange(len(view.labelled) // 2)
        for _ in range(self.size):
            member: Any = view.bench.fitted(half)
            self.members.append(member)

    def score(self, view: View, budget: int) -> Tensor:
        return torch.zeros(len(view.pool))


class Sat(NamedTuple):
    """The remains of an experiment with a committee."""

    members: list[Trained]
    learner: Trained
    history: list[Round]
    lengths: dict[int, int]  # steps of training, by the task


@pytest.fixture
def sit(
    data: Data, make_learner: MakeLearner, monkeypatch: pytest.MonkeyPatch
) -> Callable[..., Sat]:
    def begin(size: int, **options: Any) -> Sat:
        lengths: Counter[int] = Counter()
        step = Task.training_step

        def counted(task: Task, batch: Batch, index: int) -> Tensor:
            lengths[id(task)] += 1
            return step(task, batch, index)

        monkeypatch.setattr(Task, "training_step", counted)
        learner = make_learner(partial(MLP, hidden=(8,)), learning_rate=0.05, **options)
        committee = Committee(size)
        experiment = Experiment(data, learner, committee, PLAN)
        history = list(rounds(experiment, TrueLabels(data.train.labels)))
        monkeypatch.setattr(Task, "training_step", step)
        return Sat(committee.members, learner, history, lengths)

    return begin


def weights_of(learner: Learner) -> Tensor:
    """All that was learnt, in one line."""
    return torch.cat([value.flatten().float() for value in learner.state_dict().values()])


@pytest.mark.parametrize("warm_start", [False, True])
def test_members_of_a_committee_are_independent(
    sit: Callable[..., Sat], data: Data, warm_start: bool
) -> None:
    first, again = (sit(2, steps=8, warm_start=warm_start) for _ in range(2))
    assert len(first.members) == 2 * ROUNDS
    assert len({id(one.task) for one in (*first.members, first.learner)}) == 5
    lines = [weights_of(one) for one in (*first.members, first.learner)]
    for place, line in enumerate(lines):
        for other in lines[:place]:
            assert float((line - other).abs().max()) > 0.01
    for line, same in zip(lines, (*again.members, again.learner), strict=True):
        assert torch.equal(line, weights_of(same))
    # Whoever learns more changes nobody else.
    first.members[0].fit(data.train, first=False, watch=lambda step: None)
    assert not torch.equal(lines[0], weights_of(first.members[0]))
    for line, same in zip(lines[1:], (*first.members[1:], first.learner), strict=True):
        assert torch.equal(line, weights_of(same))


@pytest.mark.parametrize("warm_start", [False, True])
def test_a_committee_is_nothing_to_the_task(sit: Callable[..., Sat], warm_start: bool) -> None:
    alone, beside = (sit(size, steps=8, warm_start=warm_start) for size in (0, 2))
    assert facts(alone.history) == facts(beside.history)
    assert torch.equal(weights_of(alone.learner), weights_of(beside.learner))


@pytest.mark.parametrize("length", ["steps", "epochs"])
def test_members_train_as_much_shorter_as_their_rows_are_fewer(
    sit: Callable[..., Sat], length: str
) -> None:
    """Neither shortens what the task, or the next member, has before it."""
    _, learner, history, lengths = left = sit(3, **{length: 8})
    assert [finished.steps for finished in history] == [8] * 3
    assert lengths[id(learner.task)] == 8 * 3
    assert [lengths[id(member.task)] for member in left.members] == [4] * 6
    assert getattr(learner.task, length) == 8
    assert {getattr(member.task, length) for member in left.members} == {4}


def test_a_look_through_the_task_is_not_changed_by_a_member(
    data: Data, make_learner: MakeLearner
) -> None:
    learner = make_learner(partial(MLP, hidden=(8,)), steps=8)
    shown = learner.look(data.train, torch.arange(10), 0)
    expected = learner.look(data.train, torch.arange(10), 0).logits
    member = learner.fresh(0.5)
    member.fit(data.train, first=True, watch=lambda step: None)
    assert torch.equal(shown.logits, expected)
    assert not torch.equal(member.look(data.train, torch.arange(10), 0).logits, expected)


# Through train.py.


@pytest.fixture(scope="module")
def whole(train: Zygote, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A run that nobody interrupted."""
    out = tmp_path_factory.mktemp("whole")
    run(train, out, *LINEAR)
    return out / "run"


def test_a_run_leaves_its_weights_and_draws_them(whole: Path) -> None:
    for name in ("weights.svg", "learning_curve.svg"):
        assert (whole / name).stat().st_size > 1000
    drawn = (whole / "weights.svg").read_text()
    settings = yaml.safe_load((whole / "config.yaml").read_text())["strategy"]
    assert settings["candidates"] == CANDIDATES
    assert settings["steps"] == 2
    first, *found = notes(whole)
    assert first == {}
    for noted in found:
        assert noted.keys() == NOTED
        assert list(noted["weights"]) == list(CANDIDATES)
    for name in CANDIDATES:
        assert name in drawn
    assert len({noted["weights"]["margin"] for noted in found}) > 1  # it did learn something


@pytest.mark.parametrize(
    ("place", "finished"),
    [("training", 2), ("between state and rounds", 2), ("the old state not removed", 3)],
)
def test_a_killed_run_goes_on_as_if_it_never_was(
    place: str, finished: int, train: Zygote, whole: Path, tmp_path: Path
) -> None:
    killed = train.run(*LINEAR, f"out={tmp_path}", "name=run", die=place)
    assert killed.code == -signal.SIGKILL, killed.err
    assert lines(tmp_path / "run") == lines(whole)[:finished]
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
    settings = yaml.safe_load((tmp_path / "run" / "config.yaml").read_text())["strategy"]
    assert settings["candidates"]["margin"] == {"temperature": 2.0}
    assert "badge" not in settings["candidates"]


def test_a_head_on_frozen_features_is_searched(train: Zygote, tmp_path: Path) -> None:
    frozen = ("task=frozen", "encoder.count=8", "rounds=1", "logger=none")
    run(train, tmp_path, *frozen, *QUICK, *ONLY_MARGIN, "+strategy.candidates.badge={}")
    assert notes(tmp_path / "run")[1].keys() == NOTED
    assert (tmp_path / "run" / "weights.svg").exists()


def test_a_network_is_searched_along_with_its_features(train: Zygote, tmp_path: Path) -> None:
    deep = ("task=mlp", "rounds=1", "logger=none", *QUICK, *ONLY_MARGIN)
    run(train, tmp_path, *deep, "+strategy.candidates.badge={}", "strategy.road=unroll")
    assert notes(tmp_path / "run")[1].keys() == NOTED


def test_the_published_search_is_a_choice_of_its_own(train: Zygote, tmp_path: Path) -> None:
    short = (
        "strategy.paper.warmup=2",
        "strategy.steps=1",
        "task.steps=3",
        "rounds=1",
        "logger=none",
    )
    options = ("task=mlp", "start=12", "strategy=autoal_paper", *short, "seed=4", f"out={tmp_path}")
    finished = train.run(*options)
    assert finished.code == 0, finished.err
    (folder,) = tmp_path.iterdir()
    assert folder.name.startswith("digits-mlp-autoal_paper-4-")
    assert notes(folder)[1].keys() == NOTED
    assert notes(folder)[1]["gradient"] > 0
    chosen = yaml.safe_load((folder / "config.yaml").read_text())["strategy"]
    assert chosen["paper"] == {"warmup": 2, "loss_prediction": True}
    assert chosen["name"] == "autoal"


@pytest.mark.parametrize(
    ("wrong", "message"),
    [
        (("+strategy.candidates.margn={}",), "did you mean 'margin'"),
        (("+strategy.candidates.isal={}", "data.validation=9"), "in rehearsals: influence is"),
        (("strategy.name=margin",), "give strategy=<name>"),
        (("+strategy.candidates.badge.temprature=2",), "candidate 'badge': "),
        (("strategy.prior.margin=1.5",), "`prior` must be shares above 0"),
        (("strategy.compose=herdin",), "did you mean 'herding'"),
        (("strategy.road=papr",), "unknown road 'papr'; did you mean 'paper'"),
        (("strategy.unroll.step=2",), "'step'; did you mean 'steps'"),
        (("strategy.unroll.steps=0",), "`unroll.steps` must be at least 1"),
        (("strategy.objective=paper",), "was renamed: give strategy.road=paper"),
        (("strategy.loss_prediction=true",), "give strategy.paper.loss_prediction="),
        (("strategy.hypergradient=unroll",), "give strategy.road=implicit or unroll"),
        (("strategy.steps=some",), "strategy.steps='some': must be a whole number"),
        (("strategy.fitnet=network",), "the task trains only a head"),
        ((*ONLY_MARGIN, "~strategy.candidates.margin"), "`candidates` must name at least one"),
    ],
    ids=lambda value: None if isinstance(value, str) else value[-1].partition("=")[0],
)
def test_what_cannot_be_is_one_message(
    wrong: tuple[str, ...], message: str, train: Zygote, tmp_path: Path
) -> None:
    refused = train.run(*LINEAR, *wrong, f"out={tmp_path}", "name=run")
    assert refused.code == 2, refused.out + refused.err
    assert refused.err.startswith("error: ")
    assert "Traceback" not in refused.err
    assert message in refused.err


# Tells on the last line whether torch was needed.
SCRIPT = """
import runpy, sys
try:
    runpy.run_path("train.py", run_name="__main__")
finally:
    print("torch" if "torch" in sys.modules else "no torch")
"""


def test_a_misspelt_option_is_answered_before_torch_is_there(tmp_path: Path) -> None:
    refused = subprocess.run(
        [sys.executable, "-c", SCRIPT, "strategy=autoal", "strategy.pul=2", f"out={tmp_path}"],
        cwd=ROOT,
        env=ENVIRONMENT,
        capture_output=True,
        text=True,
    )
    assert refused.returncode == 2
    assert "did you mean 'pull'" in refused.stderr
    assert "Traceback" not in refused.stderr
    assert list(tmp_path.iterdir()) == []
    assert refused.stdout.splitlines()[-1] == "no torch"


@pytest.fixture
def density(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """The strategy of tests/plugin, installed."""
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
    monkeypatch.syspath_prepend(site)
    plugins._points.cache_clear()
    yield
    plugins._points.cache_clear()
    sys.modules.pop("autoal_density", None)


@pytest.mark.usefixtures("density")
def test_a_plugin_is_a_candidate(data: Data, make_learner: MakeLearner) -> None:
    """As train.py would have it; the processes that it is forked from do not know the plugin."""
    options = spelling.spelled_out([*LINEAR, *ONLY_MARGIN, "+strategy.candidates.density.k=5"])
    with initialize_config_dir(version_base="1.3", config_dir=str(config.CONFIGS)):
        chosen: Any = OmegaConf.to_container(compose("train", options)["strategy"])
    assert chosen["candidates"] == {"margin": {}, "density": {"k": 5}}
    strategy = registry.build(chosen.pop("name"), **chosen)
    experiment = Experiment(data, make_learner(steps=3), strategy, PLAN)
    history = list(rounds(experiment, TrueLabels(data.train.labels)))
    assert list(history[-1].notes["weights"]) == ["margin", "density"]
    with pytest.raises(UserError, match=r"candidate 'density': .*'kk'"):
        AutoAL(candidates={"density": {"kk": 5}})


def test_wandb_is_told_the_weights_over_the_labels(train: Zygote, tmp_path: Path) -> None:
    run(train, tmp_path, *QUICK, "task=linear", "rounds=2", "logger.mode=offline")
    (part,) = map(wandb_file.whole, (tmp_path / "run").glob("wandb/offline-run-*"))
    rows = [row for row in wandb_file.history(part) if "al/accuracy" in row]
    counts = [line["labelled"] for line in lines(tmp_path / "run")]
    assert [row["n_labelled"] for row in rows] == counts == [20, 30, 40]
    assert "query/weights/margin" not in rows[0]
    for row, noted in zip(rows[1:], notes(tmp_path / "run")[1:], strict=True):
        for name in CANDIDATES:
            assert row[f"query/weights/{name}"] == pytest.approx(noted["weights"][name])
        for name in ("spread", "share", "overlap"):
            assert row[f"query/{name}/margin"] == pytest.approx(noted[name]["margin"])
        for name in ("gradient", "check_before", "check_after"):
            assert row[f"query/{name}"] == pytest.approx(noted[name])
        assert row["seconds/search"] > 0
    assert wandb_file.step_metrics(part)["query/*"] == "n_labelled"
