"""How good a head on each encoder's features is, and the encoder's cost in time and memory.

    AUTOAL_DATA=FOLDER python -m benchmarks.encoders [--rows 100000]

The folder has cifar10_10k.npz. A head is scikit-learn's logistic regression with C = 0.01 on the
features as a task reads them, and is judged by 2,000 test images; of the 10,000 images, the first
ones are labelled. Seconds are of one process whose torch has OMP_NUM_THREADS threads; encoders that
learn from the pool do so in them. Then: which of twelve parts of two photographs a crop is of, at
the sizes to which patches shrink pictures; photos of 500x400, from files to features; and the
memory beyond the features of many pictures of 128x128 in a memory-mapped array.
"""

import argparse
import os
import tempfile
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import torch
from autoal.datamodules.npz import Npz
from autoal.datamodules.unlabelled import Unlabelled
from sklearn.datasets import load_sample_images
from sklearn.linear_model import LogisticRegression
from torch import Tensor
from torchvision.transforms.functional import resized_crop

from autoal import Data, Encoded, Encoder, ImageData, Loaded, Rows
from autoal.encoders.patches import Patches
from autoal.encoders.pretrained import Lite0
from benchmarks.photos import CLASSES, own_memory, peak, seconds, write
from benchmarks.report import keep, table

SIZES = (96, 128, 160, 192, 224)  # sizes that lite0 sees
SHRUNK = (32, 48, 64)  # sizes that patches see
LABELS = (100, 500, 3000)
PHOTOS = 600
SIDE = 128  # the size that photos are shrunk to


class Pictures(ImageData):
    """Pictures at hand.

    Args:
        parts: of the data set.
        count: of its classes.
    """

    def __init__(self, parts: Loaded, count: int) -> None:
        super().__init__()
        self.parts = parts
        self.classes = tuple(map(str, range(count)))

    def load(self) -> Loaded:
        return self.parts


class Mapped(Pictures):
    """Pictures that stay on the disk."""

    keeps_order = True


def cifar10(folder: Path) -> ImageData:
    """The training images, as many as are labelled at most, and the test images."""
    whole = Npz(str(folder / "cifar10_10k.npz"))
    whole.setup()
    train = whole.train.take(torch.arange(max(LABELS)))
    return Pictures(Loaded(train, whole.test), len(whole.classes))


