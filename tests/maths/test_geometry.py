import pytest
import torch
from torch import Tensor

from autoal.maths import geometry
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


def test_the_same_row_twice_has_no_distance() -> None:
    same = ROWS[:1].expand(40, -1)
    assert float(geometry.squared_distances(same, same).max()) == 0
    assert float(geometry.nearest(same, same[:3])[0].max()) == 0


def test_the_nearest_anchor_is_the_first_of_the_neighbours() -> None:
    distances, places = geometry.nearest(ROWS, ANCHORS)
    expected = geometry.neighbours(ROWS, ANCHORS, 1)
    torch.testing.assert_close(distances.sqrt(), expected[0][:, 0], rtol=1e-4, atol=1e-4)
    assert torch.equal(places, expected[1][:, 0])


def test_unit_keeps_half_precision_where_asked_for() -> None:
    assert geometry.unit(ROWS.half(), torch.half).dtype == torch.half


def test_a_sample_is_drawn_evenly_and_left_unsorted() -> None:
    counts = torch.zeros(5, 2)
    for seed in range(500):
        drawn = geometry.sample(5, 2, generator(seed)).tolist()
        assert len(set(drawn)) == 2
        counts[drawn, [0, 1]] += 1
    assert 64 < int(counts.min()) <= int(counts.max()) < 136  # 100, standard deviation 9
    assert sorted(geometry.sample(5, 9, generator(0)).tolist()) == list(range(5))


def gaps(picks: list[int], rows: Tensor = ROWS) -> Tensor:
    """Squared distances to the nearest pick by definition."""
    return ((rows[:, None] - rows[picks]) ** 2).sum(2).amin(1)


@pytest.mark.parametrize("active", [2, 1024])
def test_farthest_first_equals_a_search_over_all_rows(
    monkeypatch: pytest.MonkeyPatch, active: int
) -> None:
    monkeypatch.setattr(geometry, "ACTIVE", active)
    expected = [0]
    for _ in range(20):
        expected.append(int(gaps(expected).argmax()))
    picks, distances = geometry.farthest_first(ROWS, 20, gaps([0]))
    assert picks == expected[1:]
    torch.testing.assert_close(distances, gaps(expected), rtol=1e-4, atol=1e-4)


def test_farthest_first_stops_where_no_row_is_apart() -> None:
    rows = ROWS[:3].repeat(4, 1)
    picks, distances = geometry.farthest_first(rows, 10, gaps([0], rows))
    assert len(picks) == 2
    assert float(distances.max()) == 0


@pytest.mark.parametrize("dim", [0, 1])
def test_parts_are_joined_as_they_come(dim: int) -> None:
    whole = torch.rand(3 if dim else 7, 7, 2, generator=generator(0, "parts"))
    parts = whole.split([4, 1, 2], dim)
    assert geometry.in_one(iter(parts), 7, dim).equal(whole)
    assert geometry.in_one([part.double() for part in parts], 7, dim).dtype == torch.float64
