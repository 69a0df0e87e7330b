"""The data sets of the bench: rows of fixed features, made once and kept.

`AUTOAL_DATA` is a folder with mnist.npz, pneumoniamnist.npz and cifar10_10k.npz in MedMNIST's
layout, and with bank.csv and waveform.csv, which have the label last. `AUTOAL_BENCH` is the folder
in which features are kept, and into which `benchmarks.quality.mlbench` and
`benchmarks.quality.sentences` write; by default it is a part of the cache.
"""

import json
import os
from collections.abc import Callable
from copy import copy
from dataclasses import replace
from functools import cache, partial
from hashlib import sha256
from io import BytesIO
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn

from autoal import Arrays, Data, Encoded, Encoder, Learner, Rows, Trained, Training
from autoal.data.cache import cache_folder
from autoal.data.contract import Standardise
from autoal.data.imbalance import thin
from autoal.data.npz import read_npz
from autoal.encoders.patches import Patches
from autoal.encoders.pretrained import Lite0
from autoal.encoders.sentence import Sentence
from autoal.encoders.tfidf import Tfidf
from autoal.encoders.tokens import Tokens
from autoal.model.logistic import Logistic
from autoal.record.whole import write_whole
from autoal.seeding import generator

POOL = 2_000  # rows that a seed draws
TRAIN = 20_000  # rows of a larger training part, from which seeds draw
TEST = 4_000  # test rows drawn from a larger test part
RATIO = 50.0  # ratio of the largest class of a long tail to the smallest
PENALTIES = Path(__file__).with_name("penalties.json")
ARRAYS = ("train_rows", "train_labels", "test_rows", "test_labels", "classes")


class Ready(Arrays):
    """Rows that a head reads unchanged."""

    def preprocess(self) -> nn.Module:
        return Standardise(torch.zeros(1), torch.ones(1))


class Fourier(Encoder):
    """Random features of the Gaussian kernel (Rahimi and Recht, 2007), for columns of deviation 1.

    Args:
        count: of features.
        width: of the kernel, for each column.
    """

    def __init__(self, count: int = 512, width: float = 1.0) -> None:
        self.count = count
        self.width = width

    def key(self) -> str:
        return repr((self.count, self.width))

    def encode(self, rows: Rows, device: torch.device) -> Tensor:
        stream, columns = generator(0, "fourier"), rows.shape[0]
        waves = torch.randn(columns, self.count, generator=stream) / (self.width * columns**0.5)
        phases = 2 * torch.pi * torch.rand(self.count, generator=stream)
        return (rows.inputs @ waves + phases).cos()


def digits() -> Data:
    """Images for a network."""
    from autoal.datamodules.digits import Digits

    return Digits(crop=1)


def digit_pixels() -> Data:
    """The 64 pixels as columns."""
    data = digits()
    data.setup()
    assert data.test is not None
    parts = [
        (rows.inputs.flatten(1).float() / 255, rows.labels) for rows in (data.train, data.test)
    ]
    return Ready(*parts, classes=data.classes)


def pictures(file: str, encoder: Encoder, test: int = TEST) -> Data:
    """An encoder's features of the images of an npz file."""
    from autoal.datamodules.npz import Npz

    path = given(file)
    return kept([path], encoder, test, lambda: Npz(str(path), validation=0))


def table(file: str, *, test_file: str = "", encoder: Encoder | None = None) -> Data:
    """Columns, standardised; without a test file, a fifth of the rows is the test."""
    from autoal.datamodules.table import Table

    paths = [given(name) for name in (file, test_file) if name]
    train, tested = str(paths[0]), str(paths[1]) if test_file else None
    return kept(paths, encoder, TEST, lambda: Table(train, test_path=tested, validation=0))


def texts(task: str, encoder: Encoder) -> Data:
    """A task of GLUE as an encoder gives it."""
    from autoal.datamodules.texts import Texts

    paths = [str(given(f"{task}_{part}.tsv")) for part in ("train", "dev")]
    data = Texts(paths[0], COLUMNS[task], test_path=paths[1], validation=0)
    return Encoded(data, encoder, torch.device("cpu"))


def sentences(task: str) -> Data:
    """Features of texts that `benchmarks.quality.sentences` wrote."""
    return unpacked(bench_folder() / f"{task}.npz")


def against_others(data: Data, label: int) -> Data:
    """One class against all others: rare in the pool, half of the test."""
    assert data.test is not None
    own, others = ((data.test.labels == label) == one for one in (True, False))
    rest = others.nonzero().flatten()[: int(own.sum())]
    tested = data.test.take(torch.cat([own.nonzero().flatten(), rest]).sort().values)
    parts = [(rows.inputs, (rows.labels == label).long()) for rows in (data.train, tested)]
    return Ready(*parts, classes=("others", data.classes[label]))


