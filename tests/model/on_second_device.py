"""The computations of the model's rooms on a second device."""

from autoal.model import metrics
from tests.model.test_metrics import measured, random_case
from tests.second_device import second_device


def test_a_device_without_float64_measures_the_same() -> None:
    logits, labels = random_case(0)
    with second_device(float64=False) as device:
        collection = metrics.evaluation_metrics(logits.shape[1]).to(device)
        collection.update(logits.to(device), labels.to(device))
        found = {name: float(value) for name, value in collection.compute().items()}
    assert found == measured(logits, labels)
