from collections.abc import Callable
from dataclasses import replace

import torch
from autoal.strategies.random import Random
from torch import Tensor, nn

from autoal import Features, View, select
from autoal.seeding import generator

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


def test_random_is_the_same_in_whatever_order_the_pool_comes(view_of: MakeView) -> None:
    rows = torch.tensor([40, 3, 17, 8, 25, 31, 2, 11, 6, 90])
    order = torch.randperm(10, generator=generator(0))
    straight = Random().score(view_of(PROBS, rows=rows), 3)
    shuffled = Random().score(view_of(PROBS, rows=rows[order]), 3)
    assert torch.equal(shuffled, straight[order])
    assert len(set(straight.tolist())) == 10


def test_views_with_different_seeds_differ(view_of: MakeView) -> None:
    picks = {tuple(select(Random(), view_of(PROBS, seed=seed), 10).tolist()) for seed in range(50)}
    assert len(picks) == 50


def test_every_row_is_chosen_equally_often(view_of: MakeView) -> None:
    rows = torch.arange(10) * 3
    batches = [select(Random(), view_of(PROBS, rows=rows, seed=s), 3) for s in range(2000)]
    chosen = torch.stack(batches) // 3
    counts = chosen.flatten().bincount(minlength=10)
    assert int(counts.min()) > 500  # 600 expected, with a standard deviation of 20
    assert int(counts.max()) < 700
    first = chosen[:, 0].bincount(minlength=10)
    assert int(first.min()) > 133  # 200 expected, with a standard deviation of 13
    assert int(first.max()) < 267


def test_two_rows_are_chosen_together_as_often_as_any_other_two(view_of: MakeView) -> None:
    batches = [select(Random(), view_of(PROBS, seed=s), 2).sort().values for s in range(2000)]
    pairs = torch.stack(batches)
    counts = (pairs[:, 0] * 10 + pairs[:, 1]).bincount()
    assert int((counts > 0).sum()) == 45
    assert int(counts.max()) < 80  # 44 expected, with a standard deviation of 7


def test_random_reads_neither_images_nor_embeddings(view_of: MakeView) -> None:
    def untouchable(*asked: Tensor) -> Tensor:
        raise AssertionError("nobody should have asked")

    features = Features(torch.arange(10), untouchable, untouchable, nn.Identity())
    view = replace(view_of(PROBS), pool=features, labelled=features)
    assert torch.equal(Random().score(view, 3), Random().score(view_of(PROBS), 3))
