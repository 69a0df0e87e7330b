"""Texts, few or none of them labelled."""

from __future__ import annotations

from collections.abc import Sequence

from torch import Tensor, nn

from autoal.data.reader import Reader, TextReader
from autoal.data.textfiles import TextColumns, TextPath, demand_words, read_texts
from autoal.data.texts import digests, encoder_needed, key_of, shown_of

from .source import Items, Source, told


class TextSource(Source):
    """The texts of a file; people see them, and an encoder reads them.

    Args:
        path: of the file.
        columns: the layout of texts and labels.
        classes: their names; empty: from the labels.
    """

    def __init__(self, path: TextPath, columns: TextColumns, classes: tuple[str, ...] = ()) -> None:
        file = read_texts(path, columns)
        demand_words(file)
        self.called, self.layout = file.columns, columns
        self.names = file.names
        self.labels = file.labels
        self.shown = shown_of(file.texts, file.columns)
        self.classes = classes or told(self.labels)

    def read(self, order: Sequence[int]) -> Items:
        shown = [self.shown[number] for number in order]
        inputs = digests(shown)
        return Items(
            [self.names[number] for number in order],
            [key_of(text) for text in shown],
            [self.labels[number] for number in order],
            shown,
            lambda places: inputs[list(places)],
        )

    def reader(self) -> Reader:
        return TextReader(self.called, self.layout)

    def preprocess(self, inputs: Tensor) -> nn.Module:
        """No preprocessing: an encoder reads texts."""
        raise encoder_needed()
