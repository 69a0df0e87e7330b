from collections.abc import Callable
from dataclasses import replace
from typing import Any

import torch
from autoal.strategies.random import Random
from torch import Tensor

from autoal import Features, Known, View, select
from autoal.model.predictions import Given

MakeView = Callable[..., View]

PROBS = torch.full((10, 2), 0.5)


def test_random_is_the_same_whatever_the_global_seed(view_of: MakeView) -> None:
    torch.manual_seed(1)
    first = Random().score(view_of(PROBS), 3)
    after = torch.rand(2)
    torch.manual_seed(2)
    assert torch.equal(Random().score(view_of(PROBS), 3), first)
    torch.manual_seed(1)
    assert torch.equal(torch.rand(2), after)


def test_random_tells_all_rows_apart(view_of: MakeView) -> None:
    assert len(set(Random().score(view_of(PROBS), 3).tolist())) == 10


def test_views_with_different_seeds_differ(view_of: MakeView) -> None:
    picks = {tuple(select(Random(), view_of(PROBS, seed=seed), 10).tolist()) for seed in range(50)}
    assert len(picks) == 50


def test_every_row_is_chosen_equally_often() -> None:
    labels = torch.zeros(28).index_fill(0, torch.arange(10) * 3, -1)  # every third is of the pool
    view = View.of(labels=labels)
    batches = [select(Random(), replace(view, seed=seed), 3) for seed in range(2000)]
    chosen = torch.stack(batches) // 3
    assert torch.equal(3 * chosen, torch.stack(batches))
    counts = chosen.flatten().bincount(minlength=10)
    assert int(counts.min()) > 500  # 600 expected, with a standard deviation of 20
    assert int(counts.max()) < 700
    first = chosen[:, 0].bincount(minlength=10)
    assert int(first.min()) > 133  # 200 expected, with a standard deviation of 13
    assert int(first.max()) < 267


def test_two_rows_are_chosen_together_as_often_as_any_other_two(view_of: MakeView) -> None:
    view = view_of(PROBS)
    batches = [select(Random(), replace(view, seed=seed), 2) for seed in range(2000)]
    pairs = torch.stack(batches).sort().values
    counts = (pairs[:, 0] * 10 + pairs[:, 1]).bincount()
    assert int((counts > 0).sum()) == 45
    assert int(counts.max()) < 80  # 44 expected, with a standard deviation of 7


def test_random_reads_neither_inputs_nor_embeddings_nor_predictions(view_of: MakeView) -> None:
    def untouchable() -> Tensor:
        raise AssertionError("nobody should have asked")

    source: Any = None  # has no inputs to give
    features = Features(source, torch.arange(10), untouchable, Given(untouchable, untouchable))
    known = Known(features, torch.zeros(10, dtype=torch.long))
    view = replace(view_of(PROBS), pool=features, labelled=known)
    assert torch.equal(Random().score(view, 3), Random().score(view_of(PROBS), 3))
