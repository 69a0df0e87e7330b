"""Consensus and weights, by hand and against what crowd-kit and cleanlab compute."""

import json
from collections.abc import Callable
from math import sqrt
from pathlib import Path

import pytest
import torch
from torch import Tensor

from autoal.maths.agreement import kappas, upper_bound, wilson
from autoal.maths.consensus import Consensus, dawid_skene, decided, majority, one_coin
from autoal.maths.crowdlab import labelled_scores, trust, unlabelled_scores, weighed

CASE = json.loads(Path(__file__).with_name("consensus.json").read_text())
VOTES = torch.tensor(CASE["votes"])
PROBS = torch.tensor(CASE["probs"]).double()


def figures(name: str) -> Tensor:
    return torch.tensor(CASE[name]).double()


def planted(right: list[float], rows: int, seed: int, classes: int = 4) -> tuple[Tensor, Tensor]:
    """True classes, and what people who are right so often say of them; each says of most."""
    stream = torch.Generator().manual_seed(seed)
    truth = torch.randint(classes, (rows,), generator=stream)
    steps = torch.randint(1, classes, (rows, len(right)), generator=stream)
    wrong = torch.rand(rows, len(right), generator=stream) >= torch.tensor(right)
    votes = (truth[:, None] + steps * wrong) % classes
    return truth, votes.masked_fill(torch.rand(votes.shape, generator=stream) < 0.3, -1)


def test_a_majority_is_the_shares_of_the_votes() -> None:
    votes = torch.tensor([[0, 0, 1], [2, -1, -1], [-1, -1, -1]])
    found = majority(votes, 3)
    third = 1 / 3
    assert found.probs.tolist() == [[2 / 3, 1 / 3, 0], [0, 0, 1], [third, third, third]]
    assert found.right.tolist() == pytest.approx([5 / 6, 2 / 3, 1 / 3])


def test_what_crowd_kit_computes() -> None:
    assert torch.allclose(majority(VOTES, 3).probs, figures("majority"), atol=2e-6)
    assert torch.allclose(dawid_skene(VOTES, 3).probs, figures("dawid_skene"), atol=2e-6)
    # Theirs learns how frequent classes are; given what it found, it is the same.
    prior = figures("one_coin_prior").expand(len(VOTES), 3)
    found = one_coin(VOTES, 3, prior, credit=(0, 0))
    assert torch.allclose(found.probs, figures("one_coin"), atol=2e-6)
    assert torch.allclose(found.right, figures("one_coin_right"), atol=2e-6)


def test_what_cleanlab_computes() -> None:
    labels = torch.tensor(CASE["labels"])
    weights = trust(VOTES, labels, PROBS)
    assert weights.people.tolist() == pytest.approx(CASE["people"], abs=1e-5)
    assert weights.model == pytest.approx(CASE["model"], abs=1e-5)
    quality = weighed(VOTES, PROBS, weights).gather(1, labels[:, None])[:, 0]
    assert torch.allclose(quality, figures("quality"), atol=1e-5)
    best = torch.tensor(CASE["best"])
    weights = trust(VOTES, best, PROBS)
    assert weights.model == pytest.approx(CASE["best_model"], abs=1e-5)
    scores = labelled_scores(VOTES, best, PROBS, weights)
    assert torch.allclose(scores, figures("labelled_scores"), atol=1e-5)
    scores = unlabelled_scores(torch.tensor(CASE["pool"]), weights)
    assert torch.allclose(scores, figures("unlabelled_scores"), atol=1e-5)


def test_scores_of_rows_that_nobody_labelled_twice_by_hand() -> None:
    votes, probs = torch.tensor([[0, -1], [-1, 1]]), torch.tensor([[0.9, 0.1], [0.6, 0.4]])
    weights = trust(votes, torch.tensor([0, 1]), probs)
    # All weigh 1: (2 q + 1/2) / 3, and (max p + 1/2) / 2.
    scores = labelled_scores(votes, torch.tensor([0, 1]), probs, weights)
    assert scores.tolist() == pytest.approx([2.3 / 3, 1.3 / 3])
    assert unlabelled_scores(probs, weights).tolist() == pytest.approx([0.7, 0.55])


