import torch
from torch.nn.functional import cross_entropy

from autoal.model.loss import partial_losses, told_loss

LOGITS = torch.randn(4, 3, generator=torch.Generator().manual_seed(0), dtype=torch.double)


def test_beliefs_that_labels_stand_for_are_the_cross_entropy() -> None:
    labels = torch.tensor([0, 2, 1, 1])
    sure = torch.eye(3).double()[labels]
    for smoothing in (0.0, 0.1):
        expected = cross_entropy(LOGITS, labels, label_smoothing=smoothing)
        found = told_loss(LOGITS, labels, sure, label_smoothing=smoothing)
        torch.testing.assert_close(found, expected)


def test_all_classes_but_one_ruled_out_is_its_label() -> None:
    labels, left = torch.tensor([0, 2, -1, -1]), torch.eye(3).double()[[0, 2, 1, 1]]
    torch.testing.assert_close(
        told_loss(LOGITS, labels, left), cross_entropy(LOGITS, torch.tensor([0, 2, 1, 1]))
    )


def test_the_loss_by_hand() -> None:
    logits = torch.tensor([[0.5, 0.25, 0.25], [0.2, 0.3, 0.5]]).log()
    beliefs = torch.tensor([[0.5, 0.5, 0.0], [1.0, 0.0, 1.0]])  # soft; one of two that are left
    soft = -(0.5 * torch.tensor(0.5).log() + 0.5 * torch.tensor(0.25).log())
    expected = (soft - torch.tensor(0.7).log()) / 2
    torch.testing.assert_close(told_loss(logits, torch.tensor([0, -1]), beliefs), expected)


def test_the_gradient_is_that_of_finite_differences() -> None:
    labels = torch.tensor([0, -1, -1, 2])
    beliefs = torch.tensor([[0.7, 0.3, 0], [0, 1, 1], [1, 1, 1], [0, 0, 1]]).double()
    logits = LOGITS.clone().requires_grad_()
    assert torch.autograd.gradcheck(lambda given: told_loss(given, labels, beliefs), (logits,))


def test_a_row_without_a_label_counts_as_much_as_its_weight() -> None:
    labels, left = torch.tensor([-1, -1, -1, -1]), torch.ones(4, 3).double()
    left[:, 0] = 0
    each = partial_losses(LOGITS, left)
    torch.testing.assert_close(partial_losses(LOGITS, 2.5 * left), 2.5 * each)
    torch.testing.assert_close(told_loss(LOGITS, labels, 2.5 * left), 2.5 * each.mean())
