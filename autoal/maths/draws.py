"""Draws without replacement."""

import torch
from torch import Tensor


def in_proportion(worth: Tensor, beta: float, stream: torch.Generator) -> Tensor:
    """Scores whose order is a draw, each time in proportion to the worth to the power of beta.

    The largest sums of beta times the logarithm of the worth and Gumbel noise are such a draw. Rows
    of no worth come after all others.

    Args:
        worth: at least 0, (n,).
        beta: 0 would be uniform; the larger, the closer to the order of the worth.
        stream: on the CPU.
    """
    # In double precision: of a million numbers in single precision, many would be the same.
    uniform = torch.rand(len(worth), generator=stream, dtype=torch.double)
    noise = -(-uniform.clamp(min=1e-300).log()).log()
    scores = worth.log() + noise.to(worth) / beta
    some = worth > 0
    last = scores[some].min() - 1 if some.any() else worth.new_zeros(())
    return scores.where(some, last)


def by_chances(chances: Tensor, stream: torch.Generator) -> Tensor:
    """Places drawn with exactly these probabilities, as many as their sum (Madow, 1949).

    The probabilities are laid end to end in random order, and one point at a random place in every
    unit of length picks.

    Args:
        chances: from 0 to 1, (n,); their sum is a whole number.
        stream: on the CPU.
    """
    order = torch.randperm(len(chances), generator=stream)
    ends = chances.cpu().double()[order].cumsum(0)
    count = round(float(ends[-1]))
    points = torch.arange(count) + torch.rand(1, generator=stream, dtype=torch.double)
    # If rounding makes the sum fall short, the last point could lie beyond the end.
    places = torch.searchsorted(ends, points, right=True).clamp(max=len(chances) - 1)
    return order[places]
