from functools import partial

import pytest
import torch
from torch import Tensor

from autoal.maths.systems import conjugate_gradients
from autoal.seeding import generator


def draw(*shape: int, name: str) -> Tensor:
    return torch.randn(*shape, generator=generator(0, name), dtype=torch.float64)


def test_conjugate_gradients_solve_a_small_system() -> None:
    matrix = torch.tensor([[4.0, 1.0], [1.0, 3.0]], dtype=torch.float64)
    right = torch.tensor([1.0, 2.0], dtype=torch.float64)
    steps: list[Tensor] = []

    def times(direction: Tensor) -> Tensor:
        steps.append(direction)
        return matrix @ direction

    found = conjugate_gradients(times, right, 1e-12)
    torch.testing.assert_close(found, torch.tensor([1 / 11, 7 / 11], dtype=torch.float64))
    assert len(steps) == 2  # as many as there are dimensions
    assert float(steps[0] @ matrix @ steps[1]) == pytest.approx(0, abs=1e-12)


def test_conjugate_gradients_stop_at_their_tolerance() -> None:
    factor = draw(30, 30, name="factor")
    matrix = factor @ factor.T + 0.1 * torch.eye(30, dtype=torch.float64)
    right = draw(30, name="right")
    for tolerance in (1e-1, 1e-4, 1e-8):
        found = conjugate_gradients(partial(torch.mv, matrix), right, tolerance)
        left_over = float((matrix @ found - right).norm() / right.norm())
        assert tolerance / 1e3 < left_over < 2 * tolerance


def test_nothing_solves_to_nothing() -> None:
    right = torch.zeros(3, dtype=torch.float64)
    assert torch.equal(conjugate_gradients(lambda direction: direction, right, 1e-10), right)