PATCHES = Patches(components=200)
MNIST = partial(pictures, "mnist.npz", PATCHES)
LITE0 = partial(pictures, "cifar10_10k.npz", Lite0(128))
SETS: dict[str, Callable[[], Data]] = {
    "digits": digits,
    "digits-pixels": digit_pixels,
    "mnist": MNIST,
    "mnist-tailed": MNIST,
    "mnist-copied": MNIST,
    "mnist-one": lambda: against_others(MNIST(test=10_000), 8),
    "pneumonia": partial(pictures, "pneumoniamnist.npz", PATCHES),
    "cifar10": partial(pictures, "cifar10_10k.npz", PATCHES),
    "cifar10-lite0": LITE0,
    "cifar10-lite0-tailed": LITE0,
    "waveform": partial(table, "waveform.csv"),
    "bank": partial(table, "bank.csv"),
    "dna": partial(table, "dna_train.csv", test_file="dna_test.csv"),
    "satellite": partial(table, "satellite_train.csv", test_file="satellite_test.csv"),
    "letters": partial(table, "letters_train.csv", test_file="letters_test.csv", encoder=Fourier()),
}
SETS |= {name: partial(sentences, name) for name in ("sst2", "qnli")}
COLUMNS = {
    "sst2": ["sentence"],
    "qnli": ["question", "sentence"],
    "mrpc": ["sentence1", "sentence2"],
}
ENCODERS: dict[str, Callable[[], Encoder]] = {
    "sentence": Sentence,
    "joined": partial(Sentence, pairs="joined"),
    "tfidf": Tfidf,
    "tokens": Tokens,
}
# Sets for heads that tune themselves, and so without a chosen penalty.
TEXTS = {
    f"{task}-{name}": partial(texts, task, encoder())
    for task in COLUMNS
    for name, encoder in ENCODERS.items()
}
# Variants whose pool differs, but not their test.
TAILED = ("mnist-tailed", "cifar10-lite0-tailed")
COPIED = {"mnist-copied": "mnist"}  # and the set whose penalty they use
COPIES = 8  # of each row in a tenth of the pool
BLUR = 0.1  # differences between copies, in deviations of a column


@cache
def whole(name: str) -> Data:
    """A data set with all rows from which pools are drawn."""
    data = (SETS | TEXTS)[name]()
    data.setup()
    return data


def pool_of(name: str, seed: int, size: int = POOL) -> Data:
    """The data set with the pool that a seed draws."""
    data = copy(whole(name))
    if name in TAILED:
        data.train = data.train.take(thin(data.train.labels, "long_tail", RATIO, seed))
    data = pooled(data, size, seed)
    if name in COPIED:
        data.train = copied(data.train, generator(seed, "copies"))
    return data


def pooled(data: Data, size: int, seed: int) -> Data:
    """The data set with a pool of this many of its own rows."""
    data = copy(data)
    data.train = drawn(data.train, size, seed)
    return data


def copied(rows: Rows, stream: torch.Generator) -> Rows:
    """As many rows, most of them slightly changed copies of a few."""
    count = len(rows) // (COPIES + 2)
    order = torch.randperm(len(rows), generator=stream)
    places = torch.cat(
        [order[:count].repeat(COPIES), order[count : len(rows) - count * (COPIES - 1)]]
    )
    found = rows.take(places)
    scale = BLUR * found.inputs.std(0)
    blur = scale * torch.randn(found.inputs.shape, generator=stream)
    return replace(found, inputs=found.inputs + blur)


def l2_of(name: str) -> float:
    """The penalty of the set's head, fixed by `benchmarks.quality.penalties`."""
    return json.loads(PENALTIES.read_text())[COPIED.get(name, name)]


def head_of(data: Data, **options: Any) -> Learner:
    """Logistic regression on the features, `task=logistic` with these options."""
    task = Logistic(data.train.shape, len(data.classes), data.preprocess(), **options)
    return Trained(task, Training(accelerator="cpu"))


def drawn(rows: Rows, count: int, seed: int) -> Rows:
    """This many of the rows, in order; all, if there are no more."""
    order = torch.randperm(len(rows), generator=generator(seed, "pool"))
    return rows.take(order[:count].sort().values)


def bench_folder() -> Path:
    """The folder for files made by the bench."""
    return Path(os.environ.get("AUTOAL_BENCH") or cache_folder() / "bench")


def given(file: str) -> Path:
    """A file made for the bench, or one of the given data."""
    made = bench_folder() / file
    return made if made.exists() else Path(os.environ.get("AUTOAL_DATA", "."), file)


def kept(paths: list[Path], encoder: Encoder | None, test: int, read: Callable[[], Data]) -> Data:
    """The features of these files' rows, by an encoder or as they are, in the form for a head.

    Args:
        paths: of the files.
        encoder: looks at the rows; None: they are features already.
        test: rows that are to judge at most.
        read: the data set of these files.
    """
    key = sha256(repr((TRAIN, type(encoder).__name__, encoder and encoder.key())).encode())
    for path in paths:
        key.update(path.read_bytes())
    made = bench_folder() / f"{paths[0].stem}-{key.hexdigest()[:16]}.npz"
    if not made.exists():
        write_whole(made, packed(_seen(read(), encoder)))
    return unpacked(made, test)


def unpacked(path: Path, test: int = TEST) -> Data:
    """The data set in a file, with at most this many test rows."""
    train, train_labels, tested, test_labels, classes = read_npz(path, ARRAYS).values()
    data = Ready((train, train_labels), (tested, test_labels), classes=classes.tolist())
    assert data.test is not None
    data.test = drawn(data.test, test, 0)
    return data


def packed(data: Data) -> bytes:
    """A data set in a file, its rows in the form for a head."""
    data.setup()
    assert data.test is not None
    ready, content = data.preprocess(), BytesIO()
    arrays = {
        "train_rows": ready(data.train.inputs).numpy(),
        "train_labels": data.train.labels.numpy(),
        "test_rows": ready(data.test.inputs).numpy(),
        "test_labels": data.test.labels.numpy(),
        "classes": np.array(data.classes),
    }
    np.savez(content, **arrays)
    return content.getvalue()


def _seen(data: Data, encoder: Encoder | None) -> Data:
    """The encoder's version of it, if there is one."""
    data.setup()
    data.train = drawn(data.train, TRAIN, 0)
    return data if encoder is None else Encoded(data, encoder, torch.device("cpu"))
