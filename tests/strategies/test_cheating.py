from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest
import torch
import yaml
from autoal.strategies.cheating import CANDIDATES, CheatingOracle
from torch import Tensor

from autoal import (
    Bench,
    Data,
    Experiment,
    ImageData,
    Plan,
    QueryStrategy,
    Round,
    Trained,
    TrueLabels,
    View,
    rounds,
)
from autoal.config import CONFIGS
from autoal.data.rows import Rows
from autoal.errors import UserError
from autoal.plugins import STRATEGIES
from autoal.query import registry
from autoal.query.batch import query
from autoal.query.composite import Candidates
from autoal.testing import make_view
from tests.fixtures import Bands
from tests.strategies.wanted import made_of

PLAN = Plan(start=6, budget=4, rounds=2)
Start = Callable[..., list[Round]]
Outcome = Callable[[Tensor, Tensor], float]


class Checked(Bands):
    """With validation rows."""

    def setup(self, stage: str | None = None) -> None:
        super().setup(stage)
        self.validation = Rows(self.train.inputs[:12], self.train.labels[:12])


@pytest.fixture
def start(make_learner: Callable[..., Trained]) -> Start:
    def run(
        data: ImageData, strategy: QueryStrategy | None = None, plan: Plan = PLAN, **options: Any
    ) -> list[Round]:
        data.setup()
        learner = make_learner(steps=20, learning_rate=0.05, optimizer="adamw", **options)
        experiment = Experiment(data, learner, strategy or CheatingOracle(tries=4), plan)
        return list(rounds(experiment, TrueLabels(data.train.labels)))

    return run


def with_outcome(view: View, outcome: Outcome) -> View:
    return replace(view, bench=Bench(pytest.fail, outcome=outcome))


def test_the_batch_of_the_lowest_loss_is_queried() -> None:
    view = make_view(pool=20)
    asked: list[Tensor] = []

    def outcome(rows: Tensor, judges: Tensor) -> float:
        asked.append(rows)
        assert len(rows.unique()) == 3
        assert set(rows.tolist()) <= set(view.pool.rows.tolist())
        assert len(judges) == 10
        assert not set(rows.tolist()) & set(judges.tolist())
        return [3.0, 1.0, 2.0][len(asked) - 1]

    strategy = CheatingOracle(tries=3)
    found = query(strategy, with_outcome(view, outcome), 3)
    assert torch.equal(found.rows, asked[1])
    assert (found.notes["best"], found.notes["mean"]) == (1.0, 2.0)


def test_a_batch_is_what_a_strategy_asks_for_out_of_some_of_the_pool() -> None:
    view = make_view(pool=40, validation=6)
    rows, asked = view.pool.rows.tolist(), []

    def outcome(batch: Tensor, judges: Tensor) -> float:
        asked.append(batch.tolist())
        return -float(batch.sum())

    strategy = CheatingOracle(tries=30, candidates={"margin": {}, "badge": {}})
    made_of(strategy, rows, rows[::-1])
    found = query(strategy, with_outcome(view, outcome), 2)
    assert found.rows.tolist() == max(asked, key=sum)
    assert found.notes["weights"] == {"margin": 0.0, "badge": 1.0}
    rising = [batch for batch in asked if batch[0] < batch[1]]
    assert 5 < len(rising) < 25
    assert rows[:2] in rising  # of so few rows that this is not always the batch
    assert len({tuple(batch) for batch in rising}) > 1


@pytest.mark.parametrize(("budget", "least"), [(2, 8), (10, 40), (15, 40)])
def test_a_query_is_about_four_batches_at_least(budget: int, least: int) -> None:
    sizes = []

    class Seen(QueryStrategy):
        def score(self, view: View, budget: int) -> Tensor:
            sizes.append(len(view.pool))
            return view.pool.rows.float()

    strategy = CheatingOracle(tries=60, candidates={"margin": {}})
    strategy.candidates = Candidates({"margin": Seen()})
    query(strategy, with_outcome(make_view(pool=40, validation=6), lambda *rows: 1.0), budget)
    assert min(sizes) == least
    assert max(sizes) > 35


