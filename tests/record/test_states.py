"""Whether two states are equal."""

from typing import Any

import pytest
import torch

from autoal.record.states import same_states


def state(**others: Any) -> dict[str, Any]:
    return {"weights": torch.ones(2, 3), "steps": [1, {"rate": 0.5}], "axes": None, **others}


def test_states_of_equal_numbers_are_the_same() -> None:
    assert same_states(state(), state())


@pytest.mark.parametrize(
    "other",
    [
        {"weights": torch.zeros(2, 3)},
        {"weights": torch.ones(3, 2)},
        {"weights": torch.ones(2, 3, dtype=torch.float64)},
        {"weights": None},
        {"steps": [1]},
        {"steps": [1, {"rate": 0.25}]},
        {"axes": 0},
        {"more": 1},
    ],
)
def test_any_difference_tells_them_apart(other: dict[str, Any]) -> None:
    assert not same_states(state(), state(**other))