def crops(count: int, part: str) -> Rows:
    """Crops of parts of two photographs, in many sizes, some of them mirrored."""
    stream = np.random.default_rng(len(part))
    photos = [torch.tensor(photo).permute(2, 0, 1) for photo in load_sample_images().images]
    drawn, labels = [], stream.integers(12, size=count)
    for label in labels:
        photo, row, column = photos[label // 6], label // 3 % 2, label % 3
        side = int(stream.integers(50, 200))
        top = int(213 * row + stream.integers(213 - min(side, 200)))
        left = int(213 * column + stream.integers(213 - min(side, 200)))
        crop = resized_crop(photo, top, left, side, side, [SIDE, SIDE])
        drawn.append(crop.flip(2) if stream.integers(2) else crop)
    return Rows(torch.stack(drawn), torch.from_numpy(labels), part=part)


def seen(data: Data, encoder: Encoder) -> tuple[Encoded, float]:
    """The features of data that the encoder sees for the first time, and the seconds they took."""
    encoded = Encoded(data, encoder, torch.device("cpu"))
    with tempfile.TemporaryDirectory() as cache:
        os.environ["XDG_CACHE_HOME"] = cache
        return encoded, seconds(encoded.setup)


def accuracies(data: Encoded, counts: Sequence[int]) -> list[str]:
    """Accuracies of heads, by the number of labels."""
    assert data.test is not None
    ready, labels = data.preprocess(), data.train.labels.numpy()
    known, asked = (_array(ready(rows.inputs)) for rows in (data.train, data.test))
    heads = [LogisticRegression(C=0.01, max_iter=1000).fit(known[:n], labels[:n]) for n in counts]
    return [f"{head.score(asked, data.test.labels.numpy()):.3f}" for head in heads]


def _array(tensor: Tensor) -> np.ndarray:
    return tensor.numpy()


def quality(folder: Path) -> str:
    """CIFAR-10, enlarged to each size for lite0, and unchanged for patches."""
    lines = []
    for name, encoder in {
        **{f"lite0, size={size}": Lite0(size) for size in SIZES},
        "patches": Patches(),
    }.items():
        data, spent = seen(cifar10(folder), encoder)
        count = len(data.train) + len(data.test or ())
        lines.append([name, *accuracies(data, LABELS), f"{1000 * spent / count:.1f}"])
        print(lines[-1], flush=True)
    return table(["encoder", *(f"{count:,} labels" for count in LABELS), "ms an image"], lines)


def details() -> str:
    """Crops of photographs, by the size to which patches shrink them, with lite0 beside."""
    lines = []
    for name, encoder in {
        **{f"patches, image={image}": Patches(image=image) for image in SHRUNK},
        "lite0": Lite0(),
    }.items():
        parts = Loaded(crops(600, "train"), crops(400, "test"))
        data, spent = seen(Pictures(parts, 12), encoder)
        lines.append([name, *accuracies(data, (60, 600)), f"{spent:.0f}"])
        print(lines[-1], flush=True)
    return table(["encoder", "60 labels", "600 labels", "s for 1,000 pictures"], lines)


def start() -> str:
    """From a folder of photos to features, by the size at which they are decoded and encoded."""
    lines = []
    with tempfile.TemporaryDirectory() as folder:
        write(Path(folder), PHOTOS)
        for side, encoder in (
            (128, Lite0(128)),
            (128, Lite0()),
            (224, Lite0(224)),
            (128, Patches()),
        ):
            with tempfile.TemporaryDirectory() as cache:
                os.environ["XDG_CACHE_HOME"] = cache
                photos = Unlabelled(folder, CLASSES, size=side)
                decoding = seconds(photos.setup)
                _, encoding = seen(photos, encoder)
            name = type(encoder).__name__.lower()
            what = f"{name}, size={encoder.size}" if isinstance(encoder, Lite0) else name
            lines.append([f"{side}x{side}", what, f"{decoding:.1f}", f"{encoding:.1f}"])
            print(lines[-1], flush=True)
    return table(["decoded to", "encoder", "decoding, s", "encoding, s"], lines)


def memory(rows: int) -> str:
    """The peak memory of the process while it encodes, not counting mapped files."""
    with tempfile.NamedTemporaryFile() as file:
        shape = (rows, SIDE, SIDE, 3)
        pictures = np.memmap(file, dtype=np.uint8, mode="w+", shape=shape)
        stream = np.random.default_rng(0)
        for block in range(0, rows, 1000):
            pictures[block : block + 1000] = stream.integers(256, size=(SIDE, SIDE, 3))
        inputs = torch.from_numpy(pictures).permute(0, 3, 1, 2)
        data, before = Mapped(Loaded(Rows(inputs, torch.arange(rows) % 2)), 2), own_memory()
        with peak() as held:
            _, spent = seen(data, Lite0(32))
        features = rows * 1280 * 4
        found = [f"{size / 2**30:.2f}" for size in (features, before, held())]
    header = ["pictures", "features, GiB", "memory before, GiB", "at the peak, GiB", "s"]
    return table(header, [[f"{rows:,}", *found, f"{spent:.0f}"]])


def main() -> None:
    """Measure everything, and keep the tables."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else None)
    parser.add_argument("--rows", type=int, default=100_000, help="whose memory is measured")
    given, folder = parser.parse_args(), Path(os.environ["AUTOAL_DATA"])
    threads = f"Threads of torch: {torch.get_num_threads()}."
    parts = {
        "Photos of 500x400, from files to features": start,
        "CIFAR-10": lambda: quality(folder),
        "Parts of photographs": details,
        "Memory, lite0 at size=32": lambda: memory(given.rows),
    }
    text = [f"## {title}\n\n{measure()}" for title, measure in parts.items()]
    keep("encoders", "\n\n".join([threads, *text]))


if __name__ == "__main__":
    main()
