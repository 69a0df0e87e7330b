import weakref
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import pytest
import torch
from torch import Tensor, nn

from autoal import Features, Rows, View
from autoal.model.predictions import DRAWN_DROPOUT, DRAWS, Head
from autoal.seeding import generator, seeded

EMBEDDINGS = torch.randn(6, 5, generator=generator(0, "embeddings"))
ROWS = torch.arange(10, 16)
SOURCE = Rows.of(torch.arange(20, dtype=torch.uint8).view(20, 1, 1, 1))


@pytest.fixture
def head() -> nn.Linear:
    with seeded(0, "head"):
        return nn.Linear(5, 3)


@pytest.fixture
def make(head: nn.Linear) -> Callable[..., Features]:
    def build(
        dropout: float = 0.0, seed: int = 0, looks: list[str] | None = None, **options: Any
    ) -> Features:
        counted = [] if looks is None else looks

        def look() -> Tensor:
            counted.append("look")
            return EMBEDDINGS

        return Features(SOURCE, ROWS, look, Head(head, dropout, seed), **options)

    return build


def seen_as(embeddings: Tensor, head: nn.Module, dropout: float = 0.0, **options: Any) -> Features:
    """Rows whose embeddings are these."""
    rows = torch.arange(len(embeddings))
    source = Rows.of(torch.empty(len(rows), 0))
    return Features(source, rows, lambda: embeddings, Head(head, dropout), **options)


def test_nothing_is_computed_before_somebody_asks(make: Callable[..., Features]) -> None:
    looks: list[str] = []
    features = make(looks=looks)
    assert len(features) == 6
    assert features.rows.tolist() == list(range(10, 16))
    assert looks == []


def test_all_that_can_be_read_costs_one_pass_of_the_backbone(
    make: Callable[..., Features], head: nn.Linear
) -> None:
    looks: list[str] = []
    features = make(dropout=0.3, looks=looks)
    for _ in range(2):
        assert features.drawn_probs.shape == (DRAWS, 6, 3)
        assert features.probs.shape == (6, 3)
        torch.testing.assert_close(features.logits, head(EMBEDDINGS))
        assert torch.equal(features.embeddings, EMBEDDINGS)
        assert features.inputs.flatten().tolist() == list(range(10, 16))
        assert features.inputs.shape == (6, 1, 1, 1)
    assert looks == ["look"]


def test_what_was_computed_is_kept(make: Callable[..., Features]) -> None:
    features = make(dropout=0.3)
    for name in ("inputs", "embeddings", "logits", "probs", "drawn_probs"):
        assert getattr(features, name) is getattr(features, name)


def test_reading_the_inputs_alone_costs_no_pass(make: Callable[..., Features]) -> None:
    looks: list[str] = []
    assert len(make(looks=looks).inputs) == 6
    assert looks == []


def test_probabilities_are_the_softmax_of_the_logits(make: Callable[..., Features]) -> None:
    features = make()
    exponents = features.logits.double().exp()
    expected = exponents / exponents.sum(1, keepdim=True)
    torch.testing.assert_close(features.probs.double(), expected, rtol=1e-5, atol=1e-7)


def test_draws_follow_from_the_seed_and_not_from_the_global_stream(
    make: Callable[..., Features],
) -> None:
    torch.manual_seed(1)
    first = make(dropout=0.5, seed=3).drawn_probs
    expected = torch.rand(2)
    torch.manual_seed(2)
    assert torch.equal(make(dropout=0.5, seed=3).drawn_probs, first)
    assert not torch.equal(make(dropout=0.5, seed=4).drawn_probs, first)
    torch.manual_seed(1)
    assert torch.equal(torch.rand(2), expected)


def test_draws_differ_from_each_other_and_are_probabilities(
    make: Callable[..., Features],
) -> None:
    drawn = make(dropout=0.5).drawn_probs
    assert len({tuple(draw.flatten().tolist()) for draw in drawn}) > DRAWS // 2  # of 32 masks
    torch.testing.assert_close(drawn.sum(2), torch.ones(DRAWS, 6))


def test_a_network_without_dropout_is_drawn_at_a_rate_of_its_own(
    make: Callable[..., Features],
) -> None:
    assert torch.equal(make(dropout=0.0).drawn_probs, make(dropout=DRAWN_DROPOUT).drawn_probs)


