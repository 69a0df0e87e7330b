import json
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from copy import deepcopy
from dataclasses import replace
from inspect import Parameter, signature
from io import BytesIO
from pathlib import Path
from typing import Any

import pytest
import torch
import yaml
from autoal.strategies.herding import MaxHerding, UHerding
from pytorch_lightning import LightningModule
from torch import Tensor

from autoal import Features, QueryStrategy, Training, View, select
from autoal.errors import UserError
from autoal.maths.coverage import adaptive_width
from autoal.maths.geometry import unit
from autoal.model.predictions import Head
from autoal.plugins import STRATEGIES
from autoal.query import registry
from autoal.query.batch import query
from autoal.query.calibration import cooled
from autoal.query.composite import Candidates
from autoal.query.strategy import Facts
from autoal.search import autoal
from autoal.search.autoal import CANDIDATES, PRIOR, AutoAL, single_thread
from autoal.search.compose import WAYS
from autoal.search.hypergradient import Unroll
from autoal.search.paper import Paper
from autoal.search.relax import RELAXATIONS
from autoal.search.search import Search
from autoal.search.searchnet import SEARCHNETS
from autoal.seeding import generator
from autoal.testing import make_view
from autoal.testing.made import make
from tests.search.made import with_labels, with_network

ROOT = Path(__file__).resolve().parents[2]
PUBLISHED = {"entropy", "margin", "least_confidence", "kmeans", "bald", "var_ratio", "mean_std"}
BUDGET = 8
CLEAN = 300  # number of rows whose labels can be right or wrong
TWO: dict[str, Any] = {
    "candidates": {"margin": {}, "random": {}},
    "prior": {"margin": 0.5},
}


class Tabled(QueryStrategy):
    """Votes that are given by the number of a row."""

    def __init__(self, table: Tensor) -> None:
        self.table = table

    def score(self, view: View, budget: int) -> Tensor:
        return self.table[view.pool.rows]

    def votes(self, scores: Tensor, classes: int) -> Tensor:
        return scores


class Constant(QueryStrategy):
    """The same for all rows."""

    def score(self, view: View, budget: int) -> Tensor:
        return torch.zeros(len(view.pool))

    def votes(self, scores: Tensor, classes: int) -> Tensor:
        return scores + 1


def planted(seed: int = 0, count: int = 60, right: float = 0.5) -> tuple[View, Tensor]:
    """A view where a share of the labels is wrong, and which of all rows are right.

    The validation rows are right, so that FitNet is better for learning the right ones.
    """
    view = make_view(pool=60, labelled=count, validation=60, seed=seed)
    table = torch.rand(CLEAN + count * 2, generator=generator(seed, "right")) < right
    wrong = ~table[view.labelled.features.rows]
    turned = with_labels(view, lambda labels: torch.where(wrong, (labels + 1) % 3, labels))
    return turned, table.float()


def knowing(table: Tensor, **options: Any) -> AutoAL:
    """A candidate that knows which labels are right, and one that takes the others."""
    strategy = AutoAL(**{**TWO, "steps": 12, "learning_rate": 0.2, "pull": 2.0, **options})
    strategy.candidates = Candidates(dict(zip(TWO["candidates"], pair(table), strict=True)))
    return strategy


def pair(table: Tensor) -> tuple[Tabled, Tabled]:
    """Candidates for and against what the table says, with some noise to tell rows apart."""
    noise = torch.rand(2, len(table), generator=generator(0, "noise"))
    return Tabled(0.8 * table + 0.2 * noise[0]), Tabled(0.8 * (1 - table) + 0.2 * noise[1])


def notes_of(strategy: AutoAL, view: View) -> dict[str, Any]:
    """A query's notes, after a search if this view had none yet."""
    return query(strategy, view, BUDGET).notes


def weight(strategy: AutoAL, view: View, name: str = "margin") -> float:
    return float(notes_of(strategy, view)["weights"][name])


def saved(state: dict[str, Any]) -> dict[str, Any]:
    """As it comes back from the disk."""
    file = BytesIO()
    torch.save(state, file)
    file.seek(0)
    loaded: dict[str, Any] = torch.load(file, weights_only=True)
    return loaded


def views() -> Iterable[View]:
    for seed in range(3):
        yield make_view(seed=seed)
        yield make_view(pool=90, labelled=15, validation=12, seed=seed, classes=4)


# What it is in the corners.


