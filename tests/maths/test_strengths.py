"""Strengths by who won, against what they must be by hand and by another optimiser."""

from math import exp

import numpy as np
import pytest
import torch
from scipy.optimize import minimize

from autoal.maths.strengths import strengths


def places(*numbers: int) -> torch.Tensor:
    return torch.tensor(numbers, dtype=torch.long)


def test_who_wins_moves_as_far_from_the_prior_as_the_loser_does() -> None:
    """Of two equals the winner's strength a solves a = s(-2a)."""
    won, lost = strengths(torch.zeros(2), places(0), places(1)).tolist()
    assert won == pytest.approx(1 / (1 + exp(2 * won)))
    assert lost == pytest.approx(-won)


def test_what_nobody_compared_stays_where_it_was() -> None:
    prior = torch.tensor([1.0, -2.0, 0.5])
    assert strengths(prior, places(), places()).tolist() == prior.tolist()
    assert strengths(prior, places(0), places(1))[2] == 0.5


def test_a_surprise_moves_more_than_what_was_expected() -> None:
    prior = torch.tensor([1.0, -1.0])
    moved = strengths(prior, places(0), places(1))[0] - 1
    turned = 1 - strengths(prior, places(1), places(0))[0]
    assert 0 < moved < turned


def test_they_are_the_likeliest_by_another_optimiser() -> None:
    draw = np.random.default_rng(3)
    prior, games = draw.normal(size=12), draw.integers(0, 12, size=(60, 2))
    games = games[games[:, 0] != games[:, 1]]

    def surprise(values: np.ndarray) -> float:
        lead = values[games[:, 0]] - values[games[:, 1]]
        return float(np.logaddexp(0, -lead).sum() + ((values - prior) ** 2).sum() / 2)

    found = strengths(torch.from_numpy(prior), *torch.from_numpy(games).unbind(1))
    wanted = minimize(surprise, prior, method="BFGS", options={"gtol": 1e-8}).x
    np.testing.assert_allclose(found, wanted, atol=1e-5)
