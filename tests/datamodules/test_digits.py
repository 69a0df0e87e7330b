import numpy as np
import pytest
import torch
from autoal.datamodules.digits import Digits
from sklearn.datasets import load_digits

from autoal.testing import check_data


@pytest.fixture(scope="module")
def digits() -> Digits:
    made = Digits()
    made.setup()
    return made


def test_there_are_1297_training_and_500_test_images_of_8x8(digits: Digits) -> None:
    assert digits.train.inputs.shape == (1297, 1, 8, 8)
    assert digits.test.inputs.shape == (500, 1, 8, 8)
    assert digits.train.shape == (1, 8, 8)
    for part in (digits.train, digits.test):
        assert part.inputs.dtype == torch.uint8
        assert part.labels.dtype == torch.long
        assert len(part.labels) == len(part)


def test_the_two_parts_are_the_whole_set_and_each_image_keeps_its_class(digits: Digits) -> None:
    parts = (digits.train, digits.test)
    dots = np.concatenate([part.inputs.double().flatten(1).numpy() / 255 * 16 for part in parts])
    labels = np.concatenate([part.labels.numpy() for part in parts])
    whole = load_digits()
    found = np.column_stack([dots.round(), labels])
    expected = np.column_stack([whole.data, whole.target])
    assert sorted(found.tolist()) == sorted(expected.tolist())
    assert digits.train.inputs.max() == 255  # 16 dots, the darkest
    assert np.abs(dots - dots.round()).max() < 0.04  # half a grey level of 255


def test_the_test_set_is_stratified(digits: Digits) -> None:
    assert len(digits.classes) == 10
    shares = torch.bincount(digits.test.labels, minlength=10) / 500
    others = torch.bincount(digits.train.labels, minlength=10) / 1297
    torch.testing.assert_close(shares, others, rtol=0, atol=0.002)


def test_the_split_is_the_same_every_time(digits: Digits) -> None:
    np.random.seed(1)
    torch.manual_seed(1)
    again = Digits()
    again.setup()
    assert torch.equal(again.train.inputs, digits.train.inputs)
    assert torch.equal(again.test.labels, digits.test.labels)


def test_crop_and_flip_are_off_unless_asked_for(digits: Digits) -> None:
    assert (digits.preprocess().crop, digits.preprocess().flip) == (0, False)
    asked = Digits(crop=1, flip=True)
    asked.setup()
    assert (asked.preprocess().crop, asked.preprocess().flip) == (1, True)


def test_digits_keep_the_promises_of_data() -> None:
    check_data(Digits(validation=20, imbalance="long_tail"))
