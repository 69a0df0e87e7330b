"""Texts of three colours, with words that speak for some."""

from __future__ import annotations

from pathlib import Path

import torch
from autoal.datamodules.texts import Texts

from autoal import Data, Encoded, View
from autoal.encoders.tfidf import Tfidf

CLASSES = ("blue", "green", "red")
OWN = {"blue": "ocean sky", "green": "grass leaf", "red": "blood rose"}
COUNT = 8  # texts of each class
PLACES = ("street", "garden", "harbour", "market")


def text_of(label: str, place: int) -> str:
    """A text with both words of its class, or one of them, in a place that tells very little."""
    first, second = OWN[label].split()
    where = PLACES[place % (3 if label == "red" else 4)]
    words = f"{first} {second}" if place % 2 else first
    return f"{words} near the {where}"


def texts(folder: Path) -> Data:
    """The data set, encoded; which has drawn the order of its rows."""
    path = folder / "texts.csv"
    lines = [f"{text_of(label, place)},{label}" for place in range(COUNT) for label in CLASSES]
    path.write_text("\n".join(["text,label", *lines]) + "\n")
    data = Encoded(
        Texts(str(path), ["text"], test_path=str(path), validation=0),
        Tfidf(ngrams=1, min_df=1),
        torch.device("cpu"),
    )
    data.setup()
    return data


def view_of(data: Data, *, sure: str = "red") -> View:
    """A view of all rows in which the model tells one class from all others, and knows no more."""
    number, classes = data.classes.index(sure), len(data.classes)
    probs = torch.full((len(data.train), classes), 1 / classes)
    probs[data.train.labels == number] = torch.eye(classes)[number]
    nobody = torch.full((len(probs),), -1)
    return View.of(embeddings=data.train.inputs, probs=probs, labels=nobody, classes=classes)
