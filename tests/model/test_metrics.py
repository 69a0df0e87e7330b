import numpy as np
import pytest
import torch
from sklearn.metrics import accuracy_score, balanced_accuracy_score, f1_score, log_loss
from torch import Tensor
from torch.nn.functional import cross_entropy
from torchmetrics import MeanMetric

# Not the function itself, since pytest would take its name for that of a test.
from autoal.model import metrics
from autoal.seeding import generator


def measured(logits: Tensor, labels: Tensor, size: int = 1000) -> dict[str, float]:
    collection = metrics.evaluation_metrics(logits.shape[1])
    for some_logits, some_labels in zip(logits.split(size), labels.split(size), strict=True):
        collection.update(some_logits, some_labels)
    return {name: float(value) for name, value in collection.compute().items()}


def random_case(seed: int, classes: int = 5, count: int = 200) -> tuple[Tensor, Tensor]:
    stream = generator(seed)
    labels = torch.randint(classes, (count,), generator=stream)
    logits = 2 * torch.randn(count, classes, generator=stream)
    logits[torch.arange(count), labels] += 1
    return logits, labels


def calibration_error(logits: Tensor, labels: Tensor) -> float:
    """Expected calibration error (Guo et al., 2017): 15 equal bins, the last with its upper end."""
    probs = logits.double().softmax(1).numpy()
    confidence, right = probs.max(1), probs.argmax(1) == labels.numpy()
    bins = np.minimum((confidence * 15).astype(int), 14)
    total = 0.0
    for number in range(15):
        inside = bins == number
        if inside.any():
            total += inside.mean() * abs(right[inside].mean() - confidence[inside].mean())
    return float(total)


@pytest.mark.parametrize("seed", [0, 1, 2])
def test_metrics_equal_those_of_scikit_learn(seed: int) -> None:
    logits, labels = random_case(seed)
    found = measured(logits, labels)
    predicted = logits.argmax(1)
    assert found["accuracy"] == pytest.approx(accuracy_score(labels, predicted))
    assert found["balanced_accuracy"] == pytest.approx(balanced_accuracy_score(labels, predicted))
    assert found["macro_f1"] == pytest.approx(f1_score(labels, predicted, average="macro"))
    assert found["nll"] == pytest.approx(log_loss(labels, logits.double().softmax(1)))
    assert found["ece"] == pytest.approx(calibration_error(logits, labels))


def test_a_class_that_is_predicted_but_never_occurs_counts_as_in_scikit_learn() -> None:
    logits, labels = random_case(3)
    labels[labels == 2] = 1
    predicted = logits.argmax(1)
    assert 2 in predicted
    found = measured(logits, labels)
    with pytest.warns(UserWarning, match="y_pred contains classes not in y_true"):
        recall = balanced_accuracy_score(labels, predicted)
    assert found["balanced_accuracy"] == pytest.approx(recall)
    assert found["macro_f1"] == pytest.approx(f1_score(labels, predicted, average="macro"))
    assert found["nll"] == pytest.approx(
        log_loss(labels, logits.double().softmax(1), labels=range(5))
    )


def test_a_class_that_neither_occurs_nor_is_predicted_does_not_count() -> None:
    logits, labels = random_case(4)
    logits[:, 2] = -100.0
    labels[labels == 2] = 1
    predicted = logits.argmax(1)
    found = measured(logits, labels)
    assert found["balanced_accuracy"] == pytest.approx(balanced_accuracy_score(labels, predicted))
    assert found["macro_f1"] == pytest.approx(f1_score(labels, predicted, average="macro"))


def test_metrics_by_hand() -> None:
    probs = torch.tensor([[0.8, 0.2], [0.8, 0.2], [0.8, 0.2], [0.3, 0.7]])
    found = measured(probs.log(), torch.tensor([0, 0, 1, 1]))
    assert found["accuracy"] == pytest.approx(3 / 4)
    assert found["balanced_accuracy"] == pytest.approx((2 / 2 + 1 / 2) / 2)
    assert found["macro_f1"] == pytest.approx((4 / 5 + 2 / 3) / 2)
    assert found["nll"] == pytest.approx(-np.log([0.8, 0.8, 0.2, 0.7]).mean())
    # Three rows in the bin of 0.8, two of them right; one row in that of 0.7, and right.
    assert found["ece"] == pytest.approx(3 / 4 * (0.8 - 2 / 3) + 1 / 4 * (1 - 0.7))


def test_metrics_do_not_depend_on_how_the_rows_are_batched() -> None:
    logits, labels = random_case(5)
    assert measured(logits, labels, size=7) == pytest.approx(measured(logits, labels))


def test_small_logits_are_not_taken_for_probabilities() -> None:
    logits, labels = random_case(6)
    logits = logits.sigmoid()  # all of them between 0 and 1, as those of a young network may be
    assert measured(logits, labels)["ece"] == pytest.approx(calibration_error(logits, labels))


def test_a_confidence_of_exactly_one_belongs_to_the_last_bin() -> None:
    # Right at 0.95 and wrong at 1: one bin, half of it right.
    logits = torch.tensor([[0.95, 0.05], [1.0, 0.0]]).log().clamp(min=-200)
    found = measured(logits, torch.tensor([0, 1]))
    assert found["ece"] == pytest.approx(abs(1 / 2 - 0.975), rel=1e-5)


@pytest.mark.parametrize("size", [7, 64, 1000])
def test_the_log_loss_is_what_adding_up_the_batches_gives_to_the_last_digit(size: int) -> None:
    logits, labels = random_case(4)
    reference = MeanMetric()
    for some_logits, some_labels in zip(logits.split(size), labels.split(size), strict=True):
        reference.update(cross_entropy(some_logits, some_labels, reduction="none"))
    assert measured(logits, labels, size)["nll"] == float(reference.compute())


def test_metrics_are_counted_by_one_process_unless_it_is_said(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """In the others of a run nobody may be counting, and would be waited for without end."""
    monkeypatch.setattr("torch.distributed.is_initialized", lambda: True)
    gathered: list[Tensor] = []

    def twice(tensor: Tensor, group: object = None) -> list[Tensor]:
        gathered.append(tensor)
        return [tensor, tensor]

    logits, labels = random_case(5)
    for everywhere in (False, True):
        collection = metrics.evaluation_metrics(5)
        for metric in collection.values():
            metric.dist_sync_fn = twice
        metrics.counted_by_all(collection, everywhere)
        collection.update(logits, labels)
        found = {name: float(value) for name, value in collection.compute().items()}
        assert found == pytest.approx(measured(logits, labels))
        assert bool(gathered) is everywhere
