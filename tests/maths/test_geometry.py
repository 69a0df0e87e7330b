import pytest
import torch
from sklearn import cluster
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


def test_seeds_are_distinct_and_come_with_all_distances_to_them() -> None:
    picks, distances = geometry.seeds([ROWS], 20, generator(0))
    assert len(set(picks)) == 20
    torch.testing.assert_close(distances, gaps(picks), rtol=1e-4, atol=1e-4)


def test_seeds_begin_with_the_row_that_is_given() -> None:
    assert geometry.seeds([ROWS], 3, generator(0), first=7)[0][0] == 7


def test_there_are_no_more_seeds_than_distinct_rows() -> None:
    rows = ROWS[:3].repeat(4, 1)
    picks, distances = geometry.seeds([rows], 10, generator(0))
    assert len(picks) == 3
    assert len({pick % 3 for pick in picks}) == 3
    assert float(distances.max()) == 0


@pytest.mark.parametrize("newest", [1, 64])
def test_seeds_are_drawn_by_their_squared_distances(
    monkeypatch: pytest.MonkeyPatch, newest: int
) -> None:
    monkeypatch.setattr(geometry, "NEWEST", newest)  # 1: by fresh distances; 64: by old ones
    line = torch.tensor([[0.0], [1.0], [3.0], [4.0]])
    draws = 4000
    found: dict[tuple[int, ...], int] = {}
    stream = generator(0)
    for _ in range(draws):
        picks = tuple(geometry.seeds([line], 3, stream, first=0)[0])
        found[picks] = found.get(picks, 0) + 1
    for second in (1, 2, 3):
        for third in {1, 2, 3} - {second}:
            after = gaps([0, second], line)
            chance = float(line[second] ** 2 / 26 * after[third] / after.sum())
            spread = (draws * chance * (1 - chance)) ** 0.5
            assert abs(found.get((0, second, third), 0) - draws * chance) < 4 * spread + 1


def test_factors_stand_for_their_outer_products() -> None:
    left = torch.randn(50, 3, generator=generator(0, "left"))
    outer = (left[:, :, None] * ROWS[:, None, :]).flatten(1)
    expected = geometry.seeds([outer], 20, generator(5))
    picks, distances = geometry.seeds([left, ROWS], 20, generator(5))
    assert picks == expected[0]
    torch.testing.assert_close(distances, expected[1], rtol=1e-4, atol=1e-3)


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


def test_kmeans_ends_as_that_of_sklearn_from_the_same_centres() -> None:
    rows = torch.randn(300, 4, generator=generator(1))
    picks, _ = geometry.seeds([rows], 8, generator(3))
    theirs = cluster.KMeans(8, init=rows[picks].numpy(), n_init=1, tol=0, max_iter=300)
    theirs.fit(rows.numpy())
    ours = geometry.kmeans(rows, 8, generator(3), iterations=300)
    assert ours.assignment.tolist() == theirs.labels_.tolist()
    torch.testing.assert_close(ours.centres, torch.from_numpy(theirs.cluster_centers_))
    assert float(ours.distances.sum()) == pytest.approx(theirs.inertia_, rel=1e-4)


def test_the_clusters_of_kmeans_belong_to_its_centres() -> None:
    clusters = geometry.kmeans(ROWS, 6, generator(0), iterations=1)  # before it converges
    expected = geometry.nearest(ROWS, clusters.centres)
    torch.testing.assert_close((clusters.distances, clusters.assignment), expected)


def test_centres_learnt_from_a_draw_have_the_rows_of_all() -> None:
    clusters = geometry.kmeans(ROWS, 6, generator(0), most=20)
    expected = geometry.nearest(ROWS, clusters.centres)
    torch.testing.assert_close((clusters.distances, clusters.assignment), expected)
    few = ROWS[geometry.sample(50, 20, generator(0))]
    near = geometry.nearest(few, clusters.centres)[1]
    for number, centre in enumerate(clusters.centres):
        torch.testing.assert_close(centre, few[near == number].mean(0))


def test_a_draw_as_large_as_the_rows_changes_nothing() -> None:
    expected = geometry.kmeans(ROWS, 6, generator(0))
    torch.testing.assert_close(geometry.kmeans(ROWS, 6, generator(0), most=50), expected)


def test_blocks_make_no_difference_to_kmeans(monkeypatch: pytest.MonkeyPatch) -> None:
    expected = geometry.kmeans(ROWS, 6, generator(0))
    monkeypatch.setattr(geometry, "BLOCK", 30)
    torch.testing.assert_close(geometry.kmeans(ROWS, 6, generator(0)), expected)


def test_an_empty_cluster_begins_anew_at_the_row_farthest_from_its_centre() -> None:
    rows = torch.tensor([[0.0], [2.0], [9.0]])
    clusters = geometry.Clusters(
        torch.tensor([[1.0], [50.0]]), torch.tensor([0, 0, 0]), torch.tensor([1.0, 1.0, 64.0])
    )
    assert geometry._means(rows, clusters).flatten().tolist() == pytest.approx([11 / 3, 9.0])


def test_kmeans_of_identical_rows_is_one_cluster() -> None:
    clusters = geometry.kmeans(ROWS[:1].expand(30, -1), 5, generator(0))
    assert clusters.centres.shape == (1, 6)
    assert clusters.assignment.tolist() == [0] * 30
    assert float(clusters.distances.max()) == 0