def test_a_draw_drops_embeddings_and_scales_the_others_up() -> None:
    # Row i has a one in column i alone, so that its logit shows what became of that column.
    head = nn.Linear(400, 2)
    with torch.no_grad():
        head.weight.copy_(torch.tensor([[1.0], [0.0]]).expand(2, 400))
        head.bias.zero_()
    first = seen_as(torch.eye(400), head, dropout=0.2).drawn_probs[:, :, 0]
    passed = torch.isclose(first, torch.tensor(1 / 0.8).sigmoid())
    assert bool((passed | torch.isclose(first, torch.tensor(0.5))).all())
    assert 0.78 < float(passed.float().mean()) < 0.82  # 8,000 draws: a standard deviation of 0.0045


def test_all_rows_share_the_mask_of_a_draw() -> None:
    same = torch.randn(1, 5, generator=generator(0)).expand(6, -1)
    with seeded(0):
        head = nn.Linear(5, 3)
    features = seen_as(same, head, dropout=0.5)
    torch.testing.assert_close(features.drawn_probs, features.drawn_probs[:, :1].expand(-1, 6, -1))


def test_blocks_make_no_difference(
    make: Callable[..., Features], monkeypatch: pytest.MonkeyPatch
) -> None:
    whole = make(dropout=0.5)
    expected = whole.logits, whole.drawn_probs
    monkeypatch.setattr("autoal.model.predictions.BLOCK", 4)
    parts = make(dropout=0.5)
    torch.testing.assert_close((parts.logits, parts.drawn_probs), expected)


def test_half_precision_is_computed_with_in_float32(head: nn.Linear) -> None:
    half = EMBEDDINGS.bfloat16()
    features = seen_as(half, head)
    assert features.embeddings.dtype == torch.bfloat16
    torch.testing.assert_close(features.logits, head(half.float()))


def test_features_that_are_not_finite_are_refused(head: nn.Linear) -> None:
    broken = EMBEDDINGS.clone()
    broken[2, 1], broken[4, 0] = torch.nan, torch.inf
    features = seen_as(broken, head)
    with pytest.raises(ValueError, match="features of 2 of 6 rows are not finite"):
        _ = features.probs


@pytest.mark.parametrize("broken", [torch.nan, torch.inf])
@pytest.mark.parametrize("name", ["probs", "drawn_probs"])
def test_predictions_that_are_not_finite_are_refused(
    head: nn.Linear, broken: float, name: str
) -> None:
    with torch.no_grad():
        head.bias[1] = broken
    features = seen_as(EMBEDDINGS, head)
    with pytest.raises(ValueError, match="predictions of 6 of 6 rows are not finite"):
        getattr(features, name)


def test_a_class_may_be_impossible(head: nn.Linear) -> None:
    with torch.no_grad():
        head.bias[1] = -torch.inf
    assert not seen_as(EMBEDDINGS, head).probs[:, 1].any()


def test_the_embedding_is_the_last_of_the_stages(head: nn.Linear) -> None:
    activations = torch.randn(6, 9, generator=generator(0))
    features = seen_as(activations, head, width=5)
    assert features.has_stages
    assert torch.equal(features.stages, activations)
    assert torch.equal(features.embeddings, activations[:, 4:])
    torch.testing.assert_close(features.logits, head(activations[:, 4:]))


def test_stages_must_be_asked_for(make: Callable[..., Features]) -> None:
    assert not make().has_stages
    with pytest.raises(RuntimeError, match="`reads`"):
        _ = make().stages


@pytest.mark.parametrize("rows", [[7, 3, 9, 4], [3, 4, 4, 7]])
def test_rows_that_do_not_ascend_are_refused(rows: list[int]) -> None:
    with pytest.raises(ValueError, match="`rows` must be ascending row numbers, each once"):
        Features(SOURCE, torch.tensor(rows), lambda: EMBEDDINGS, Head(nn.Identity()))


def test_the_mean_over_the_draws_is_near_the_prediction() -> None:
    embeddings = torch.randn(5, 400, generator=generator(0))
    with seeded(0):
        head = nn.Linear(400, 3)
    features = seen_as(embeddings, head, dropout=0.1)
    difference = features.drawn_probs.mean(0) - features.probs
    assert 0 < float(difference.abs().max()) < 0.05


def test_results_can_enter_a_gradient_later(make: Callable[..., Features], head: nn.Linear) -> None:
    features = make(dropout=0.5)
    weight = torch.ones(3, requires_grad=True)
    for name in ("logits", "probs", "drawn_probs"):
        result = getattr(features, name)
        assert not result.requires_grad
        assert not result.is_inference()
        (weight * result * weight).sum().backward()  # keeps the result for the way back
    assert weight.grad is not None
    assert bool((weight.grad != 0).all())
    assert head.weight.grad is None


