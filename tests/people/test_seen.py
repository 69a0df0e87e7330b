from pathlib import Path
from typing import Any

import pytest
import torch

from autoal.people.seen import picture_in, seen

PATH = Path("a.jpg")
PIXELS = torch.zeros(3, 4, 6, dtype=torch.uint8)


@pytest.mark.parametrize(
    ("shown", "picture"),
    [
        (PATH, PATH),
        (PIXELS, PIXELS),
        ({"taken": 2024, "file": PATH}, PATH),
        ({"taken": 2024}, None),
        ("a text", None),
        (None, None),
    ],
)
def test_the_picture_of_a_row_is_found(shown: Any, picture: Any) -> None:
    assert picture_in(shown) is picture


@pytest.mark.parametrize(
    ("shown", "parts"),
    [
        ({"file": PATH, "taken": 2024}, (PATH, {"taken": "2024"}, None)),
        (PATH, (PATH, {}, None)),
        ("a text", (None, {}, "a text")),
        (None, (None, {}, None)),
    ],
)
def test_a_row_may_have_a_picture_and_cells_beside_it_or_a_text(shown: Any, parts: Any) -> None:
    assert seen(shown) == parts