def test_herding_over_the_margin_alone_is_uherding() -> None:
    for view in views():
        width = adaptive_width(unit(view.labelled.features.embeddings), 1.0)
        options: dict[str, Any] = {"sharpness": 1.0, "width": width, "space": "embedded"}
        options |= {"steps": 4, "rehearsals": 2}
        strategy = AutoAL(candidates={"margin": {}}, **options)
        assert torch.equal(select(strategy, view, BUDGET), select(UHerding(), view, BUDGET))
        assert weight(strategy, view) == 1


@pytest.mark.parametrize("width", [1.0, 0.3])
def test_herding_over_what_is_worth_the_same_is_maxherding(width: float) -> None:
    for view in views():
        strategy = AutoAL(
            candidates={"margin": {}}, width=width, space="embedded", steps=2, rehearsals=2
        )
        strategy.candidates = Candidates({"margin": Constant()})
        assert torch.equal(select(strategy, view, BUDGET), select(MaxHerding(width), view, BUDGET))


@pytest.mark.parametrize("name", ["margin", "kmeans", "badge", "entropy"])
def test_the_best_of_one_candidate_are_its_own(name: str) -> None:
    for view in views():
        strategy = AutoAL(candidates={name: {}}, compose="topk", steps=2, rehearsals=2)
        own = registry.build(name)
        own.fit(view)
        expected = select(own, cooled(view), BUDGET)
        assert torch.equal(select(strategy, view, BUDGET), expected)
        notes = notes_of(strategy, view)
        assert notes["overlap"] == {name: 1}
        assert notes["share"] == {name: 1}


# What it is by default, and what it refuses.


def test_the_default_candidates_are_the_papers_and_newer_ones() -> None:
    assert list(AutoAL().candidates) == list(CANDIDATES)
    assert set(CANDIDATES) > PUBLISHED
    assert set(CANDIDATES) <= set(STRATEGIES.installed())


def test_the_settings_say_what_the_class_does() -> None:
    written = yaml.safe_load((ROOT / "configs" / "strategy" / "autoal.yaml").read_text())
    assert written.pop("name") == "autoal"
    assert written.pop("candidates") == CANDIDATES
    assert written.pop("prior") == PRIOR
    defaults = {name: option.default for name, option in signature(AutoAL).parameters.items()}
    assert defaults.pop("candidates") is None
    assert defaults.pop("prior") is None
    assert written == defaults
    assert {name: type(value) for name, value in written.items()} == {
        name: type(value) for name, value in defaults.items()
    }
    assert Parameter.empty not in defaults.values()


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"compose": "herdin"}, "unknown compose 'herdin'; did you mean 'herding'"),
        ({"searchnet": "share"}, "unknown searchnet 'share'; did you mean 'shared'"),
        ({"fitnet": "networks"}, "unknown fitnet 'networks'; did you mean 'network'"),
        ({"road": "implicite"}, "unknown road 'implicite'; did you mean 'implicit'"),
        ({"road": "papers"}, "unknown road 'papers'; did you mean 'paper'"),
        ({"relaxation": "tops"}, "unknown relaxation 'tops'; did you mean 'top'"),
        ({"rehearsals": 1}, "`rehearsals` must be at least 2 and at most .*, got 1"),
        (
            {"rehearsals": 3, "searchnet": "rows"},
            "`rehearsals` must be at least 4 and at most .*, got 3",
        ),
        ({"pull": float("nan")}, "`pull` must be at least 0, got nan"),
        ({"prior": {"uherdng": 0.9}}, "unknown strategy in the prior 'uherdng'; .* 'uherding'"),
        ({"steps": -1}, "`steps` must be at least 0 and at most .*, got -1"),
        ({"sample": 0}, "`sample` must be at least 1, got 0"),
        ({"pull": -0.1}, "`pull` must be at least 0, got -0.1"),
        ({"width": -1.0}, "`width` must be at least 0, got -1.0"),
        ({"taught": 0.0}, "`taught` must be above 0 and below 1, got 0.0"),
        ({"taught": 1.0}, "`taught` must be above 0 and below 1, got 1.0"),
        ({"learning_rate": 0.0}, "`learning_rate` must be above 0, got 0.0"),
        ({"ridge": 0.0}, "`ridge` must be above 0, got 0.0"),
        ({"sharpness": -1.0}, "`sharpness` must be at least 0, got -1.0"),
        ({"unroll": {"learning_rate": -1.0}}, "`unroll.learning_rate` must be above 0, got -1.0"),
        ({"unroll": {"steps": 0}}, "`unroll.steps` must be at least 1 and at most .*, got 0"),
        (
            {"road": "unroll", "unroll": {"steps": 0}},
            "`unroll.steps` must be at least 1 and at most .*, got 0",
        ),
        ({"paper": {"warmup": -1}}, "`paper.warmup` must be at least 0 and at most .*, got -1"),
        ({"paper": {"loss_prediction": 1}}, "`paper.loss_prediction` must be true or false, got 1"),
        ({"candidates": {}}, "`candidates` must name at least one strategy"),
        ({"prior": {"margin": 1.1}}, "`prior` must be shares above 0 whose sum is at most 1"),
        ({"prior": {"margin": 0.6, "bald": 0.6}}, "`prior` must be shares above 0"),
        ({"prior": {"margin": 0.0}}, "`prior` must be shares above 0"),
        ({"candidates": {"margn": {}}}, "'margn': unknown strategy 'margn'; did you mean 'margin'"),
        ({"candidates": {"margin": {"temprature": 1}}}, "candidate 'margin': .*'temprature'"),
        ({"candidates": {"margin": {"temperature": 0}}}, "candidate 'margin': `temperature` must"),
    ],
    ids=lambda value: None if isinstance(value, str) else "-".join(value),
)
def test_what_cannot_be_is_refused_by_name(options: dict[str, Any], message: str) -> None:
    with pytest.raises(ValueError, match=message):
        AutoAL(**options)


