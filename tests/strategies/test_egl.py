import pytest
import torch
from autoal.strategies.gradient import Egl
from torch import nn

from autoal import View, select
from autoal.seeding import generator


def linear(width: int, classes: int, scale: float = 1.0) -> nn.Linear:
    head, stream = nn.Linear(width, classes), generator(0)
    with torch.no_grad():
        head.weight.copy_(scale * torch.randn(classes, width, generator=stream))
        head.bias.copy_(scale * torch.randn(classes, generator=stream))
    return head


def test_egl_by_hand() -> None:
    # Two classes: |p - e_c| is sqrt(2) times the chance of the other, so the mean is
    # sqrt(2) * 2 p (1 - p); the lengths with the bias's 1 are 3 and 1.
    head = nn.Linear(2, 2)
    with torch.no_grad():
        head.weight.zero_()
        head.bias.copy_(torch.tensor([3.0, 1.0]).log())
    scores = Egl().score(View.of([[2.0, 2.0], [0.0, 0.0]], head=head), 1)
    mean = 2**0.5 * 2 * 0.75 * 0.25
    torch.testing.assert_close(scores, torch.tensor([3 * mean, mean]))


def test_egl_equals_the_mean_length_of_the_gradients_by_autograd() -> None:
    embeddings = torch.randn(12, 5, generator=generator(1))
    head = linear(5, 4)
    scores = Egl().score(View.of(embeddings, head=head), 1)
    for row, embedding in enumerate(embeddings):
        expected = 0.0
        for label in range(4):
            logits = head(embedding[None])
            loss = nn.functional.cross_entropy(logits, torch.tensor([label]))
            gradients = torch.autograd.grad(loss, list(head.parameters()))
            length = torch.cat([gradient.flatten() for gradient in gradients]).norm()
            expected += float(logits.detach().softmax(1)[0, label] * length)
        assert float(scores[row]) == pytest.approx(expected, rel=1e-4)


def test_sure_rows_are_still_told_apart() -> None:
    # Chances of 1e-4, 1e-5, 1e-6 of the second class, whose squares are lost next to 1.
    embeddings = torch.tensor([[1e-4], [1e-5], [1e-6]]).log()
    head = nn.Linear(1, 2)
    with torch.no_grad():
        head.weight.copy_(torch.tensor([[0.0], [1.0]]))
        head.bias.zero_()
    view = View.of(embeddings, head=head)
    lengths = (embeddings[:, 0] ** 2 + 1).sqrt()
    expected = 2**0.5 * 2 * torch.tensor([1e-4, 1e-5, 1e-6]) * lengths
    torch.testing.assert_close(Egl().score(view, 1), expected, rtol=0.1, atol=0)


@pytest.mark.parametrize("kind", [torch.float16, torch.bfloat16])
def test_half_precision_is_computed_with_in_float32(kind: torch.dtype) -> None:
    embeddings = (300 * torch.randn(9, 6, generator=generator(1))).to(kind)  # squares overflow
    head = linear(6, 3, scale=0.001)
    scores = Egl().score(View.of(embeddings, head=head), 1)
    torch.testing.assert_close(scores, Egl().score(View.of(embeddings.float(), head=head), 1))
    assert bool(scores.isfinite().all())


@pytest.mark.parametrize(("n", "classes"), [(1, 2), (1, 200), (9, 200)])
def test_small_pools_many_classes_and_a_budget_of_all(n: int, classes: int) -> None:
    view = View.of(torch.randn(n, 5, generator=generator(2)), head=linear(5, classes, 10.0))
    assert sorted(select(Egl(), view, n).tolist()) == list(range(n))


def test_blocks_make_no_difference(monkeypatch: pytest.MonkeyPatch) -> None:
    view = View.of(torch.randn(20, 5, generator=generator(2)), head=linear(5, 3))
    expected = Egl().score(view, 1)
    monkeypatch.setattr("autoal.maths.geometry.BLOCK", 15)
    torch.testing.assert_close(Egl().score(view, 1), expected)


def test_a_certain_row_scores_zero() -> None:
    head = linear(5, 3, scale=1000.0)
    view = View.of(torch.randn(4, 5, generator=generator(2)), head=head)
    assert bool((view.pool.probs.amax(1) == 1).all())
    assert Egl().score(view, 1).tolist() == [0, 0, 0, 0]


def test_it_says_what_it_reads() -> None:
    assert Egl.reads == ("embeddings", "probs")
