import math

import numpy as np
import pytest
import torch
from autoal.strategies.diversity import CoreSet, KMeans, ProbCover, TypiClust, pure_radius
from torch import Tensor

from autoal import QueryStrategy
from autoal.maths.clusters import kmeans
from autoal.maths.geometry import sample, unit
from autoal.maths.pairs import Pairs
from autoal.seeding import generator
from tests.strategies.made import beside, best, noted, scored


def column(*values: float) -> Tensor:
    return torch.tensor(values)[:, None]


def circle(*degrees: float) -> Tensor:
    radians = torch.tensor(degrees) * math.pi / 180
    return torch.stack([radians.cos(), radians.sin()], 1)


def blobs(sizes: list[int]) -> Tensor:
    """So many rows around points far from each other, mixed."""
    centres = 4 * torch.eye(10)
    rows = torch.cat([centres[at].expand(size, -1) for at, size in enumerate(sizes)])
    noisy = rows + torch.randn(rows.shape, generator=generator(0, "blobs"))
    return unit(noisy[torch.randperm(len(noisy), generator=generator(1, "blobs"))])


def test_kmeans_by_hand() -> None:
    view = beside(column(0, 1, 2, 10, 11, 12.5, 9))
    assert best(KMeans(), view, 2) == [4, 1]  # centres 10.6, of the larger cluster, and 1


@pytest.mark.parametrize("most", [60, 200])
def test_kmeans_picks_the_nearest_row_of_each_cluster(most: int) -> None:
    rows = torch.randn(200, 4, generator=generator(0))
    view = beside(rows)
    clusters = kmeans(rows, 10, view.generator(), most=most)
    expected = set()
    for number in range(10):
        members = (clusters.assignment == number).nonzero().flatten()
        near = (rows[members] - clusters.centres[number]).norm(dim=1).argmin()
        expected.add(int(members[near]))
    assert set(best(KMeans(sample=most), view, 10)) == expected


def test_coreset_by_hand() -> None:
    view = beside(column(1, 4, 10, 5.5), labelled=column(0))
    assert best(CoreSet(), view, 4) == [2, 3, 1, 0]


def test_coreset_without_labels_begins_amid_the_pool() -> None:
    assert best(CoreSet(), beside(column(0, 4, 5, 12)), 4) == [2, 3, 0, 1]


@pytest.mark.parametrize("seed", [0, 1, 2])
def test_coreset_equals_that_of_scikit_activeml(seed: int) -> None:
    theirs = pytest.importorskip("skactiveml.pool")
    rows = torch.randn(200, 6, generator=generator(seed))
    labels = np.array([0.0] * 5 + [np.nan] * 195)
    expected, _ = theirs.k_greedy_center(rows.numpy(), labels, batch_size=40, random_state=0)
    found = best(CoreSet(), beside(rows[5:], labelled=rows[:5]), 40)
    assert found == (expected - 5).tolist()


TALL = circle(180, 182, 183, 187, 188, 189, 194, 200, 201)  # whose median is the fifth
LOW = circle(0, 10, 12, 13, 20, 30, 31)  # whose median is the fourth


def test_typiclust_by_hand() -> None:
    pool = torch.cat([LOW, TALL])
    assert best(TypiClust(), beside(pool), 2) == [7 + 4, 3]


def test_typiclust_prefers_a_cluster_without_a_label() -> None:
    view = beside(torch.cat([LOW, TALL]), labelled=circle(185))
    assert best(TypiClust(), view, 1) == [3]


def test_typiclust_leaves_small_clusters_until_nothing_else_is_left() -> None:
    tiny = circle(90, 91, 92)
    pool = torch.cat([tiny, LOW, TALL])
    picks = best(TypiClust(clusters=3), beside(pool), 19)
    assert picks[:2] == [3 + 7 + 4, 3 + 3]
    assert all(pick >= 3 for pick in picks[:16])
    assert sorted(picks[16:]) == [0, 1, 2]
    assert picks[16] == 1  # the middle of the three


def test_typicality_counts_the_nearest_neighbours_only() -> None:
    # The densest four lie at the end, where the mean distance to all others is large.
    pool = circle(0, 0.1, 0.2, 0.3, 10, 20, 30, 40, 50, 60)
    assert best(TypiClust(neighbours=2), beside(pool), 1)[0] in (1, 2)
    assert best(TypiClust(neighbours=9), beside(pool), 1) == [4]


def test_typicality_by_a_draw_of_neighbours_leaves_the_row_itself_out() -> None:
    rows = torch.randn(30, 3, generator=generator(0))
    members = list(range(30))
    drawn = sample(30, 10, generator(4))
    apart = torch.cdist(rows, rows[drawn])
    apart[drawn, torch.arange(10)] = torch.inf
    expected = apart.sort(1).values[:, :5].mean(1).argsort().tolist()
    strategy = TypiClust(neighbours=5, members=10)
    assert strategy._most_typical_first(rows, members, generator(4)) == expected


def test_typiclust_says_where_neighbours_are_drawn() -> None:
    rows = torch.randn(40, 3, generator=generator(0))
    assert noted(TypiClust(members=30), beside(rows)) == {"members": 30}
    assert noted(TypiClust(members=40), beside(rows)) == {}