def test_options_of_a_road_are_completed_and_refused_as_others_are() -> None:
    built = registry.build("autoal", road="unroll", unroll={"steps": 7}, steps=1)
    assert isinstance(built, AutoAL)
    road = built.road()
    assert isinstance(road, Unroll)
    assert (road.steps, road.learning_rate) == (7, 0.1)
    published = AutoAL(road="paper", paper={"warmup": 5}).road()
    assert isinstance(published, Paper)
    assert (published.warmup, published.loss_prediction) == (5, False)
    for options, message in (
        ({"unroll": {"step": 7}}, "unknown option of .*autoal.*'step'; did you mean 'steps'"),
        ({"paper": {"warm": 7}}, "unknown option of .*autoal.*'warm'; did you mean 'warmup'"),
        ({"unroll": {"steps": 1.5}}, "strategy.unroll.steps=1.5: must be a whole number"),
        ({"paper": 5}, "strategy.paper=5: must be options"),
    ):
        with pytest.raises(UserError, match=message):
            registry.build("autoal", **options)
    with pytest.raises(TypeError, match="'step'"):
        AutoAL(unroll={"step": 7})


def test_every_search_has_a_road_of_its_own() -> None:
    strategy = AutoAL(road="paper")
    assert strategy.road() is not strategy.road()


@pytest.mark.parametrize("road", ["implicit", "unroll", "paper"])
def test_a_network_is_refused_where_only_a_head_is_trained(road: str) -> None:
    strategy, message = AutoAL(fitnet="network", road=road, **TWO), "the task trains only a head"
    facts = Facts(pool=60, classes=3)
    strategy.check(facts)
    with pytest.raises(UserError, match=f"fitnet=network: {message}"):
        strategy.check(replace(facts, deep=False))
    with pytest.raises(UserError, match=f"fitnet=network: {message}"):
        strategy.fit(make_view(labelled=20))
    AutoAL(road=road, **TWO).check(replace(facts, deep=False))


def test_images_are_asked_for_by_name_where_the_inputs_are_features() -> None:
    facts = Facts(pool=60, classes=3)
    AutoAL(searchnet="images", **TWO).check(facts)
    with pytest.raises(UserError, match="searchnet=images reads pictures"):
        AutoAL(searchnet="images", **TWO).check(replace(facts, pictures=False))
    AutoAL(searchnet="rows", **TWO).check(replace(facts, pictures=False))


def test_a_candidate_that_needs_validation_rows_has_none_in_rehearsals() -> None:
    facts = Facts(pool=60, classes=3, validation=torch.tensor([0, 1, 2]))
    AutoAL(candidates={"isal": {}}, steps=0).check(facts)
    with pytest.raises(
        UserError, match=r"candidate 'isal' \(strategy\.candidates\.isal\).*folds=5"
    ):
        AutoAL(candidates={"isal": {}}).check(facts)
    AutoAL(candidates={"isal": {"folds": 5}}).check(facts)


