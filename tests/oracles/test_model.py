from collections.abc import Callable

import pytest
import torch
from autoal.strategies.uncertainty import Margin
from torch import Tensor

from autoal import QueryStrategy, View
from autoal.errors import UserError
from autoal.oracles.model import ByModel, ByStrategy, labeler, places
from autoal.query.strategy import Reads
from autoal.testing import make_view


class Parity(QueryStrategy):
    """Labels a place by whether it is odd."""

    reads: Reads = ()

    def score(self, view: View, budget: int) -> Tensor:
        return torch.zeros(len(view.pool))

    def labels(self, view: View, places: Tensor) -> Tensor:
        return places % 2


def test_the_oracle_needs_nobody_in_its_place() -> None:
    assert labeler("oracle", Margin()) is None


def test_a_strategy_labels_the_places_of_the_rows() -> None:
    view = make_view()
    wanted = torch.tensor([5, 2, 8])
    label = labeler("salutary", Parity())
    assert isinstance(label, ByStrategy)
    assert label(view, view.pool.rows[wanted]).tolist() == [1, 0, 0]


def test_the_model_labels_by_what_it_predicts() -> None:
    view = make_view()
    wanted = torch.tensor([7, 0, 3, 21])
    label = labeler("pseudo", Margin())
    assert isinstance(label, ByModel)
    expected = view.pool.head(view.pool.embeddings[wanted])
    assert label(view, view.pool.rows[wanted]).tolist() == expected.argmax(1).tolist()
    assert len(set(view.pool.probs.argmax(1).tolist())) > 1


def test_rows_are_found_in_a_pool_of_any_order(view_of: Callable[..., View]) -> None:
    view = view_of(torch.eye(4), rows=torch.tensor([30, 10, 40, 20]))
    assert places(view.pool, torch.tensor([10, 40, 20])).tolist() == [1, 2, 3]
    assert ByModel()(view, torch.tensor([10, 40, 20])).tolist() == [1, 2, 3]


def test_an_unknown_labeler_is_refused_with_the_nearest() -> None:
    with pytest.raises(UserError, match="unknown labeler 'pseudoo'; did you mean 'pseudo'"):
        labeler("pseudoo", Margin())


def test_a_strategy_that_gives_no_labels_is_refused_by_name() -> None:
    told = "labeler=salutary goes with a strategy that gives labels.*; Margin gives none"
    with pytest.raises(UserError, match=told):
        labeler("salutary", Margin())
    with pytest.raises(UserError, match=told):
        Margin().labels(make_view(), torch.arange(2))
