from collections.abc import Callable
from typing import Any

import pytest
import torch
from autoal.strategies.cheating import CheatingOracle
from torch import Tensor

from autoal import ImageData, Plan, Round, Task, Training, TrueLabels, registry, rounds
from autoal.cheating import Cheating
from autoal.data.rows import Images
from autoal.errors import UserError
from autoal.testing import make_view
from tests.conftest import Bands

PLAN = Plan(start=6, budget=4, rounds=2)
Start = Callable[..., list[Round]]


class Checked(Bands):
    """With validation rows."""

    def setup(self, stage: str | None = None) -> None:
        super().setup(stage)
        self.validation = Images(self.train.images[:12], self.train.labels[:12])


@pytest.fixture
def start(make_task: Callable[..., Task], cpu: Training) -> Start:
    def run(
        data: ImageData, strategy: Any = None, plan: Plan = PLAN, **options: Any
    ) -> list[Round]:
        data.setup()
        task = make_task(steps=20, learning_rate=0.05, optimizer="adamw", **options)
        oracle = TrueLabels(data.train.labels)
        return list(
            rounds(data, task, strategy or CheatingOracle(tries=4), oracle, plan, training=cpu)
        )

    return run


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
    assert torch.equal(strategy.cheat(view, 3, outcome), asked[1])
    assert strategy.notes(view) == {"best": 1.0, "random": 2.0}
    assert strategy.notes(make_view()) == {}


def test_the_whole_pool_needs_no_judge() -> None:
    view = make_view(pool=5)
    rows = CheatingOracle().cheat(view, 5, lambda rows, judges: 1 / 0)
    assert rows.sort().values.tolist() == view.pool.rows.sort().values.tolist()


@pytest.mark.parametrize("options", [{}, {"warm_start": True}])
def test_the_outcome_is_that_of_the_round_which_follows(
    start: Start, options: dict[str, Any]
) -> None:
    for done in start(Checked(), **options)[1:]:
        assert done.notes["best"] == done.metrics["val_nll"]
        assert done.notes["best"] <= done.notes["random"]


def test_one_try_queries_what_many_would_have_tried_first(start: Start) -> None:
    one = start(Bands(), CheatingOracle(tries=1))
    many = start(Bands(), CheatingOracle(tries=4))
    assert one[0].queried == many[0].queried
    assert many[1].notes["best"] < one[1].notes["best"]
    assert [len(set(done.queried)) for done in many] == [6, 4, 4]


def test_an_oracle_that_does_not_know_all_is_refused(
    data: ImageData, make_task: Callable[..., Task], cpu: Training
) -> None:
    def person(rows: Tensor) -> Tensor:
        return torch.zeros(len(rows), dtype=torch.long)

    running = rounds(data, make_task(steps=1), CheatingOracle(), person, PLAN, training=cpu)
    with pytest.raises(UserError, match="data of which all labels are known"):
        list(running)


def test_a_large_pool_is_refused_before_anything_is_trained(start: Start) -> None:
    with pytest.raises(UserError, match=r"has 60 rows, strategy\.limit=59"):
        start(Bands(), CheatingOracle(limit=59))
    start(Bands(), CheatingOracle(tries=1, limit=60), Plan(start=6, budget=4, rounds=0))


def test_no_tries_are_refused() -> None:
    with pytest.raises(ValueError, match="`tries` must be at least 1, got 0"):
        CheatingOracle(tries=0)


def test_it_is_no_candidate() -> None:
    with pytest.raises(UserError, match="it cannot be a candidate"):
        CheatingOracle().score(make_view(), 3)


def test_who_cheats_is_named_for_it() -> None:
    for name in registry.installed():
        assert issubclass(registry.load(name), Cheating) == name.startswith("cheating_")
