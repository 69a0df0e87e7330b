import numpy as np
import pytest
import torch
from torch import Tensor
from torch.nn.functional import one_hot

from autoal.maths import spreading
from autoal.maths.geometry import neighbours
from autoal.maths.spreading import INERTIA, NEIGHBOURS, Graph
from autoal.seeding import generator


def clouds(count: int, classes: int, width: int = 6) -> tuple[Tensor, Tensor]:
    stream = generator(count, classes)
    labels = torch.arange(count) % classes
    centres = 10 * torch.randn(classes, width, generator=stream)
    return centres[labels] + torch.randn(count, width, generator=stream), labels


def dense(features: Tensor) -> np.ndarray:
    """The graph by its definition, all pairs of rows, in NumPy."""
    rows = features.double().numpy()
    apart = np.sqrt(((rows[:, None] - rows) ** 2).sum(2))
    ordered = np.sort(apart, 1)
    reach = ordered[:, NEIGHBOURS]
    near = (apart <= reach[:, None]) & ~np.eye(len(rows), dtype=bool)
    weights = np.exp(-(apart**2) / np.outer(reach, reach)) * near
    weights = weights + weights.T
    roots = np.sqrt(weights.sum(1))
    return weights / np.outer(roots, roots)


def test_labels_spread_as_by_the_inverse_of_the_whole_graph() -> None:
    features, labels = clouds(60, 3)
    known = torch.tensor([0, 1, 2, 9])
    told = np.zeros((60, 3))
    told[known, labels[known]] = 1
    beliefs = np.linalg.solve(np.eye(60) - INERTIA * dense(features), told)
    shares = (told.sum(0) + 1) / 7
    squares = (beliefs * shares / beliefs.sum(0)) ** 2
    found = Graph(features).spread(known, one_hot(labels[known]).double())
    reached = found.sum(1) > 0
    expected = (squares / squares.sum(1, keepdims=True))[reached]
    np.testing.assert_allclose(found[reached], expected, atol=1e-3)


def test_one_label_a_cloud_is_enough() -> None:
    features, labels = clouds(300, 3)
    found = Graph(features).spread(torch.arange(3), torch.eye(3, dtype=torch.double))
    assert float((found.argmax(1) == labels).float().mean()) > 0.98


def test_a_row_that_no_label_reaches_has_no_probabilities() -> None:
    features, labels = clouds(80, 2)
    features = features + 1000.0 * labels[:, None]
    found = Graph(features).spread(torch.tensor([0]), torch.tensor([[1.0, 0.0]]).double())
    assert torch.equal(found.sum(1) > 0, labels == 0)


def test_copies_of_a_row_and_less_rows_than_neighbours_are_no_trouble() -> None:
    for features in (
        torch.ones(40, 3),
        torch.randn(4, 3, generator=generator(0)),
        torch.ones(1, 3),
    ):
        found = Graph(features).spread(torch.tensor([0]), torch.ones(1, 1).double())
        assert bool(found.isfinite().all())


def test_a_large_pool_finds_nearly_all_neighbours_without_all_pairs(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    features, _ = clouds(2_000, 20)
    compared = 0

    def counting(rows: Tensor, anchors: Tensor, count: int) -> tuple[Tensor, Tensor]:
        nonlocal compared
        compared += len(rows) * len(anchors)
        return neighbours(rows, anchors, count)

    exact = Graph(features)._links.indices()
    monkeypatch.setattr(spreading, "EXACT", 100)
    monkeypatch.setattr(spreading, "CELLS", 64)
    monkeypatch.setattr(spreading, "neighbours", counting)
    found = Graph(features)._links.indices()
    assert compared < 0.4 * 2_000**2
    both = {tuple(edge) for edge in exact.T.tolist()} & {tuple(edge) for edge in found.T.tolist()}
    assert len(both) > 0.95 * exact.shape[1]
