"""Calibrates predictions, and estimates how far the labels they are compared with can be trusted.

A label is drawn at random from all classes with probability `drawn`, and otherwise by the cooled
logits' probabilities. So the loss of logits z against labels y is

    L = -sum_i log((1 - drawn) p_i(y_i) + drawn / classes), with p_i = softmax(z_i / temperature),

which is the log loss if no label is drawn. Held-out rows show both: a temperature flattens all
predictions, while drawn labels only bound the loss of those far off.
"""

from __future__ import annotations

from math import exp, inf, log
from typing import NamedTuple

import numpy as np
import torch
from scipy.optimize import minimize
from torch import Tensor

USUAL = 0.4  # prior standard deviation of the log temperature
HOTTEST = 10.0  # highest temperature, and its inverse the lowest
MOST = 0.9  # largest share of drawn labels: beyond, they tell nothing
GUESS = 0.1  # share of drawn labels at which a search begins
MOST_NATS = 500.0  # of a label, in slopes


class Belief(NamedTuple):
    """The temperature of logits, and the share of drawn labels."""

    temperature: float = 1.0
    drawn: float = 0.0  # share of the labels


class Judged(NamedTuple):
    """Labels compared with logits under a belief."""

    loss: float  # in nats, including the prior on the temperature
    slopes: Tensor  # of the loss in the logits, (n, classes)
    trust: Tensor  # the probability that each label is right, (n,)
    moves: tuple[float, float]  # of the loss in log temperature and in the share of drawn labels


def judged(logits: Tensor, labels: Tensor, belief: Belief) -> Judged:
    """Compare labels with logits under a belief.

    Args:
        logits: of held-out rows, (n, classes) double.
        labels: of these, (n,) long.
        belief: the belief to use.
    """
    (temperature, drawn), classes = belief, logits.shape[1]
    log_probs = (logits / temperature).log_softmax(1)
    log_own = log_probs.gather(1, labels[:, None])[:, 0]
    by_chance = log(drawn / classes) if drawn else -inf
    log_likelihoods = torch.logaddexp(log_own + log(1 - drawn), log_own.new_tensor(by_chance))
    meant = (log_own + log(1 - drawn) - log_likelihoods).exp()  # and not drawn
    residuals = log_probs.exp()
    residuals[torch.arange(len(labels)), labels] -= 1
    slopes = meant[:, None] * residuals / temperature
    warmth = log(temperature) / USUAL
    rarity = (-log_likelihoods).clamp(max=MOST_NATS).exp()
    own = log_own.exp()
    heating = warmth / USUAL - float((slopes * logits).sum())
    drawing = float((rarity * (own - 1 / classes)).sum())
    trust = meant + drawn / classes * rarity * own  # a drawn label may be right too
    return Judged(warmth**2 / 2 - float(log_likelihoods.sum()), slopes, trust, (heating, drawing))


def likeliest(
    logits: Tensor, labels: Tensor, start: Belief | None = None, *, doubting: bool = False
) -> Belief:
    """The belief of the least loss.

    Args:
        logits: of held-out rows, (n, classes) double.
        labels: of these, (n,) long.
        start: the likeliest belief nearby.
        doubting: whether labels may be drawn.
    """

    def function(place: np.ndarray) -> tuple[float, np.ndarray]:
        found = judged(logits, labels, Belief(exp(place[0]), float(place[1])))
        return found.loss, np.array(found.moves)

    temperature, drawn = start or Belief(1.0, GUESS)
    begin = [log(temperature), doubting * drawn]
    bounds = [(-log(HOTTEST), log(HOTTEST)), (0.0, doubting * MOST)]
    found = minimize(function, begin, jac=True, method="L-BFGS-B", bounds=bounds)
    return Belief(exp(found.x[0]), float(found.x[1]))