def test_the_search_trains_where_the_experiment_does(monkeypatch: pytest.MonkeyPatch) -> None:
    used: list[Training] = []
    optimise = Training.optimise

    def watched(self: Training, module: LightningModule) -> None:
        used.append(self)
        optimise(self, module)

    monkeypatch.setattr(Training, "optimise", watched)
    training = Training(accelerator="cpu", precision="bf16-mixed", channels_last=True)
    AutoAL(road="unroll", **TWO).fit(with_network(make_view(labelled=20), training=training))
    assert used == [replace(training, precision="32-true")]  # differences are small, and it exact


def test_a_candidate_learns_from_the_view_that_it_scores() -> None:
    class Looks(QueryStrategy):
        def __init__(self) -> None:
            self.views: list[View] = []

        def fit(self, view: View) -> None:
            self.views.append(view)

        def score(self, view: View, budget: int) -> Tensor:
            self.views.append(view)
            return torch.zeros(len(view.pool))

    strategy, looks = AutoAL(steps=0, **TWO), Looks()
    strategy.candidates.strategies["random"] = looks
    # The model is sure, and wrong.
    view = with_labels(make_view(labelled=20), lambda labels: (labels + 1) % 3)
    select(strategy, view, BUDGET)
    learned, scored = looks.views
    assert learned is scored
    assert not torch.equal(learned.pool.logits, view.pool.logits)  # it is less sure


def test_a_candidate_may_come_without_options() -> None:
    view = make_view()
    bare = AutoAL(candidates={"margin": None, "badge": None}, steps=0)
    given = AutoAL(candidates={"margin": {}, "badge": {}}, steps=0)
    assert torch.equal(select(bare, view, BUDGET), select(given, view, BUDGET))


@pytest.mark.parametrize(
    ("prior", "expected"),
    [
        (None, [0.9, 0.05, 0.05]),
        ({"entropy": 0.5}, [0.25, 0.5, 0.25]),
        ({"margin": 0.2, "entropy": 0.3, "kmeans": 0.5}, [0.2, 0.3, 0.5]),
        ({"kmeans": 0.4, "bald": 0.9}, [0.3, 0.3, 0.4]),  # bald is no candidate here
        ({}, [1 / 3, 1 / 3, 1 / 3]),
    ],
)
def test_without_a_search_the_weights_are_the_prior(
    prior: dict[str, float] | None, expected: list[float]
) -> None:
    names = ["margin", "entropy", "kmeans"]
    for kind in SEARCHNETS:
        strategy = AutoAL(dict.fromkeys(names), prior=prior, steps=0, searchnet=kind)
        notes = notes_of(strategy, make_view())
        assert notes["weights"] == pytest.approx(dict(zip(names, expected, strict=True)), abs=1e-5)
        assert notes["spread"] == pytest.approx(dict.fromkeys(names, 0), abs=1e-6)
        assert "gradient" not in notes
        assert strategy.rounds == 0


def test_a_whole_prior_leaves_the_others_in_the_game() -> None:
    weights = notes_of(AutoAL(prior={"margin": 1.0}, steps=0), make_view())["weights"]
    assert weights["margin"] > 0.98
    assert min(weights.values()) > 0


def test_all_that_is_read_is_said() -> None:
    read = AutoAL(candidates={"loss_prediction": {}}).reads
    assert read is not None
    assert set(read) >= {"embeddings", "probs", "labelled", "validation", "stages"}
    assert "draws" in (AutoAL(candidates={"bald": {}}).reads or ())
    assert "draws" not in (AutoAL(candidates={"margin": {}}).reads or ())
    assert "inputs" not in (AutoAL(candidates={"margin": {}}, fitnet="head").reads or ())
    whole = AutoAL(candidates={"margin": {}}, fitnet="head", searchnet="images").reads
    assert "inputs" in (whole or ())


# What it finds.

ROADS: dict[str, dict[str, Any]] = {
    "implicit": {},
    "unroll": {"road": "unroll"},
    "paper": {"road": "paper"},
}


@pytest.mark.parametrize("relaxation", RELAXATIONS)
@pytest.mark.parametrize("road", ["implicit", "unroll"])
@pytest.mark.parametrize("searchnet", ["shared", "rows"])
def test_the_candidate_that_knows_gains(searchnet: str, road: str, relaxation: str) -> None:
    view, table = planted()
    count = 8 if searchnet == "shared" else 16
    options = {"searchnet": searchnet, "relaxation": relaxation, **ROADS[road]}
    strategy = knowing(table, rehearsals=count, **options)
    notes = notes_of(strategy, view)
    assert notes["weights"]["margin"] > 0.6
    assert notes["check_after"] < notes["check_before"]
    assert notes["gradient"] > 0


