"""The words of a pool of texts, and which texts contain them."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import torch
from torch import Tensor

from autoal.data.word import Word
from autoal.errors import UserError

LEAST = 3  # texts with a word; rarer words would say hardly anything about others
SHOWN = 3  # texts with a word that people see


class Vocabulary:
    """The sorted words of texts: at least two letters or digits, in lower case.

    English function words, such as "the", are left out.

    Args:
        texts: of rows, by number.
    """

    def __init__(self, texts: Sequence[str]) -> None:
        from sklearn.feature_extraction.text import CountVectorizer  # late: it takes a second

        vectorizer = CountVectorizer(binary=True, stop_words="english", dtype=np.float64)
        try:
            has = vectorizer.fit_transform(texts)
        except ValueError as error:  # there are no words
            raise UserError("no text of the pool has a word of two letters") from error
        often = np.asarray(has.sum(0)).ravel() >= LEAST
        self.texts = texts
        self.words: list[str] = vectorizer.get_feature_names_out()[often].tolist()
        self._has = has.tocsc()[:, often].tocsr()  # (texts, words)

    def sums(self, rows: Tensor, weights: Tensor) -> Tensor:
        """Sums of weights, (rows, k), over those of these rows that have a word, (words, k)."""
        return torch.from_numpy(self._has[rows.numpy()].T @ weights.double().numpy())

    def word(self, place: int, rows: Tensor) -> Word:
        """A word, with the first texts of these rows that contain it."""
        having = np.sort(self._has[rows.numpy()][:, [place]].nonzero()[0])[:SHOWN]
        return Word(self.words[place], tuple(self.texts[row] for row in rows[having].tolist()))
