"""Roads from the loss on the checked rows back to the share of each played row.

Given a rehearsal and the shares in which its rows are chosen, a road returns the loss and its
gradient with respect to the shares. SearchNet applies the rest of the chain rule itself.
"""

from __future__ import annotations

import warnings
from abc import ABC, abstractmethod
from collections.abc import Sequence
from copy import deepcopy
from dataclasses import replace
from typing import Any

import torch
from torch import Tensor
from torch.nn.attention import SDPBackend, sdpa_kernel
from torch.nn.functional import cross_entropy

from autoal.bounds import number, whole
from autoal.maths.regressions import Regressions
from autoal.maths.slopes import mean_gradient, with_intercept
from autoal.search.rehearsal import Rehearsal

OPTIMUM = 1e-5  # norm of the gradient at an optimum
MOMENTUM = 0.9  # of the unrolled steps
SLOPE = 1e-3  # relative residual, far below the differences between rehearsals


class Road(ABC):
    """From shares (played,) in [0, 1] to the loss on the checked rows and its gradient.

    Attributes:
        learns: FitNets go on learning from step to step, so that one step says little about the
            next.
    """

    learns = False

    def prepare(self, rehearsals: Sequence[Rehearsal]) -> None:
        """Called once, before the search."""

    @abstractmethod
    def __call__(self, shares: Tensor, rehearsal: Rehearsal) -> tuple[float, Tensor]:
        """The loss, and its gradient with respect to the shares, (played,)."""

    def together(
        self, shares: Sequence[Tensor], rehearsals: Sequence[Rehearsal]
    ) -> list[tuple[float, Tensor]]:
        """The same for several rehearsals, which a road may be able to do faster."""
        return [self(*pair) for pair in zip(shares, rehearsals, strict=True)]

    def losses(self, shares: Sequence[Tensor], rehearsals: Sequence[Rehearsal]) -> list[float]:
        """The losses only; FitNets do not change."""
        copies = [replace(each, fitnet=deepcopy(each.fitnet)) for each in rehearsals]
        return [loss for loss, _ in self.together(shares, copies)]


class Implicit(Road):
    """FitNet's head, solved to its optimum and differentiated by the implicit function theorem.

    As exact as requested, at the cost of one linear solve; FitNet's inputs are its own fixed
    features.

    Args:
        ridge: the head's penalty.
        optimum: norm of the gradient at the optimum.
        slope: relative residual of the linear solve.
    """

    def __init__(self, ridge: float = 1e-3, optimum: float = OPTIMUM, slope: float = SLOPE) -> None:
        number("ridge", ridge, above=0)
        self.ridge = ridge
        self.optimum = optimum
        self.slope = slope
        self._heads: _Heads | None = None  # of the latest rehearsals

    def __call__(self, shares: Tensor, rehearsal: Rehearsal) -> tuple[float, Tensor]:
        return self.together([shares], [rehearsal])[0]

    def together(
        self, shares: Sequence[Tensor], rehearsals: Sequence[Rehearsal]
    ) -> list[tuple[float, Tensor]]:
        heads = self._of(rehearsals)
        return list(zip(heads.losses(shares), heads.gradients(), strict=True))

    def losses(self, shares: Sequence[Tensor], rehearsals: Sequence[Rehearsal]) -> list[float]:
        return self._of(rehearsals).losses(shares)

    def _of(self, rehearsals: Sequence[Rehearsal]) -> _Heads:
        if self._heads is None or self._heads.rehearsals != list(rehearsals):
            self._heads = _Heads(rehearsals, self)
        return self._heads