def test_no_rows_have_no_features(head: nn.Linear) -> None:
    features = seen_as(torch.empty(0, 5), head)
    assert features.logits.shape == features.probs.shape == (0, 3)
    assert features.drawn_probs.shape == (DRAWS, 0, 3)


def test_a_look_lets_go_of_what_it_looked_through(head: nn.Linear) -> None:
    class Network:
        """Something that is kept as long as somebody can look through it."""

    network, gone = Network(), list[bool]()
    weakref.finalize(network, gone.append, True)
    held = network

    def look(network: Network = held) -> Tensor:
        return EMBEDDINGS

    features = Features(SOURCE, ROWS, look, Head(head))
    del network, held, look
    assert gone == []
    _ = features.embeddings
    assert gone == [True]


@pytest.mark.parametrize("name", ["embeddings", "probs", "drawn_probs"])
def test_a_clock_runs_while_the_model_looks(make: Callable[..., Features], name: str) -> None:
    events: list[str] = []

    @contextmanager
    def clock() -> Iterator[None]:
        events.append("begin")
        yield
        events.append("end")

    features = make(looks=events, clock=clock)
    getattr(features, name)
    getattr(features, name)
    assert events == ["begin", "look", "end"]


# Derived features


def test_some_rows_are_taken_without_another_look(make: Callable[..., Features]) -> None:
    looks: list[str] = []
    whole, places = make(dropout=0.5, looks=looks), torch.tensor([0, 3, 4])
    some = whole.take(places)
    assert looks == []
    assert some.rows.tolist() == [10, 13, 14]
    assert some.inputs.flatten().tolist() == [10, 13, 14]
    assert torch.equal(some.embeddings, EMBEDDINGS[places])
    torch.testing.assert_close(some.logits, whole.logits[places])
    torch.testing.assert_close(some.drawn_probs, whole.drawn_probs[:, places])  # the same masks
    assert looks == ["look"]
    assert some.take(torch.tensor([1])).rows.tolist() == [13]


def test_places_that_do_not_ascend_are_refused(make: Callable[..., Features]) -> None:
    with pytest.raises(ValueError, match="`rows` must be ascending"):
        make().take(torch.tensor([3, 0]))


def test_the_stages_of_some_rows_are_taken_too(head: nn.Linear) -> None:
    activations = torch.randn(6, 9, generator=generator(0))
    some = seen_as(activations, head, width=5).take(torch.tensor([1, 5]))
    assert torch.equal(some.stages, activations[[1, 5]])
    assert torch.equal(some.embeddings, activations[[1, 5], 4:])


def test_the_same_rows_can_be_predicted_by_another_head(make: Callable[..., Features]) -> None:
    looks: list[str] = []
    features = make(dropout=0.5, looks=looks)
    with seeded(1, "head"):
        other = nn.Linear(5, 4)
    under = features.under(other, seed=7)
    torch.testing.assert_close(under.logits, other(EMBEDDINGS))
    assert under.drawn_probs.shape == (DRAWS, 6, 4)
    assert torch.equal(under.embeddings, features.embeddings)
    assert looks == ["look"]


def test_without_another_head_only_the_draws_change(make: Callable[..., Features]) -> None:
    features = make(dropout=0.5, seed=3)
    under = features.under(None, seed=7)
    assert torch.equal(under.logits, features.logits)
    assert not torch.equal(under.drawn_probs, features.drawn_probs)
    assert torch.equal(under.drawn_probs, make(dropout=0.5, seed=7).drawn_probs)


def test_features_are_cooled_by_a_temperature(make: Callable[..., Features]) -> None:
    features = make(dropout=0.5)
    cool = features.cooled(4.0)
    torch.testing.assert_close(cool.logits, features.logits / 4)
    softer = (features.drawn_probs.log() / 4).softmax(2)
    torch.testing.assert_close(cool.drawn_probs, softer)
    torch.testing.assert_close(cool.cooled(0.5).logits, features.logits / 2)


def test_a_view_gives_a_fresh_stream_at_every_call(view_of: Callable[..., View]) -> None:
    probs = torch.full((2, 2), 0.5)
    view = view_of(probs, seed=4)
    first = torch.rand(3, generator=view.generator())
    torch.manual_seed(9)
    assert torch.equal(torch.rand(3, generator=view.generator()), first)
    assert torch.equal(torch.rand(3, generator=view_of(probs, seed=4).generator()), first)
    assert not torch.equal(torch.rand(3, generator=view_of(probs, seed=5).generator()), first)
