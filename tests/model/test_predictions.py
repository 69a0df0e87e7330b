import pytest
import torch
from torch import Tensor, nn

from autoal import Features, Rows
from autoal.errors import UserError
from autoal.model.predictions import Given, Head
from autoal.seeding import generator, seeded

EMBEDDINGS = torch.randn(6, 5, generator=generator(0, "embeddings"))
ROWS = torch.arange(10, 16)
SOURCE = Rows.of(torch.empty(20, 0))
LOGITS = torch.randn(6, 3, generator=generator(0, "logits"))
DRAWN = torch.randn(4, 6, 3, generator=generator(0, "drawn"))


@pytest.fixture
def head() -> nn.Linear:
    with seeded(0, "head"):
        return nn.Linear(5, 3)


def given(drawn: Tensor | None = DRAWN, calls: list[str] | None = None) -> Features:
    """Rows of which somebody says what they are."""
    counted = [] if calls is None else calls

    def logits() -> Tensor:
        counted.append("logits")
        return LOGITS

    predictions = Given(logits, None if drawn is None else lambda: drawn)
    return Features(SOURCE, ROWS, lambda: EMBEDDINGS, predictions)


def test_given_predictions_are_given_once_and_without_embeddings() -> None:
    calls: list[str] = []
    features = given(calls=calls)
    assert calls == []
    assert torch.equal(features.logits, LOGITS)
    torch.testing.assert_close(features.probs, LOGITS.softmax(1))
    torch.testing.assert_close(features.drawn_probs, DRAWN.softmax(2))
    assert calls == ["logits"]


def test_given_predictions_of_some_rows_are_those_of_the_whole() -> None:
    calls: list[str] = []
    whole, places = given(calls=calls), torch.tensor([1, 4])
    some = whole.take(places)
    assert torch.equal(some.logits, LOGITS[places])
    torch.testing.assert_close(some.drawn_probs, whole.drawn_probs[:, places])
    assert torch.equal(some.take(torch.tensor([1])).logits, LOGITS[[4]])
    assert torch.equal(some.embeddings, EMBEDDINGS[places])
    assert calls == ["logits"]


def test_given_predictions_can_be_cooled_and_replaced(head: nn.Linear) -> None:
    features = given()
    torch.testing.assert_close(features.cooled(2.0).logits, LOGITS / 2)
    torch.testing.assert_close(features.cooled(2.0).drawn_probs, (DRAWN / 2).softmax(2))
    torch.testing.assert_close(features.under(head, 0).logits, head(EMBEDDINGS))
    assert torch.equal(features.under(None, 5).logits, LOGITS)
    torch.testing.assert_close(features.under(None, 5).drawn_probs, features.drawn_probs)


@pytest.mark.parametrize("change", ["itself", "some", "cooled"])
def test_draws_that_nobody_gave_are_refused(change: str) -> None:
    features = given(drawn=None)
    changed = {
        "itself": features,
        "some": features.take(torch.tensor([1])),
        "cooled": features.cooled(2.0),
    }[change]
    with pytest.raises(UserError, match=r"without draws.*give a model that draws, or draws="):
        _ = changed.drawn_probs


@pytest.mark.parametrize("dtype", [torch.float32, torch.float16])
def test_a_head_says_what_it_makes_of_any_embeddings(head: nn.Linear, dtype: torch.dtype) -> None:
    features = Features(SOURCE, ROWS, lambda: EMBEDDINGS.to(dtype), Head(head))
    points = EMBEDDINGS[:2].to(dtype) + 1
    torch.testing.assert_close(features.logits_at(points), head(points.float()))
    some = features.take(torch.tensor([1])).cooled(2.0)
    torch.testing.assert_close(some.logits_at(points), head(points.float()) / 2)


def test_what_a_head_makes_of_embeddings_can_be_differentiated(head: nn.Linear) -> None:
    points = EMBEDDINGS.clone().requires_grad_()
    found = Features(SOURCE, ROWS, lambda: EMBEDDINGS, Head(head)).logits_at(points)
    (slopes,) = torch.autograd.grad(found[:, 0].sum(), points)
    torch.testing.assert_close(slopes, head.weight[:1].expand_as(slopes))


@pytest.mark.parametrize("change", ["itself", "some", "cooled"])
def test_given_predictions_say_nothing_of_other_embeddings(change: str) -> None:
    whole = given()
    changed = {"itself": whole, "some": whole.take(ROWS[:0]), "cooled": whole.cooled(2.0)}[change]
    with pytest.raises(UserError, match=r"without a head.*give a network .*, or head="):
        changed.logits_at(EMBEDDINGS)


def test_given_predictions_that_are_not_finite_are_refused() -> None:
    broken = LOGITS.clone()
    broken[3, 0] = torch.nan
    features = Features(SOURCE, ROWS, lambda: EMBEDDINGS, Given(lambda: broken))
    with pytest.raises(ValueError, match="predictions of 1 of 6 rows are not finite"):
        _ = features.probs
