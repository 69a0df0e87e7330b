"""Views and data whose labels cost something."""

from typing import Any

import torch

from autoal import Arrays, View

TEXTS = ["one", "one two", "one two three", "one two three four"]


def texts_view(texts: list[str], labels: list[int]) -> View:
    """Rows that are texts, of which those without a label (-1) are the pool."""
    return View.of(embeddings=torch.zeros(len(texts), 2), texts=texts, labels=labels)


def data_of(rows: Any, classes: int = 2) -> Arrays:
    """Rows without a test set."""
    labels = [place % classes for place in range(len(rows))]
    data = Arrays((rows, labels))
    data.setup()
    return data