class _Heads:
    """The heads of several rehearsals, which train on much the same rows."""

    def __init__(self, rehearsals: Sequence[Rehearsal], road: Implicit) -> None:
        self.road = road
        self.rehearsals = list(rehearsals)
        self.places, features, labels = _common_rows(self.rehearsals)
        checks = [with_intercept(rehearsal.check) for rehearsal in self.rehearsals]
        if len(features) < features.shape[1]:
            # The optima are combinations of the rows, so anything orthogonal to all rows affects
            # neither a loss nor its gradient.
            basis, _ = torch.linalg.qr(features.T)
            features, checks = features @ basis, [check @ basis for check in checks]
        self.checks = list(zip(checks, (r.check_labels for r in self.rehearsals), strict=True))
        self.regressions = Regressions(features, labels, self.rehearsals[0].classes, road.ridge)
        # The next solutions start here, since a step of SearchNet moves them little.
        self.theta: Tensor | None = None
        self.slope: Tensor | None = None

    def losses(self, shares: Sequence[Tensor]) -> list[float]:
        """Losses on the checked rows of heads trained with these shares."""
        pairs = zip(_double(shares), self.rehearsals, strict=True)
        raw = [training_weights(share, *rehearsal.trusted) for share, rehearsal in pairs]
        self.totals, self.dtype = [total for _, total in raw], shares[0].dtype
        self.weights = torch.stack(
            [
                weights.new_zeros(len(self.regressions.labels)).index_add_(0, places, weights)
                for (weights, _), places in zip(raw, self.places, strict=True)
            ]
        )
        self.theta = self.regressions.minimise(self.weights, self.theta, self.road.optimum)
        checked = zip(self.checks, self.theta, strict=True)
        return [float(cross_entropy(rows @ head.T, labels)) for (rows, labels), head in checked]

    def gradients(self) -> list[Tensor]:
        """Gradients of the last losses with respect to the shares."""
        assert self.theta is not None
        checked = zip(self.checks, self.theta, strict=True)
        right = torch.stack([mean_gradient(*check, head) for check, head in checked])
        self.slope = self.regressions.solve(
            self.weights, self.theta, right, self.road.slope, self.slope
        )
        # d loss / d weight_i = -<gradient of row i's loss, H^-1 g>; the weights sum to 1, so one
        # row's gain is everybody's loss.
        products = self.regressions.residuals(self.theta) * self.regressions.logits(self.slope)
        influences = -products.sum(2).T
        gained = (influences - (self.weights * influences).sum(1, keepdim=True)).to(self.dtype)
        return [
            rehearsal.trusted[1].to(line) * line[places[len(rehearsal.taught) :]] / total.to(line)
            for line, places, rehearsal, total in zip(
                gained, self.places, self.rehearsals, self.totals, strict=True
            )
        ]


def _common_rows(rehearsals: Sequence[Rehearsal]) -> tuple[list[Tensor], Tensor, Tensor]:
    """All rows' features and labels, and the places in them of each rehearsal's rows."""
    rows = torch.cat([rehearsal.training[0] for rehearsal in rehearsals])
    labels = torch.cat([rehearsal.training[1] for rehearsal in rehearsals])
    known = torch.cat([labels[:, None].to(rows.dtype), rows], 1)
    distinct, places = known.unique(dim=0, return_inverse=True)
    sizes = [len(rehearsal.taught) + len(rehearsal.played) for rehearsal in rehearsals]
    return list(places.split(sizes)), with_intercept(distinct[:, 1:]), distinct[:, 0].long()


def _double(tensors: Sequence[Tensor]) -> list[Tensor]:
    return [tensor.double() for tensor in tensors]


class Unroll(Road):
    """Some training steps of the whole FitNet, differentiated through by `higher`.

    A truncated estimate: with few steps, the gradient shows where training goes, not where it ends.
    The steps are SGD's, which `higher` gets right; FitNet itself does not change.

    Args:
        steps: number of FitNet's training steps.
        learning_rate: of these steps.
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
    # The only implementation of attention that has a second derivative.
    twice = sdpa_kernel(SDPBackend.MATH)
    with torch.enable_grad(), twice, patched as (network, steady):
        weights, _ = training_weights(shares, *rehearsal.trusted)
        for _ in range(steps):
            # Only by calling it: in the network's other methods `higher` keeps stale weights.
            steady.step(weights @ cross_entropy(network(inputs), labels, reduction="none"))
        loss = cross_entropy(network(rehearsal.check), rehearsal.check_labels)
        # Not `backward`, which stays silent if the shares played no part in the loss.
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
        warnings.simplefilter("ignore", SyntaxWarning)  # the library is unmaintained
        import higher

    return higher


def training_weights(shares: Tensor, taught: Tensor, played: Tensor) -> tuple[Tensor, Tensor]:
    """The training weights of all rows, normalised to sum to 1, and their sum before that.

    Without normalisation, shares would mostly act as a learning rate.

    Args:
        shares: of the played rows.
        taught: how much the taught rows' labels count.
        played: how much the played rows' labels count.
    """
    raw = torch.cat([taught.to(shares), shares * played.to(shares)])
    total = raw.sum().clamp(min=1e-12)
    return raw / total, total