def test_typiclust_equals_that_of_scikit_activeml() -> None:
    theirs = pytest.importorskip("skactiveml.pool")
    rows = blobs([50, 45, 40, 35, 30, 25])
    strategy = theirs.TypiClust(k=20, random_state=0, cluster_algo_dict={"n_init": 10})
    expected = strategy.query(rows.numpy(), np.full(len(rows), np.nan), batch_size=6)
    assert best(TypiClust(), beside(rows), 6) == expected.tolist()


def test_probcover_by_hand() -> None:
    delta = 2 * math.sin(math.radians(12 / 2))  # the chord of 12 degrees
    pool = circle(0, 10, 20, 90, 100, 200, 102)
    picks = best(ProbCover(delta), beside(pool), 3)
    assert picks[0] in (1, 3, 4, 6)  # each covers three
    assert picks[2] == 5
    scores = scored(ProbCover(delta), beside(pool, labelled=circle(10, 101)), 3)
    assert scores.tolist() == [0.0] * 5 + [1.0, 0.0]


def test_probcover_equals_a_search_over_the_graph() -> None:
    rows = unit(torch.randn(80, 3, generator=generator(0)))
    near = (torch.cdist(rows, rows) < 0.5).numpy()
    covered = np.zeros(80, dtype=bool)
    for pick in best(ProbCover(0.5), beside(rows), 8):
        degrees = near[:, ~covered].sum(1)
        assert degrees[pick] == degrees.max() > 1
        covered |= near[pick]


@pytest.mark.filterwarnings("ignore:The maximum purity")  # of the one radius that is given
@pytest.mark.parametrize("labelled", [0, 20])
def test_probcover_gains_what_that_of_scikit_activeml_gains(labelled: int) -> None:
    theirs = pytest.importorskip("skactiveml.pool")
    rows = unit(torch.randn(150, 3, generator=generator(0)))
    labels = np.array([0.0] * labelled + [np.nan] * (150 - labelled))
    strategy = theirs.ProbCover(n_classes=2, deltas=[0.5], alpha=1e-9, random_state=0)
    expected = strategy.query(rows.numpy(), labels, batch_size=8)
    view = beside(rows[labelled:], labelled=rows[:labelled] if labelled else None)
    found = [pick + labelled for pick in best(ProbCover(0.5), view, 8)]
    near = torch.cdist(rows, rows) < 0.5

    def gains(picks: list[int]) -> list[int]:  # ties differ, and what the first picks gain does not
        covered = near[:labelled].any(0)
        gained = []
        for pick in picks:
            gained.append(int((near[pick] & ~covered).sum()))
            covered = covered | near[pick]
        return gained

    assert gains(found) == gains(expected.tolist())


def test_ties_of_probcover_are_left_to_chance() -> None:
    lonely = torch.eye(40)
    assert best(ProbCover(0.5), beside(lonely), 40) != list(range(40))


def test_pure_radius_by_hand() -> None:
    line = column(0, 0.1, 0.5, 0.65)
    assert pure_radius(Pairs(line), torch.tensor([0, 0, 1, 1])) == pytest.approx(0.4)
    assert pure_radius(Pairs(line), torch.zeros(4, dtype=torch.long)) == 2


def test_at_the_pure_radius_few_balls_are_mixed_and_beyond_it_more() -> None:
    rows = unit(torch.randn(400, 3, generator=generator(0)))
    clusters = kmeans(rows, 5, generator(0)).assignment
    radius = pure_radius(Pairs(rows), clusters)
    apart, other = torch.cdist(rows, rows), clusters[:, None] != clusters

    def pure(delta: float) -> float:
        return float((~((apart < delta) & other).any(1)).double().mean())

    assert pure(radius - 1e-5) >= 0.95
    assert pure(radius + 1e-4) < 0.95


@pytest.mark.parametrize("kind", [TypiClust, ProbCover])
def test_a_large_pool_is_sampled(kind: type[TypiClust | ProbCover]) -> None:
    rows = torch.randn(100, 3, generator=generator(0))
    scores = scored(kind(sample=30), beside(rows), 5)
    assert int((scores > 0).sum()) <= 30
    assert int((scores >= 1).sum()) == 5


def test_kmeans_of_normalised_rows_sees_their_directions_alone() -> None:
    rows = circle(0, 5, 10, 80, 90, 95)
    stretched = rows * torch.tensor([1.0, 30.0, 2.0, 1.0, 0.1, 9.0])[:, None]
    found = best(KMeans(normalise=True), beside(stretched), 2)
    assert found == best(KMeans(), beside(rows), 2) == [1, 4]
    assert found != best(KMeans(), beside(stretched), 2)


@pytest.mark.parametrize("kind", [KMeans, TypiClust, ProbCover])
def test_a_sample_is_said(kind: type[KMeans | TypiClust | ProbCover]) -> None:
    view = beside(torch.randn(100, 3, generator=generator(0)))
    assert noted(kind(sample=30), view) == {"sample": 30}
    assert noted(kind(sample=100), view) == {}


@pytest.mark.parametrize(
    ("strategy", "option", "value"),
    [
        (KMeans, "iterations", 0),
        (KMeans, "sample", 0),
        (TypiClust, "clusters", 0),
        (TypiClust, "neighbours", 0),
        (TypiClust, "members", 0),
        (TypiClust, "sample", 0),
        (ProbCover, "delta", 0.0),
        (ProbCover, "sample", 0),
    ],
)
def test_options_out_of_range_are_refused(
    strategy: type[QueryStrategy], option: str, value: float
) -> None:
    with pytest.raises(ValueError, match=f"`{option}` must be .*{value}"):
        strategy(**{option: value})
