from typing import Any

import pytest

from autoal import Round


@pytest.fixture
def config() -> dict[str, Any]:
    return {
        "start": 2,
        "seed": 0,
        "strategy": {"name": "margin"},
        "logger": {"mode": None},
        "name": "run",
        "out": "runs",
    }


@pytest.fixture
def history() -> list[Round]:
    """Two rounds of two labels each, with three steps of training."""
    return [
        Round(
            number=number,
            labelled=2 * number + 2,
            queried=[2 * number, 2 * number + 1],
            labels=[0, 1],
            metrics={"accuracy": 0.5 + 0.25 * number, "balanced_accuracy": 0.4},
            seconds=dict.fromkeys(("train", "test", "features", "score", "total"), 1.5),
            steps=3,
        )
        for number in range(2)
    ]
