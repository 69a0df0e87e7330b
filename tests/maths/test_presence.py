"""The information of words about classes, by hand and by scikit-learn."""

from math import log, log2

import pytest
import torch
from sklearn.metrics import mutual_info_score

from autoal.maths.presence import presence_gains, speaking_for


def test_a_gain_is_worked_by_hand() -> None:
    """Four texts, two of each class: a word in both of one class tells all, one in both nothing."""
    inside, total = torch.tensor([[2.0, 0.0], [1.0, 1.0], [1.0, 0.0]]), torch.tensor([2.0, 2.0])
    left = -(1 / 3) * log2(1 / 3) - (2 / 3) * log2(2 / 3)  # of the three texts without the word
    expected = [1.0, 0.0, 1 - 3 / 4 * left]
    assert presence_gains(inside, total).tolist() == pytest.approx(expected)


def test_a_gain_is_the_mutual_information_of_scikit_learn() -> None:
    stream = torch.Generator().manual_seed(0)
    labels = torch.randint(3, (50,), generator=stream)
    has = torch.rand(50, 4, generator=stream) < 0.1 + 0.2 * labels[:, None]
    truth = torch.nn.functional.one_hot(labels).double()
    found = presence_gains(has.double().T @ truth, truth.sum(0))
    expected = [mutual_info_score(labels, each) / log(2) for each in has.T]
    assert found.tolist() == pytest.approx(expected)


def test_probable_classes_count_as_far_as_they_are_likely() -> None:
    probs = torch.tensor([[0.8, 0.2], [0.4, 0.6]])
    alone = -0.6 * log2(0.6) - 0.4 * log2(0.4)
    within = [-p * log2(p) - (1 - p) * log2(1 - p) for p in (0.8, 0.4)]
    found = presence_gains(probs[:1], probs.sum(0))
    assert found.tolist() == pytest.approx([alone - sum(within) / 2])


def test_a_word_speaks_for_the_class_that_has_it_most_above_all_texts() -> None:
    """8 + 2 texts: what 3 of the one and 2 of the other have speaks for the rare one."""
    inside, total = torch.tensor([[3.0, 2.0], [4.0, 1.0], [0.0, 0.0]]), torch.tensor([8.0, 2.0])
    labels, bits = speaking_for(inside, total)
    rare = (2 + 2 * 0.2) / (5 + 2)
    expected = (1 - rare) * log2((1 - rare) / 0.8) + rare * log2(rare / 0.2)
    assert labels[0] == 1
    assert bits.tolist() == pytest.approx([expected, 0.0, 0.0], abs=1e-12)


def test_a_class_without_texts_is_spoken_for_by_nothing() -> None:
    labels, bits = speaking_for(torch.tensor([[3.0, 0.0, 1.0]]), torch.tensor([4.0, 0.0, 4.0]))
    assert labels.tolist() == [0]
    assert bits.isfinite().all()