@pytest.mark.parametrize("prior", [[1 / 3, 1 / 3, 1 / 3], [0.2, 0.7, 0.1]])
def test_one_coin_by_hand(prior: list[float]) -> None:
    # One row of which the first says class 0, the second class 1. Each is right as often as the
    # class that they gave is likely, with 1.4 right answers of 2 beforehand.
    votes = torch.tensor([[0, 1]])
    found = one_coin(votes, 3, torch.tensor([prior]))
    probs = found.probs[0].tolist()
    right = [(probs[0] + 1.4) / 3, (probs[1] + 1.4) / 3]
    assert found.right.tolist() == pytest.approx(right)
    likely = [
        prior[0] * right[0] * (1 - right[1]) / 2,
        prior[1] * right[1] * (1 - right[0]) / 2,
        prior[2] * (1 - right[0]) / 2 * (1 - right[1]) / 2,
    ]
    assert probs == pytest.approx([value / sum(likely) for value in likely], abs=1e-5)
    assert decided(found.probs, votes).tolist() == [int(prior[1] > prior[0])]


@pytest.mark.parametrize("build", [dawid_skene, one_coin])
def test_planted_reliabilities_are_found(build: Callable[..., Consensus]) -> None:
    right = [0.95, 0.85, 0.7, 0.5, 0.4]
    truth, votes = planted(right, 2000, seed=1)
    found = build(votes, 4)
    # 1,400 answers each: a deviation of .013 at most, and that of what is taken for the truth.
    assert found.right.tolist() == pytest.approx(right, abs=0.05)
    better = (decided(found.probs, votes) == truth).double().mean()
    assert better > (decided(majority(votes, 4).probs, votes) == truth).double().mean()


def test_a_model_beforehand_makes_the_consensus_better() -> None:
    truth, votes = planted([0.7, 0.7, 0.6], 300, seed=2)
    stream = torch.Generator().manual_seed(3)
    logits = 2 * torch.nn.functional.one_hot(truth, 4) + torch.randn(300, 4, generator=stream)
    shares = [
        float((decided(one_coin(votes, 4, prior).probs, votes) == truth).double().mean())
        for prior in (None, logits.softmax(1))
    ]
    assert shares[1] > shares[0] + 0.05


def test_the_first_of_several_likeliest_classes_is_that_of_whoever_stands_first() -> None:
    probs = torch.tensor([[0.4, 0.4, 0.2], [0.4, 0.4, 0.2], [0.1, 0.2, 0.7], [0.5, 0.5, 0.0]])
    votes = torch.tensor([[2, 1, 0], [0, 1, 2], [0, 1, -1], [-1, -1, -1]])
    assert decided(probs, votes).tolist() == [1, 0, 2, 0]


def test_kappa_of_every_two_people() -> None:
    said = {"a": {1: 0, 2: 0, 3: 1, 4: 1}, "b": {1: 0, 2: 1, 3: 1, 4: 1, 5: 2}, "c": {3: 0}}
    found = kappas(said)
    # The first two agree on 3 of 4; by chance on 1/2 x 1/4 + 1/2 x 3/4 = 1/2.
    assert found == {("a", "b"): (0.5, 4), ("a", "c"): (0.0, 1), ("b", "c"): (0.0, 1)}
    assert kappas({"a": {1: 0}, "b": {2: 0}}) == {}


def test_an_upper_bound_takes_tabulated_quantiles() -> None:
    # t of 4 degrees of freedom is 2.776445 at 97.5 %; three of five: a deviation of sqrt(.3).
    bound = upper_bound([1.0, 1, 1, 0, 0])
    assert bound == pytest.approx(0.6 + 2.776445 * sqrt(0.3) / sqrt(5), abs=1e-5)
    # Of 1 degree it is 12.7062.
    assert upper_bound([1.0, 0.0]) == pytest.approx(0.5 + 12.7062 * 0.5, abs=1e-4)
    assert upper_bound([1.0]) == upper_bound([]) == float("inf")
    assert wilson(0.9, 50) == pytest.approx((0.786, 0.957), abs=5e-4)