def test_a_batch_may_be_larger_than_a_query_is_about(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("autoal.strategies.cheating.MOST", 5)
    view = with_outcome(make_view(pool=40, validation=6), lambda *rows: 1.0)
    strategy = CheatingOracle(tries=3, candidates={"margin": {}})
    assert len(query(strategy, view, 8).rows.unique()) == 8


def test_the_usual_candidates_are_those_of_the_settings() -> None:
    file = yaml.safe_load((CONFIGS / "strategy" / "cheating_oracle.yaml").read_text())
    assert file.pop("name") == "cheating_oracle"
    assert file.pop("candidates") == CANDIDATES
    strategy = CheatingOracle()
    assert file == {"tries": strategy.tries, "limit": strategy.limit}
    assert strategy.reads == CheatingOracle.reads


def test_candidates_are_refused_where_they_cannot_serve(start: Start) -> None:
    with pytest.raises(UserError, match="candidate 'salutary'"):
        start(Bands(), CheatingOracle(candidates={"salutary": {}}))


def test_with_validation_rows_the_whole_pool_may_be_queried() -> None:
    asked: list[Tensor] = []

    def outcome(rows: Tensor, judges: Tensor) -> float:
        asked.append(rows)
        assert len(judges) == 0
        return 1.0

    view = with_outcome(make_view(pool=20, validation=6), outcome)
    assert len(query(CheatingOracle(tries=20), view, 3).rows) == 3
    assert len(torch.cat(asked).unique()) > 10


def test_the_whole_pool_needs_no_judge() -> None:
    view = with_outcome(make_view(pool=5), lambda rows, judges: 1 / 0)
    found = query(CheatingOracle(), view, 5)
    assert found.rows.sort().values.tolist() == view.pool.rows.sort().values.tolist()
    assert found.notes == {}


@pytest.mark.parametrize("options", [{}, {"warm_start": True}])
def test_the_outcome_is_that_of_the_round_which_follows(
    start: Start, options: dict[str, Any]
) -> None:
    for done in start(Checked(), **options)[1:]:
        assert done.notes["best"] == done.metrics["val_nll"]
        assert done.notes["best"] <= done.notes["mean"]


def test_one_try_queries_what_many_would_have_tried_first(start: Start) -> None:
    one = start(Bands(), CheatingOracle(tries=1))
    many = start(Bands(), CheatingOracle(tries=4))
    assert one[0].queried == many[0].queried
    assert many[1].notes["best"] <= one[1].notes["best"]
    assert many[1].notes["best"] < many[1].notes["mean"]
    assert [len(set(done.queried)) for done in many] == [6, 4, 4]


def test_data_of_which_not_all_labels_are_known_is_refused(
    data: Data, make_learner: Callable[..., Trained]
) -> None:
    data.train = data.train.with_labels(torch.tensor([7]), torch.tensor([-1]))
    with pytest.raises(UserError, match="data of which all labels are known"):
        Experiment(data, make_learner(steps=1), CheatingOracle(), PLAN)


def test_a_large_pool_is_refused_before_anything_is_trained(start: Start) -> None:
    with pytest.raises(UserError, match=r"has 60 rows, strategy\.limit=59"):
        start(Bands(), CheatingOracle(limit=59))
    start(Bands(), CheatingOracle(tries=1, limit=60), Plan(start=6, budget=4, rounds=0))


def test_no_tries_are_refused() -> None:
    with pytest.raises(ValueError, match=r"`tries` must be at least 1 and at most .*, got 0"):
        CheatingOracle(tries=0)


def test_it_is_no_candidate() -> None:
    with pytest.raises(UserError, match="it sees the labels of the pool, and so runs alone"):
        Candidates.installed({"cheating_oracle": None})


def test_a_view_that_tells_no_outcome_is_refused() -> None:
    message = "it runs alone and only where all of them are known"
    for view in (make_view(), replace(make_view(), bench=Bench(pytest.fail))):
        with pytest.raises(UserError, match=message):
            CheatingOracle().score(view, 3)


def test_who_reads_outcomes_is_named_for_it() -> None:
    for name in STRATEGIES.installed():
        reads = registry.load(name).reads or ()
        assert ("outcomes" in reads) == name.startswith("cheating_")