@pytest.mark.parametrize("validation", [0, 60])
@pytest.mark.parametrize("searchnet", ["shared", "rows"])
def test_noise_is_not_preferred_though_rehearsals_share_rows(
    searchnet: str, validation: int
) -> None:
    names = ["margin", "entropy", "bald", "random"]
    for seed in range(3):
        view = make_view(labelled=60, validation=validation, seed=seed)
        strategy = AutoAL(candidates=dict.fromkeys(names), prior={}, searchnet=searchnet)
        tables = [torch.rand(CLEAN + 120, generator=generator(seed, name)) for name in names]
        strategy.candidates = Candidates(dict(zip(names, map(Tabled, tables), strict=True)))
        assert max(notes_of(strategy, view)["weights"].values()) < 0.5


def test_a_lead_the_other_way_is_found_too() -> None:
    view, table = planted()
    strategy = knowing(1 - table)
    assert weight(strategy, view) < 0.4


def test_candidates_that_know_nothing_stay_near_the_prior() -> None:
    for seed in range(3):
        view, _ = planted(seed)
        strategy = knowing(torch.rand(CLEAN + 120, generator=generator(seed)))
        assert weight(strategy, view) == pytest.approx(0.5, abs=0.15)


def test_the_published_min_max_moves_towards_high_losses() -> None:
    view, table = planted(right=0.8)
    strategy = knowing(table, **ROADS["paper"])
    assert weight(strategy, view) < 0.45  # wrong labels have the higher loss


@pytest.mark.parametrize("road", ["unroll", "paper"])
def test_a_road_may_lead_through_the_whole_network(road: str) -> None:
    view, table = planted()
    view = with_network(view)
    strategy = knowing(table, steps=4, rehearsals=3, **ROADS[road])
    assert abs(weight(strategy, view) - 0.5) > 1e-3


@pytest.mark.usefixtures("shallow")
def test_images_are_weighed_by_a_network() -> None:
    view, table = planted(count=24)
    strategy = knowing(table, searchnet="images", steps=2, rehearsals=4)
    notes = notes_of(strategy, view)
    assert notes["gradient"] > 0
    assert abs(notes["weights"]["margin"] - 0.5) > 1e-3
    assert notes["spread"]["margin"] >= 0


def test_rows_may_be_weighed_apart() -> None:
    view, table = planted()
    assert notes_of(knowing(table, searchnet="rows"), view)["spread"]["margin"] > 1e-3
    shared = notes_of(knowing(table), view)
    assert shared["spread"]["margin"] == pytest.approx(0, abs=1e-6)


@pytest.mark.parametrize("compose", WAYS)
def test_the_weights_reach_the_batch(compose: str) -> None:
    view, table = planted()
    rows = view.pool.rows
    for share, least, most in ((0.99, 0.7, 1.0), (0.01, 0.0, 0.3)):
        strategy = knowing(table, compose=compose, steps=0, prior={"margin": share})
        picks, notes, *_ = query(strategy, view, BUDGET)
        assert set(picks.tolist()) <= set(rows.tolist())
        assert least <= float(table[picks].mean()) <= most
        shares = notes["share"]
        assert shares["margin"] == pytest.approx(share, abs=0.1)
        assert sum(shares.values()) == pytest.approx(1)


def test_what_is_found_reaches_the_batch() -> None:
    view, table = planted()
    against = {"margin": 0.2}
    prior = select(knowing(table, compose="topk", prior=against, steps=0), view, BUDGET)
    found = select(knowing(table, compose="topk", prior=against, steps=30), view, BUDGET)
    assert float(table[prior].mean()) == 0
    assert float(table[found].mean()) == 1


def test_the_prior_pulls() -> None:
    view, table = planted()
    reached = []
    for pull in (0.0, 1.0, 10.0):
        reached.append(weight(knowing(table, pull=pull), view))
    assert reached[0] > reached[1] > reached[2] > 0.5


def test_the_notes_say_what_was_done() -> None:
    view, table = planted()
    notes = json.loads(json.dumps(notes_of(knowing(table, steps=4), view), allow_nan=False))
    assert set(notes) == {
        "weights",
        "spread",
        "share",
        "overlap",
        "gradient",
        "check_before",
        "check_after",
    }
    for name in ("weights", "spread", "share", "overlap"):
        assert list(notes[name]) == ["margin", "random"]


