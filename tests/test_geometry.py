import pytest
import torch

from autoal import geometry
from autoal.seeding import generator

ROWS = torch.randn(50, 6, generator=generator(0, "rows"))
ANCHORS = torch.randn(7, 6, generator=generator(0, "anchors"))


def test_squared_distances_are_those_of_the_definition() -> None:
    expected = ((ROWS[:, None].double() - ANCHORS.double()) ** 2).sum(2)
    found = geometry.squared_distances(ROWS, ANCHORS).double()
    torch.testing.assert_close(found, expected, rtol=1e-5, atol=1e-5)


def test_no_squared_distance_is_negative() -> None:
    far = 1000 + ROWS / 100  # where rounding is as large as the distances
    assert float(geometry.squared_distances(far, far).min()) >= 0


def test_neighbours_are_the_nearest_and_come_nearest_first() -> None:
    distances, places = geometry.neighbours(ROWS, ANCHORS, 3)
    expected = torch.cdist(ROWS, ANCHORS).sort(dim=1)
    assert torch.equal(places, expected.indices[:, :3])
    torch.testing.assert_close(distances, expected.values[:, :3], rtol=1e-4, atol=1e-4)


def test_there_are_no_more_neighbours_than_anchors() -> None:
    distances, places = geometry.neighbours(ROWS, ANCHORS[:2], 5)
    assert distances.shape == places.shape == (50, 2)


def test_blocks_make_no_difference(monkeypatch: pytest.MonkeyPatch) -> None:
    expected = geometry.neighbours(ROWS, ANCHORS, 2)
    monkeypatch.setattr(geometry, "BLOCK", 30)  # four rows at a time
    pieces = [piece for piece, _ in geometry.blocks(ROWS, 7)]
    assert len(pieces) == 13
    torch.testing.assert_close(geometry.neighbours(ROWS, ANCHORS, 2), expected)


def test_half_precision_is_computed_with_in_float32() -> None:
    half = ROWS.half()
    for _, block in geometry.blocks(half, 4):
        assert block.dtype == torch.float32
    distances, _ = geometry.neighbours(half, ANCHORS, 1)
    assert distances.dtype == torch.float32


def test_unit_rows_have_length_one_and_zeros_stay() -> None:
    rows = torch.cat([ROWS, torch.zeros(1, 6)])
    assert torch.allclose(geometry.unit(rows).norm(dim=1)[:-1], torch.ones(50))
    assert float(geometry.unit(rows)[-1].abs().sum()) == 0
