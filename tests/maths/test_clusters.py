import pytest
import torch
from sklearn import cluster
from torch import Tensor

from autoal.maths import clusters, geometry
from autoal.seeding import generator

ROWS = torch.randn(50, 6, generator=generator(0, "rows"))


def gaps(picks: list[int], rows: Tensor = ROWS) -> Tensor:
    """Squared distances to the nearest pick by definition."""
    return ((rows[:, None] - rows[picks]) ** 2).sum(2).amin(1)


def test_seeds_are_distinct_and_come_with_all_distances_to_them() -> None:
    picks, distances = clusters.seeds([ROWS], 20, generator(0))
    assert len(set(picks)) == 20
    torch.testing.assert_close(distances, gaps(picks), rtol=1e-4, atol=1e-4)


def test_seeds_begin_with_the_row_that_is_given() -> None:
    assert clusters.seeds([ROWS], 3, generator(0), first=7)[0][0] == 7


def test_there_are_no_more_seeds_than_distinct_rows() -> None:
    rows = ROWS[:3].repeat(4, 1)
    picks, distances = clusters.seeds([rows], 10, generator(0))
    assert len(picks) == 3
    assert len({pick % 3 for pick in picks}) == 3
    assert float(distances.max()) == 0


@pytest.mark.parametrize("newest", [1, 128])
def test_seeds_are_drawn_by_their_squared_distances(
    monkeypatch: pytest.MonkeyPatch, newest: int
) -> None:
    monkeypatch.setattr(clusters, "NEWEST", newest)  # 1: by fresh distances; 128: by old ones
    line = torch.tensor([[0.0], [1.0], [3.0], [4.0]])
    draws = 1000
    found: dict[tuple[int, ...], int] = {}
    stream = generator(0)
    for _ in range(draws):
        picks = tuple(clusters.seeds([line], 3, stream, first=0)[0])
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
    expected = clusters.seeds([outer], 20, generator(5))
    picks, distances = clusters.seeds([left, ROWS], 20, generator(5))
    assert picks == expected[0]
    torch.testing.assert_close(distances, expected[1], rtol=1e-4, atol=1e-3)


def test_kmeans_ends_as_that_of_sklearn_from_the_same_centres() -> None:
    rows = torch.randn(300, 4, generator=generator(1))
    picks, _ = clusters.seeds([rows], 8, generator(3))
    theirs = cluster.KMeans(8, init=rows[picks].numpy(), n_init=1, tol=0, max_iter=300)
    theirs.fit(rows.numpy())
    ours = clusters.kmeans(rows, 8, generator(3), iterations=300)
    assert ours.assignment.tolist() == theirs.labels_.tolist()
    torch.testing.assert_close(ours.centres, torch.from_numpy(theirs.cluster_centers_))
    assert float(ours.distances.sum()) == pytest.approx(theirs.inertia_, rel=1e-4)


def test_the_clusters_of_kmeans_belong_to_its_centres() -> None:
    found = clusters.kmeans(ROWS, 6, generator(0), iterations=1)  # before it converges
    expected = geometry.nearest(ROWS, found.centres)
    torch.testing.assert_close((found.distances, found.assignment), expected)


def test_centres_learnt_from_a_draw_have_the_rows_of_all() -> None:
    found = clusters.kmeans(ROWS, 6, generator(0), most=20)
    expected = geometry.nearest(ROWS, found.centres)
    torch.testing.assert_close((found.distances, found.assignment), expected)
    few = ROWS[geometry.sample(50, 20, generator(0))]
    near = geometry.nearest(few, found.centres)[1]
    for number, centre in enumerate(found.centres):
        torch.testing.assert_close(centre, few[near == number].mean(0))


def test_a_draw_as_large_as_the_rows_changes_nothing() -> None:
    expected = clusters.kmeans(ROWS, 6, generator(0))
    torch.testing.assert_close(clusters.kmeans(ROWS, 6, generator(0), most=50), expected)


def test_blocks_make_no_difference_to_kmeans(monkeypatch: pytest.MonkeyPatch) -> None:
    expected = clusters.kmeans(ROWS, 6, generator(0))
    monkeypatch.setattr(geometry, "BLOCK", 30)
    torch.testing.assert_close(clusters.kmeans(ROWS, 6, generator(0)), expected)


def test_an_empty_cluster_begins_anew_at_the_row_farthest_from_its_centre() -> None:
    rows = torch.tensor([[0.0], [2.0], [9.0]])
    found = clusters.Clusters(
        torch.tensor([[1.0], [50.0]]), torch.tensor([0, 0, 0]), torch.tensor([1.0, 1.0, 64.0])
    )
    assert clusters._means(rows, found).flatten().tolist() == pytest.approx([11 / 3, 9.0])


def test_kmeans_of_identical_rows_is_one_cluster() -> None:
    found = clusters.kmeans(ROWS[:1].expand(30, -1), 5, generator(0))
    assert found.centres.shape == (1, 6)
    assert found.assignment.tolist() == [0] * 30
    assert float(found.distances.max()) == 0