def test_the_notes_belong_to_whoever_gets_them() -> None:
    view, table = planted()
    strategy = knowing(table, steps=2, rehearsals=2)
    strategy.fit(view)
    notes: Any = strategy.score(view, BUDGET).notes
    first = deepcopy(notes)
    notes.clear()
    assert strategy.score(view, BUDGET).notes == first
    assert set(first) > {"weights", "gradient"}


def test_the_overlap_is_with_what_each_would_have_picked() -> None:
    view = make_view(pool=60)
    table = torch.zeros(CLEAN)
    table[view.pool.rows] = torch.arange(60.0) / 60
    strategy = AutoAL(**TWO, compose="topk", steps=0)
    other = table.clone()
    other[view.pool.rows[56:]] = 0  # four of the best eight
    strategy.candidates = Candidates({"margin": Tabled(table), "random": Tabled(other)})
    picks, notes, *_ = query(strategy, view, 8)
    assert set(picks.tolist()) == set(view.pool.rows[48:56].tolist())
    assert notes["overlap"] == {"margin": 0.5, "random": 1.0}


# What it costs.


class Counted(Tabled):
    """Says which pools it was fitted to and scored."""

    def __init__(self, table: Tensor, calls: list[tuple[str, int]]) -> None:
        super().__init__(table)
        self.calls = calls

    def __deepcopy__(self, memo: Any) -> "Counted":
        return Counted(self.table, self.calls)

    def fit(self, view: View) -> None:
        self.calls.append(("fit", len(view.pool)))

    def score(self, view: View, budget: int) -> Tensor:
        self.calls.append(("score", len(view.pool)))
        return super().score(view, budget)


@pytest.mark.parametrize("steps", [1, 7])
@pytest.mark.parametrize("rehearsals", [2, 5])
def test_a_candidate_scores_once_a_rehearsal_and_once_the_pool(steps: int, rehearsals: int) -> None:
    view, table = planted()
    calls: list[tuple[str, int]] = []
    strategy = AutoAL(**TWO, steps=steps, rehearsals=rehearsals)
    strategy.candidates = Candidates({"margin": Counted(table, calls), "random": Tabled(1 - table)})
    select(strategy, view, BUDGET)
    for what in ("fit", "score"):
        sizes = [size for name, size in calls if name == what]
        assert sorted(sizes) == [30] * rehearsals + [60]


def looked_at(view: View, sample: int, budget: int = BUDGET) -> tuple[list[int], dict[str, Any]]:
    """How many rows its candidate is asked for, and the notes."""
    calls: list[tuple[str, int]] = []
    strategy = AutoAL(**TWO, steps=0, sample=sample)
    counted = Counted(torch.arange(CLEAN) / CLEAN, calls)
    strategy.candidates = Candidates({"margin": counted, "random": Tabled(torch.zeros(CLEAN))})
    picks, notes, *_ = query(strategy, view, budget)
    assert len(set(picks.tolist())) == budget
    return [size for name, size in calls if name == "score"], notes


@pytest.mark.parametrize(
    ("sample", "budget", "looked"),
    [(40, 3, 40), (20, 3, 30), (1, 6, 60), (60, 3, 60), (10_000, 3, 60), (1, 60, 60)],
)
def test_a_sample_of_a_larger_pool_is_looked_at(sample: int, budget: int, looked: int) -> None:
    """Ten rows at least for each of the batch."""
    sizes, notes = looked_at(make_view(pool=60), sample, budget)
    assert sizes == [looked]
    assert notes.get("sample", 60) == looked
    assert ("sample" in notes) == (looked < 60)


@pytest.mark.parametrize("compose", WAYS)
@pytest.mark.parametrize("searchnet", SEARCHNETS)
def test_rows_outside_the_sample_come_last(compose: str, searchnet: str) -> None:
    view = make_view(pool=60)
    strategy = AutoAL(**TWO, compose=compose, searchnet=searchnet, steps=0, sample=30)
    strategy.fit(view)
    scores = strategy.score(view, 3).scores
    assert (scores == scores.min()).sum() == 30
    assert torch.equal(scores, strategy.score(view, 3).scores)
    other = strategy.score(replace(view, seed=view.seed + 1), 3).scores
    assert not torch.equal(scores == scores.min(), other == other.min())


