"""Handwritten digits that come with scikit-learn: real data without a download."""

import torch
from sklearn.datasets import load_digits
from sklearn.model_selection import train_test_split

from autoal import ImageData
from autoal.data.contract import Loaded
from autoal.data.rows import Rows

TEST_IMAGES = 500


class Digits(ImageData):
    """1,797 grey images of 8x8 in ten classes (Alpaydin and Kaynak, 1998).

    The set has no official split: 500 stratified images are the test set, the same for all seeds.
    """

    classes = tuple("0123456789")

    def load(self) -> Loaded:
        digits = load_digits()
        # The pixels count 0 to 16 dots; scaled to bytes.
        images = torch.from_numpy(digits.images / 16 * 255).round().to(torch.uint8).unsqueeze(1)
        labels = torch.from_numpy(digits.target).long()
        train, test = train_test_split(
            range(len(labels)), test_size=TEST_IMAGES, stratify=labels, random_state=0
        )
        whole = Rows(images, labels, shown=images)
        return Loaded(whole.take(torch.tensor(train)), whole.take(torch.tensor(test)))
