from collections.abc import Callable

import pytest
import torch
from torch import Tensor, nn

from autoal import Features, View
from autoal.model.features import DRAWN_DROPOUT, DRAWS
from autoal.seeding import generator, seeded

EMBEDDINGS = torch.randn(6, 5, generator=generator(0, "embeddings"))


@pytest.fixture
def head() -> nn.Linear:
    with seeded(0, "head"):
        return nn.Linear(5, 3)


@pytest.fixture
def make(head: nn.Linear) -> Callable[..., Features]:
    def build(dropout: float = 0.0, seed: int = 0, calls: list[str] | None = None) -> Features:
        counted = [] if calls is None else calls

        def inputs() -> Tensor:
            counted.append("inputs")
            return torch.arange(6, dtype=torch.uint8).view(6, 1, 1, 1)

        def embed(images: Tensor) -> Tensor:
            counted.append("embed")
            return EMBEDDINGS[images.flatten().long()]

        return Features(torch.arange(10, 16), inputs, embed, head, dropout, seed)

    return build


def test_nothing_is_computed_before_somebody_asks(make: Callable[..., Features]) -> None:
    calls: list[str] = []
    features = make(calls=calls)
    assert len(features) == 6
    assert features.rows.tolist() == list(range(10, 16))
    assert calls == []


def test_all_that_can_be_read_costs_one_pass_of_the_backbone(
    make: Callable[..., Features], head: nn.Linear
) -> None:
    calls: list[str] = []
    features = make(dropout=0.3, calls=calls)
    for _ in range(2):
        assert features.drawn_probs.shape == (DRAWS, 6, 3)
        assert features.probs.shape == (6, 3)
        torch.testing.assert_close(features.logits, head(EMBEDDINGS))
        assert torch.equal(features.embeddings, EMBEDDINGS)
        assert features.inputs.shape == (6, 1, 1, 1)
    assert calls == ["inputs", "embed"]


def test_what_was_computed_is_kept(make: Callable[..., Features]) -> None:
    features = make(dropout=0.3)
    for name in ("inputs", "embeddings", "order", "logits", "probs", "drawn_probs"):
        assert getattr(features, name) is getattr(features, name)


def test_reading_the_inputs_alone_costs_no_pass(make: Callable[..., Features]) -> None:
    calls: list[str] = []
    assert len(make(calls=calls).inputs) == 6
    assert calls == ["inputs"]


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
    columns = torch.eye(400)
    head = nn.Linear(400, 2)
    with torch.no_grad():
        head.weight.copy_(torch.tensor([[1.0], [0.0]]).expand(2, 400))
        head.bias.zero_()
    features = Features(
        torch.arange(400), lambda: columns, lambda inputs: inputs, head, dropout=0.2
    )
    first = features.drawn_probs[:, :, 0]
    kept = torch.isclose(first, torch.tensor(1 / 0.8).sigmoid())
    assert bool((kept | torch.isclose(first, torch.tensor(0.5))).all())
    assert 0.78 < float(kept.float().mean()) < 0.82  # 8,000 draws: a standard deviation of 0.0045


def test_all_rows_share_the_mask_of_a_draw() -> None:
    same = torch.randn(1, 5, generator=generator(0)).expand(6, -1)
    with seeded(0):
        head = nn.Linear(5, 3)
    features = Features(torch.arange(6), lambda: same, lambda inputs: inputs, head, dropout=0.5)
    torch.testing.assert_close(features.drawn_probs, features.drawn_probs[:, :1].expand(-1, 6, -1))


def test_blocks_make_no_difference(
    make: Callable[..., Features], monkeypatch: pytest.MonkeyPatch
) -> None:
    whole = make(dropout=0.5)
    expected = whole.logits, whole.drawn_probs
    monkeypatch.setattr("autoal.model.features.BLOCK", 4)
    parts = make(dropout=0.5)
    torch.testing.assert_close((parts.logits, parts.drawn_probs), expected)


def test_half_precision_is_computed_with_in_float32(head: nn.Linear) -> None:
    half = EMBEDDINGS.bfloat16()
    features = Features(torch.arange(6), lambda: half, lambda inputs: inputs, head)
    assert features.embeddings.dtype == torch.bfloat16
    torch.testing.assert_close(features.logits, head(half.float()))


def test_features_that_are_not_finite_are_refused(head: nn.Linear) -> None:
    broken = EMBEDDINGS.clone()
    broken[2, 1], broken[4, 0] = torch.nan, torch.inf
    features = Features(torch.arange(6), lambda: broken, lambda inputs: inputs, head)
    with pytest.raises(ValueError, match="features of 2 of 6 rows are not finite"):
        _ = features.probs


@pytest.mark.parametrize("broken", [torch.nan, torch.inf])
@pytest.mark.parametrize("name", ["probs", "drawn_probs"])
def test_predictions_that_are_not_finite_are_refused(
    head: nn.Linear, broken: float, name: str
) -> None:
    with torch.no_grad():
        head.bias[1] = broken
    features = Features(torch.arange(6), lambda: EMBEDDINGS, lambda inputs: inputs, head)
    with pytest.raises(ValueError, match="predictions of 6 of 6 rows are not finite"):
        getattr(features, name)


def test_a_class_may_be_impossible(head: nn.Linear) -> None:
    with torch.no_grad():
        head.bias[1] = -torch.inf
    features = Features(torch.arange(6), lambda: EMBEDDINGS, lambda inputs: inputs, head)
    assert not features.probs[:, 1].any()


def test_the_embedding_is_the_last_of_the_stages(head: nn.Linear) -> None:
    seen = torch.randn(6, 9, generator=generator(0))
    features = Features(torch.arange(6), lambda: seen, lambda inputs: inputs, head, width=5)
    assert torch.equal(features.stages, seen)
    assert torch.equal(features.embeddings, seen[:, 4:])
    torch.testing.assert_close(features.logits, head(seen[:, 4:]))


def test_stages_must_be_asked_for(make: Callable[..., Features]) -> None:
    with pytest.raises(RuntimeError, match="`reads`"):
        _ = make().stages


def test_order_sorts_the_rows() -> None:
    rows = torch.tensor([7, 3, 9, 4])
    features = Features(rows, lambda: rows, lambda inputs: inputs, nn.Identity())
    assert rows[features.order].tolist() == [3, 4, 7, 9]


def test_the_mean_over_the_draws_is_near_the_prediction() -> None:
    embeddings = torch.randn(5, 400, generator=generator(0))
    with seeded(0):
        head = nn.Linear(400, 3)
    features = Features(
        torch.arange(5), lambda: embeddings, lambda inputs: inputs, head, dropout=0.1
    )
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


def test_a_view_gives_a_fresh_stream_at_every_call(view_of: Callable[..., View]) -> None:
    probs = torch.full((2, 2), 0.5)
    view = view_of(probs, seed=4)
    first = torch.rand(3, generator=view.generator())
    torch.manual_seed(9)
    assert torch.equal(torch.rand(3, generator=view.generator()), first)
    assert torch.equal(torch.rand(3, generator=view_of(probs, seed=4).generator()), first)
    assert not torch.equal(torch.rand(3, generator=view_of(probs, seed=5).generator()), first)