def test_the_model_predicts_for_no_row_outside_the_sample() -> None:
    view = make_view(pool=60)
    seen: list[int] = []

    class Watched(torch.nn.Linear):
        def forward(self, rows: Tensor) -> Tensor:
            seen.append(len(rows))
            return super().forward(rows)

    width = view.pool.embeddings.shape[1]
    watched = view.through(lambda features: features.under(Watched(width, 3), 0))
    select(AutoAL(steps=0, sample=30), watched, 3)
    assert set(seen) == {30, len(view.labelled)}


def test_the_backbone_sees_every_row_once_however_many_candidates() -> None:
    made = make((60, 20, 12), 3, stages=False, seed=0)
    looks: list[int] = []

    def watched(features: Features) -> Features:
        def look() -> Tensor:
            looks.append(len(features))
            return features.embeddings

        return Features(features.source, features.rows, look, Head(made.head))

    select(AutoAL(steps=2, rehearsals=2), made.view().through(watched), BUDGET)
    assert sorted(looks) == [12, 20, 60]


def test_the_seconds_of_the_search_are_counted_apart() -> None:
    """The phase ends where the pool is scored."""
    phases: list[str] = []
    calls: list[tuple[int, list[str]]] = []

    @contextmanager
    def phase(name: str) -> Iterator[None]:
        phases.append(name)
        yield
        phases.remove(name)

    class Noting(Constant):
        def __deepcopy__(self, memo: Any) -> "Noting":
            return self

        def score(self, view: View, budget: int) -> Tensor:
            calls.append((len(view.pool), list(phases)))
            return super().score(view, budget)

    strategy = AutoAL(steps=1, rehearsals=2, **TWO)
    strategy.candidates = Candidates({"margin": Noting()})
    strategy.prior = torch.ones(1)
    notes = query(strategy, with_network(make_view(labelled=20), phase=phase), BUDGET).notes
    assert calls == [(5, ["search"]), (5, ["search"]), (60, [])]
    assert "seconds" not in notes
    assert phases == []


# What it remembers.


@pytest.mark.parametrize("kind", ["shared", "rows"])
def test_it_goes_on_from_its_state(kind: str) -> None:
    first, table = planted()
    options = {"searchnet": kind, "compose": "topk", "steps": 4}
    lived = knowing(table, **options)
    select(lived, first, BUDGET)
    state = saved(lived.state_dict())
    second, _ = planted(seed=1)
    resumed, fresh = knowing(table, **options), knowing(table, **options)
    resumed.load_state_dict(state)
    picks = [select(strategy, second, BUDGET) for strategy in (lived, resumed, fresh)]
    assert torch.equal(picks[0], picks[1])
    weights = [notes_of(strategy, second)["weights"] for strategy in (lived, resumed, fresh)]
    assert weights[0] == weights[1]
    assert weights[0] != weights[2]
    assert lived.rounds == resumed.rounds == 2
    again, other = saved(lived.state_dict()), saved(resumed.state_dict())
    assert again["rounds"] == other["rounds"]
    for name, value in again["searchnet"].items():
        assert torch.equal(value, other["searchnet"][name])


def test_a_state_that_was_loaded_can_be_saved_before_it_is_used() -> None:
    view, table = planted()
    lived, passed = knowing(table, steps=4), knowing(table, steps=4)
    select(lived, view, BUDGET)
    passed.load_state_dict(saved(lived.state_dict()))
    state = saved(passed.state_dict())
    assert torch.equal(state["searchnet"]["logits"], lived.state_dict()["searchnet"]["logits"])
    assert saved(AutoAL().state_dict())["searchnet"] is None


def test_the_state_of_the_candidates_is_kept() -> None:
    class Counting(Constant):
        count = 0

        def fit(self, view: View) -> None:
            self.count += 1

        def state_dict(self) -> dict[str, Any]:
            return {"count": self.count}

        def load_state_dict(self, state: dict[str, Any]) -> None:
            self.count = state["count"]

    strategies = []
    for _ in range(2):
        strategy = AutoAL(candidates={"margin": {}}, steps=1, rehearsals=2)
        strategy.candidates = Candidates({"margin": Counting()})
        strategies.append(strategy)
    lived, resumed = strategies
    select(lived, make_view(labelled=20), BUDGET)
    assert lived.state_dict()["candidates"] == {"margin": {"count": 1}}  # none of the rehearsals'
    resumed.load_state_dict(saved(lived.state_dict()))
    assert resumed.state_dict()["candidates"] == {"margin": {"count": 1}}


