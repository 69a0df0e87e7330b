"""AutoAL where the learner is a transformer that is fine-tuned."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import torch
from torch import nn

from autoal import Experiment, Plan, Rows, Trained, Training, TrueLabels, rounds
from autoal.data.contract import Data, Loaded
from autoal.errors import UserError
from autoal.model.bert import Bert
from autoal.search.autoal import AutoAL
from autoal.search.hypergradient import Unroll
from autoal.search.rehearsal import Rehearsal
from autoal.seeding import generator, seeded


class Tokens(Data):
    """Short rows of the tokens that a tiny model knows."""

    classes = ("first", "second")

    def load(self) -> Loaded:
        ids = torch.randint(6, 21, (40, 5), generator=generator(0, "ids")).int()
        rows = Rows(ids, (ids[:, 0] > 12).long())
        return Loaded(rows.take(torch.arange(30)), rows.take(torch.arange(30, 40)))

    def preprocess(self) -> nn.Module:
        return nn.Identity()


@pytest.fixture
def go(bert: Path, cpu: Training) -> Callable[..., list[Any]]:
    def gone(**options: Any) -> list[Any]:
        data = Tokens()
        data.setup()
        with seeded(0, "task"):
            task = Bert((5,), 2, nn.Identity(), model=str(bert), steps=2)
        known = {"candidates": {"margin": {}, "kmeans": {}}, "prior": {}, "steps": 2, **options}
        experiment = Experiment(data, Trained(task, cpu), AutoAL(**known), Plan(12, 4, 1))
        return list(rounds(experiment, TrueLabels(data.train.labels)))

    return gone


@pytest.mark.parametrize(
    "options",
    [
        {},
        {"searchnet": "rows"},
        {"road": "unroll", "unroll": {"steps": 2}},
        {"road": "paper"},
        {"road": "paper", "paper": {"loss_prediction": True}},
    ],
)
def test_a_search_goes_through_the_fine_tuning(
    go: Callable[..., list[Any]], options: dict[str, Any]
) -> None:
    history = go(**options)
    assert len(history[-1].queried) == 4
    assert set(history[-1].notes["weights"]) == {"margin", "kmeans"}


def test_a_search_that_reads_pictures_is_refused(go: Callable[..., list[Any]]) -> None:
    with pytest.raises(UserError, match="searchnet=images reads pictures, and these rows are none"):
        go(searchnet="images")


def test_the_unrolled_steps_have_the_gradient_that_differences_show(bert: Path) -> None:
    with seeded(0, "task"):
        task = Bert((5,), 2, nn.Identity(), model=str(bert), dropout=0.0)
    rows = Tokens().load().train.inputs
    labels = (rows[:, 0] > 12).long()
    rehearsal = Rehearsal(
        inputs=torch.empty(4, 0),
        votes=torch.zeros(4, 2),
        budget=1,
        taught=rows[:4],
        taught_labels=labels[:4],
        played=rows[4:8],
        played_labels=labels[4:8],
        check=rows[8:],
        check_labels=labels[8:],
        classes=2,
        fitnet=Trained(task).module().eval().double(),
    )
    road, shares = Unroll(steps=2), torch.full((4,), 0.5, dtype=torch.double)
    _, gradient = road(shares, rehearsal)
    for place in range(2):
        step = 1e-5 * torch.eye(4, dtype=torch.double)[place]
        higher, lower = (road(shares + sign * step, rehearsal)[0] for sign in (1, -1))
        assert float(gradient[place]) == pytest.approx((higher - lower) / 2e-5, rel=1e-2, abs=1e-7)
