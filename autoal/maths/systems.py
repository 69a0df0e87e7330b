"""Symmetric positive systems, known only through products with vectors."""

from collections.abc import Callable

import torch
from torch import Tensor

Product = Callable[[Tensor], Tensor]  # of a symmetric positive matrix with a tensor of some shape


def conjugate_gradients(
    times: Product, right: Tensor, tolerance: float, start: Tensor | None = None
) -> Tensor:
    """The solution of times(x) = right, to a relative residual."""
    solution = torch.zeros_like(right) if start is None else start
    left_over = right.clone() if start is None else right - times(start)
    direction = left_over.clone()
    size = left_over.square().sum()
    target = tolerance**2 * float(right.square().sum())
    for _ in range(10 * right.numel()):
        if float(size) <= target:
            break
        product = times(direction)
        curvature = (direction * product).sum()
        if not float(curvature) > 0:  # only rounding error is left, or NaN
            break
        length = size / curvature
        solution = solution + length * direction
        left_over = left_over - length * product
        before, size = size, left_over.square().sum()
        direction = left_over + size / before * direction
    return solution
