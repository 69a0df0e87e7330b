"""Choosing rows by their worth, softly enough to pass a gradient."""

from collections.abc import Callable
from math import sqrt

import torch
from torch import Tensor

Relaxation = Callable[[Tensor, int, float], Tensor]  # worth, budget, temperature -> (n,) in [0, 1]

CUTS, PARTS = 12, 32  # of an interval, which leave 2^-60 of it
COMPONENTS = 5  # of the Gaussian mixture, as in the paper
FLOOR = 1e-3  # least deviation of a component, in deviations of the worth


def soft_top(worth: Tensor, budget: int, temperature: float) -> Tensor:
    """A share of each row that grows with its worth; the shares sum to the budget.

    They are sigmoid((worth - threshold) / temperature). The threshold follows the worth, and its
    derivative is part of the gradient: a row gains only what others lose.
    """
    if budget >= len(worth):
        return torch.ones_like(worth) + 0 * worth  # a gradient of zero, not none
    threshold = _threshold(worth.detach(), budget, temperature)
    shares = torch.sigmoid((worth.detach() - threshold) / temperature)
    slopes = shares * (1 - shares)
    moved = (
        slopes @ (worth - worth.detach()) / slopes.sum().clamp(min=1e-30)
    )  # 0, except for its slope
    return torch.sigmoid((worth - (threshold + moved)) / temperature)


def _threshold(worth: Tensor, budget: int, temperature: float) -> Tensor:
    """The threshold at which the shares sum to the budget."""
    reach = temperature * 40  # beyond which a sigmoid is 0 or 1

    def chosen(tried: Tensor) -> Tensor:
        return torch.sigmoid((worth[:, None] - tried) / temperature).sum(0)

    return _crossing(chosen, budget, worth.min() - reach, worth.max() + reach)


def _crossing(
    falling: Callable[[Tensor], Tensor], wanted: float, low: Tensor, high: Tensor
) -> Tensor:
    """Where a falling function takes this value, by cutting an interval that contains it."""
    parts = torch.linspace(0, 1, PARTS + 1, dtype=low.dtype, device=low.device)
    for _ in range(CUTS):
        edges = low + (high - low) * parts
        above = (falling(edges[1:-1]) > wanted).sum()
        low, high = edges[above], edges[above + 1]
    return (low + high) / 2


def mixture_threshold(worth: Tensor, budget: int, temperature: float) -> Tensor:
    """The paper's choice: shares above a quantile of a Gaussian mixture fitted to the worth.

    They sum to the budget only as closely as the mixture fits. The published code divides by 1e-11,
    and its gradient is zero; here the temperature is that of `soft_top`.
    """
    if budget >= len(worth):
        return torch.ones_like(worth) + 0 * worth  # a gradient of zero, not none
    means, deviations, shares = _mixture(worth.detach())

    def above(tried: Tensor) -> Tensor:
        return shares @ (
            0.5 * torch.erfc((tried - means[:, None]) / (deviations[:, None] * sqrt(2)))
        )

    reach = 8 * deviations.max()
    threshold = _crossing(above, budget / len(worth), means.min() - reach, means.max() + reach)
    return torch.sigmoid((worth - threshold) / temperature)


def _mixture(worth: Tensor) -> tuple[Tensor, Tensor, Tensor]:
    """Means, deviations and shares of Gaussians on a line, by expectation maximisation."""
    count = min(COMPONENTS, len(worth))
    places = (torch.arange(count, dtype=worth.dtype, device=worth.device) + 0.5) / count
    means = worth.quantile(places)
    spread = worth.std(correction=0).clamp(min=1e-12)
    deviations, shares = (spread / count).expand(count), worth.new_full((count,), 1 / count)
    for _ in range(30):
        heights = -0.5 * ((worth[:, None] - means) / deviations) ** 2 + (shares / deviations).log()
        belongs = heights.softmax(1)  # (n, components)
        sizes = belongs.sum(0).clamp(min=1e-12)
        means = belongs.T @ worth / sizes
        variances = (belongs * (worth[:, None] - means) ** 2).sum(0) / sizes
        deviations, shares = variances.sqrt().clamp(min=FLOOR * spread), sizes / len(worth)
    return means, deviations, shares


RELAXATIONS: dict[str, Relaxation] = {"top": soft_top, "mixture": mixture_threshold}
