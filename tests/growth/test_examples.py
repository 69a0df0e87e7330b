import torch

from autoal.growth.examples import at_random, by_class
from autoal.growth.ground import Ground
from autoal.seeding import generator
from tests.growth.pool import data_of, view_of


def test_examples_are_drawn_from_the_rows_that_are_there() -> None:
    asks = at_random(torch.tensor([3, 5, 9]), "similar", 2, 20, generator(0, "x"))
    assert len(asks) == 20
    assert all(len({*ask.examples} & {3, 5, 9}) == 2 for ask in asks)
    assert len({ask.examples for ask in asks}) == 6
    assert {ask.wanted + ask.style for ask in asks} == {""}


def test_styles_take_turns() -> None:
    asks = at_random(torch.arange(9), "style", 1, 6, generator(0, "x"))
    assert len({ask.style for ask in asks}) == 5
    assert asks[0].style == asks[5].style


def test_classes_take_turns_with_labelled_rows_of_their_own() -> None:
    data = data_of()
    labelled = data.train.labels
    asks = by_class(view_of(data, range(7)), "conditional", Ground(data), 3, 4, generator(0, "x"))
    assert [ask.wanted for ask in asks] == ["bad", "good", "bad", "good"]
    for ask in asks:
        assert {*ask.examples} <= {*range(7)}
        assert {("bad", "good")[label] for label in labelled[list(ask.examples)]} == {ask.wanted}


def test_the_minority_is_the_class_with_the_fewest_labels() -> None:
    data = data_of()
    good = (data.train.labels == 1).nonzero().flatten().tolist()
    bad = (data.train.labels == 0).nonzero().flatten().tolist()
    view = view_of(data, [*good[:4], *bad[:2]])
    asks = by_class(view, "minority", Ground(data), 3, 3, generator(0, "x"))
    assert [ask.wanted for ask in asks] == ["bad"] * 3
    assert all({*ask.examples} == {*bad[:2]} for ask in asks)
