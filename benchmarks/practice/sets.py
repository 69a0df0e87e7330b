"""The data sets, and the number of labels that each begins with."""

from __future__ import annotations

from collections.abc import Callable
from functools import cache

import torch
from autoal.datamodules.texts import Texts

from autoal import Data, Encoded
from autoal.encoders.encoder import Encoder
from autoal.encoders.sentence import Sentence
from autoal.encoders.tfidf import Tfidf
from benchmarks import frozen
from benchmarks.quality.sets import given, pooled

POOL = 2_000  # rows that a seed draws
PEOPLE = "CIFAR-10 (patches)"  # the set that people have labelled, as CIFAR-10N
REVIEWS = "SST-2 (MiniLM)"
TERMS = "SST-2 (TF-IDF)"
SEEN: dict[str, Callable[[], Encoder]] = {REVIEWS: Sentence, TERMS: Tfidf}  # phrases
FIRST = {  # labels, half of which are bought in each round
    "MNIST (patches)": 50,
    PEOPLE: 100,
    "waveform (columns)": 40,
    "PneumoniaMNIST (patches)": 40,
}


@cache
def whole(name: str) -> Data:
    """A data set with all rows from which pools are drawn."""
    return reviews(SEEN[name]()) if name in SEEN else frozen.whole(name)


def pool_of(name: str, seed: int) -> Data:
    """The data set with the pool that a seed draws."""
    return pooled(whole(name), POOL, seed)


def reviews(encoder: Encoder) -> Data:
    """A tenth of the phrases of SST-2, with their words, as an encoder gives them."""
    train, test = (str(given(f"sst2_{part}.tsv")) for part in ("train", "dev"))
    data = Texts(train, ["sentence"], test_path=test, validation=0, share=0.1)
    encoded = Encoded(data, encoder, torch.device("cpu"))
    encoded.setup()
    return encoded
