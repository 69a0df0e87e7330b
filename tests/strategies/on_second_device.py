"""Strategies whose view lies on a device choose what they choose on the CPU."""

from copy import deepcopy
from dataclasses import replace

import pytest
import torch
from torch import Tensor

from autoal import QueryStrategy, View
from autoal.plugins import STRATEGIES
from autoal.query import registry
from autoal.query.batch import select
from autoal.testing.made import Made, make
from tests.language.saying import Saying
from tests.second_device import second_device
from tests.testing.test_strategy import QUICK

BUDGET = 8
# Which solve systems, or ask a strategy that does: in float64, wherever the features lie.
SOLVING = ("autoal", "bait", "ibds", "isal", "refine", "salutary")


def built(name: str) -> QueryStrategy:
    return registry.build(name, "strategy", Saying("Answer: 3, 1, 99"), **QUICK.get(name, {}))


def made_for(strategy: QueryStrategy) -> Made:
    reads = strategy.reads or ()
    sizes = 40, 12, 9 if "validation" in reads else 0
    made = make(sizes, 3, stages="stages" in reads, seed=0)
    return replace(made, tries=frozenset({"fitted", "outcomes"}) & set(reads))


def picked(strategy: QueryStrategy, made: Made) -> Tensor:
    return select(deepcopy(strategy), made.view(), BUDGET)


@pytest.mark.parametrize("name", STRATEGIES.installed())
def test_a_strategy_chooses_the_same_on_a_second_device(name: str) -> None:
    strategy = built(name)
    made = made_for(strategy)
    with second_device(float64=name in SOLVING) as device:
        there = picked(strategy, replace(made, activations=made.activations.to(device)))
    assert torch.equal(there, picked(strategy, made))


class Mixing(QueryStrategy):
    reads = ("embeddings",)

    def score(self, view: View, budget: int) -> Tensor:
        return view.pool.embeddings @ torch.ones(view.pool.embeddings.shape[1])


class Drawing(QueryStrategy):
    reads = ("embeddings",)

    def score(self, view: View, budget: int) -> Tensor:
        device = view.pool.embeddings.device
        return torch.rand(len(view.pool), generator=view.generator(), device=device)


class Placing(QueryStrategy):
    """Asks a tensor of the CPU for places on the device, as no device lets one."""

    reads = ("embeddings",)

    def score(self, view: View, budget: int) -> Tensor:
        return torch.arange(float(len(view.pool)))[view.pool.embeddings[:, 0].argsort()]


class Precise(QueryStrategy):
    reads = ("embeddings",)

    def score(self, view: View, budget: int) -> Tensor:
        return view.pool.embeddings.double().sum(1)


@pytest.mark.parametrize(
    ("strategy", "told"),
    [
        (Mixing(), "on the second device and on the CPU"),
        (Drawing(), "a stream of the CPU"),
        (Placing(), "on the second device and on the CPU"),
        (Precise(), "has no float64"),
    ],
    ids=lambda given: type(given).__name__,
)
def test_what_a_real_device_refuses_is_refused(strategy: QueryStrategy, told: str) -> None:
    made = made_for(strategy)
    with second_device(float64=False) as device:
        there = replace(made, activations=made.activations.to(device)).view()
        with pytest.raises((RuntimeError, TypeError), match=told):
            strategy.score(there, BUDGET)
    strategy.score(made.view(), BUDGET)  # on the CPU, nothing is wrong with it
