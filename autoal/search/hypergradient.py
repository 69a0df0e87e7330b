"""Roads from the loss on the checked rows back to how much each played row was chosen.

A road takes the shares in which the rows are chosen and a rehearsal, and returns the loss and its
gradient with respect to the shares. From there, the chain rule is SearchNet's own.
"""

import warnings
from abc import ABC, abstractmethod
from collections.abc import Sequence
from typing import Any
from weakref import WeakKeyDictionary

import torch
from torch import Tensor
from torch.nn.functional import cross_entropy

from autoal.bounds import number, whole
from autoal.maths.regression import Regression, mean_gradient, residual, with_intercept
from autoal.search.rehearsal import Rehearsal

OPTIMUM = 1e-8  # norm of the gradient there
MOMENTUM = 0.9  # of the steps that are unrolled
SLOPE = 1e-6  # relative residual: finer than differences through full training can tell


class Road(ABC):
    """From shares (played,) in [0, 1] to the loss on the checked rows and its gradient."""

    def prepare(self, rehearsals: Sequence[Rehearsal]) -> None:
        """Called once, before the search."""

    @abstractmethod
    def __call__(self, shares: Tensor, rehearsal: Rehearsal) -> tuple[float, Tensor]:
        """The loss, and its gradient with respect to the shares, (played,)."""


class Implicit(Road):
    """FitNet's head, solved to its optimum and differentiated by the implicit function theorem.

    Exact, at the cost of one linear solve; FitNet's inputs are its own fixed features.

    Args:
        ridge: of the head's penalty.
    """

    def __init__(self, ridge: float = 1e-3) -> None:
        number("ridge", ridge, above=0)
        self.ridge = ridge
        self._reduced: WeakKeyDictionary[Rehearsal, tuple[Tensor, Tensor]] = WeakKeyDictionary()
        # Where the next solutions start, since a step of SearchNet moves them little.
        self._optima: WeakKeyDictionary[Rehearsal, Tensor] = WeakKeyDictionary()
        self._slopes: WeakKeyDictionary[Rehearsal, Tensor] = WeakKeyDictionary()

    def __call__(self, shares: Tensor, rehearsal: Rehearsal) -> tuple[float, Tensor]:
        if rehearsal not in self._reduced:
            self._reduced[rehearsal] = _within_reach(rehearsal)
        features, check = self._reduced[rehearsal]
        labels = rehearsal.training[1]
        weights, total = training_weights(shares.double(), len(rehearsal.taught))
        head = Regression(features, labels, rehearsal.classes, weights, self.ridge)
        theta = self._optima[rehearsal] = head.minimise(self._optima.get(rehearsal), OPTIMUM)
        loss = float(cross_entropy(check @ theta.T, rehearsal.check_labels))
        right, start = (
            mean_gradient(check, rehearsal.check_labels, theta),
            self._slopes.get(rehearsal),
        )
        slope = self._slopes[rehearsal] = head.solve(theta, right, SLOPE, start)
        # d loss / d weight_i = -<gradient of row i's loss, H^-1 g>; the weights sum to 1, so what
        # one row gains, all lose.
        influence = -(residual(features, labels, theta) * (features @ slope.T)).sum(1)
        gradient = (influence - weights @ influence) / total
        return loss, gradient[len(rehearsal.taught) :].to(shares.dtype)


def _within_reach(rehearsal: Rehearsal) -> tuple[Tensor, Tensor]:
    """FitNet's features of the rows trained on and checked, in as few dimensions as there are rows.

    The optimum is a combination of the rows trained on, so that what is orthogonal to all of them
    counts neither for the loss nor for its gradient.
    """
    features, check = with_intercept(rehearsal.training[0]), with_intercept(rehearsal.check)
    if len(features) >= features.shape[1]:
        return features, check
    basis, _ = torch.linalg.qr(features.T)  # (d, n)
    return features @ basis, check @ basis


class Unroll(Road):
    """Some training steps of the whole FitNet, differentiated through by `higher`.

    A truncated estimate: with few steps, the gradient shows where training goes, not where it ends.
    The steps are those of SGD, which `higher` gets right; FitNet itself is not changed.

    Args:
        steps: of FitNet's training.
        learning_rate: of them.
    """

    def __init__(self, steps: int = 3, learning_rate: float = 0.1) -> None:
        whole("unroll.steps", steps, least=1, most=1_000)
        number("unroll.learning_rate", learning_rate, above=0)
        self.steps = steps
        self.learning_rate = learning_rate

    def __call__(self, shares: Tensor, rehearsal: Rehearsal) -> tuple[float, Tensor]:
        weights = rehearsal.fitnet.parameters()
        optimizer = torch.optim.SGD(weights, lr=self.learning_rate, momentum=MOMENTUM)
        loss, gradient = unrolled(optimizer, self.steps, shares, rehearsal)
        return float(loss), gradient


def unrolled(
    optimizer: torch.optim.Optimizer, steps: int, shares: Tensor, rehearsal: Rehearsal
) -> tuple[Tensor, Tensor]:
    """The loss on the checked rows after some steps, and its gradient for the shares."""
    demand_optimizer(optimizer)
    higher = _higher()
    shares = shares.detach().requires_grad_()
    inputs, labels = rehearsal.training
    patched = higher.innerloop_ctx(rehearsal.fitnet, optimizer)
    with torch.enable_grad(), patched as (network, steady):
        weights, _ = training_weights(shares, len(rehearsal.taught))
        for _ in range(steps):
            # Only the call: `higher` keeps stale weights where a method of the network is called.
            steady.step(weights @ cross_entropy(network(inputs), labels, reduction="none"))
        loss = cross_entropy(network(rehearsal.check), rehearsal.check_labels)
        # Not `backward`, which stays silent where the shares had no part in the loss.
        (gradient,) = torch.autograd.grad(loss, shares)
    return loss.detach(), gradient


def demand_optimizer(optimizer: torch.optim.Optimizer) -> None:
    """Refuse, by name, every optimiser that `higher` differentiates wrongly or not at all."""
    name = type(optimizer).__name__
    if type(optimizer) is not torch.optim.SGD:
        raise ValueError(
            f"`higher` cannot be trusted with {name}: the unrolled steps must be those of SGD, "
            "with or without momentum"
        )
    if any(group["maximize"] for group in optimizer.param_groups):
        raise ValueError("`higher` ignores SGD's option maximize: the unrolled steps must minimise")


def _higher() -> Any:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", SyntaxWarning)  # of a library that is no longer maintained
        import higher

    return higher


def training_weights(shares: Tensor, taught: int) -> tuple[Tensor, Tensor]:
    """The weights of all rows in training, which sum to 1, and the sum before that.

    Without the division, shares would mostly act as a learning rate.
    """
    raw = torch.cat([shares.new_ones(taught), shares])
    total = raw.sum().clamp(min=1e-12)
    return raw / total, total