def test_a_view_is_searched_once() -> None:
    view, table = planted()
    strategy = knowing(table, steps=4)
    strategy.fit(view)
    before = saved(strategy.state_dict())
    strategy.fit(view)
    strategy.score(view, BUDGET)
    after = saved(strategy.state_dict())
    assert after["rounds"] == before["rounds"] == 1
    assert torch.equal(after["searchnet"]["logits"], before["searchnet"]["logits"])


def test_scoring_learns_nothing() -> None:
    view, table = planted()
    other, _ = planted(seed=1)
    strategy = knowing(table, steps=4)
    strategy.fit(view)
    scored = strategy.score(view, BUDGET)
    strategy.score(other, BUDGET)
    assert strategy.rounds == 1
    again = strategy.score(view, BUDGET)
    assert torch.equal(again.scores, scored.scores)
    assert again.notes == scored.notes


def test_evidence_adds_up_over_rounds(monkeypatch: pytest.MonkeyPatch) -> None:
    pulls: list[float] = []

    def watched(*arguments: Any, pull: float, **options: Any) -> Search:
        pulls.append(pull)
        return Search(*arguments, pull=pull, **options)

    monkeypatch.setattr(autoal, "Search", watched)
    made, table = planted()
    strategy, reached = knowing(table, pull=2.0, steps=6), []
    for seed in range(4):
        reached.append(weight(strategy, replace(made, seed=seed)))
    assert pulls == pytest.approx([2.0 / count**0.5 for count in (1, 2, 3, 4)])
    assert reached[-1] > reached[0] > 0.5
    assert strategy.rounds == 4


# What makes no difference, and what is little to go by.


@pytest.mark.parametrize(("kind", "steps"), [("shared", 5), ("rows", 5), ("rows", 0)])
def test_the_global_seed_makes_no_difference(kind: str, steps: int) -> None:
    found = []
    for seed in range(2):
        torch.manual_seed(seed)
        view, table = planted()
        strategy = knowing(table, searchnet=kind, steps=steps)
        before = torch.get_rng_state()
        picks, notes, *_ = query(strategy, view, BUDGET)
        assert torch.equal(torch.get_rng_state(), before)
        found.append((picks.tolist(), notes["weights"]))
    assert found[0] == found[1]


def test_copies_search_alike() -> None:
    view, table = planted()
    strategy = knowing(table, steps=4)
    copy = deepcopy(strategy)
    first, second = (query(one, view, BUDGET) for one in (strategy, copy))
    assert torch.equal(first.rows, second.rows)
    assert first.notes["weights"] == second.notes["weights"]


@pytest.mark.parametrize("count", [0, 1, 2, 3])
@pytest.mark.parametrize("compose", WAYS)
def test_too_few_labels_are_no_search(count: int, compose: str) -> None:
    view = make_view(labelled=count)
    strategy = AutoAL(compose=compose)
    picks, notes, *_ = query(strategy, view, BUDGET)
    assert len(set(picks.tolist())) == BUDGET
    assert strategy.rounds == 0
    assert notes["weights"]["margin"] == pytest.approx(0.9)
    assert not {"gradient", "check_before", "check_after"} & set(notes)


@pytest.mark.parametrize(("count", "validation"), [(4, 0), (3, 6)])
def test_few_labels_are_a_search(count: int, validation: int) -> None:
    view = make_view(labelled=count, validation=validation)
    strategy = AutoAL(steps=2, rehearsals=2)
    picks, notes, *_ = query(strategy, view, BUDGET)
    assert len(set(picks.tolist())) == BUDGET
    assert strategy.rounds == 1
    assert "gradient" in notes


@pytest.mark.parametrize("fitted", [False, True])
def test_one_class_is_enough(fitted: bool) -> None:
    view = with_labels(make_view(labelled=12), lambda labels: torch.full_like(labels, 2))
    view = with_network(view) if fitted else view
    strategy = AutoAL(steps=2, rehearsals=2)
    assert len(set(select(strategy, view, BUDGET).tolist())) == BUDGET


def test_threads_are_given_back() -> None:
    before = torch.get_num_threads()
    try:
        torch.set_num_threads(2)
        with single_thread():
            assert torch.get_num_threads() == 1
        assert torch.get_num_threads() == 2
        with pytest.raises(RuntimeError, match="in the middle"), single_thread():
            raise RuntimeError("in the middle")
        assert torch.get_num_threads() == 2
    finally:
        torch.set_num_threads(before)
