"""Text features without a download: a text's terms on the main axes of the pool's."""

from collections.abc import Sequence
from contextlib import suppress
from typing import Any

import numpy as np
import torch
from sklearn.feature_extraction.text import TfidfVectorizer
from sklearn.utils.extmath import randomized_svd
from torch import Tensor
from torch.nn import functional

from autoal.bounds import choice, whole
from autoal.data.rows import Rows
from autoal.data.texts import parts_of
from autoal.encoders.compared import PAIRS, Texts, embedded
from autoal.encoders.encoder import Encoder, demand_texts
from autoal.errors import UserError
from autoal.seeding import generator

FITTED = 100_000  # texts of the pool from which terms and axes are learnt
ROUNDS = 4  # of the power iteration that finds the axes
NOTHING = 1e-5  # relative to the first axis; anything smaller is rounding error


class Tfidf(Encoder):
    """Latent semantic analysis (Deerwester et al., 1990).

    A term is a word, or several consecutive ones. In a text that contains it n times it weighs 1 +
    log n, times the logarithm of its rarity in the pool; these weights are projected on their main
    axes over the pool, and scaled to length 1. A text without any known term is zero.

    Args:
        components: most axes to keep.
        ngrams: words of the longest term.
        min_df: fewest texts of the pool with a term; if no term is in that many, one suffices.
        features: most terms: those that occur in the pool most often.
        pairs: compared or joined: how to read several texts of a row.
    """

    def __init__(
        self,
        components: int = 256,
        ngrams: int = 2,
        min_df: int = 2,
        features: int = 20_000,
        pairs: str = "compared",
    ) -> None:
        whole("components", components, least=1, most=4096)
        whole("ngrams", ngrams, least=1, most=5)
        whole("min_df", min_df, least=1)
        whole("features", features, least=1, most=1_000_000)
        choice("pairs", pairs, PAIRS)
        self.components = components
        self.ngrams = ngrams
        self.min_df = min_df
        self.features = features
        self.pairs = pairs

    def key(self) -> str:
        return repr((self.components, self.ngrams, self.min_df, self.features, self.pairs))

    def learn(self, pool: Rows, device: torch.device) -> None:
        demand_texts(self, pool)
        order = torch.randperm(len(pool), generator=generator(0, "tfidf"))
        parts = parts_of(pool.take(order[:FITTED].sort().values))
        if self.pairs == "joined":
            parts = [(_joined(texts),) for texts in parts]
        self.load_state_dict(self._learnt([text for texts in parts for text in texts]))

    def encode(self, rows: Rows, device: torch.device) -> Tensor:
        demand_texts(self, rows)
        return embedded(rows, self.pairs, self._embedded)

    def state_dict(self) -> dict[str, Any]:
        return {"terms": self._terms, "rarity": self._rarity, "axes": self._axes}

    def load_state_dict(self, state: dict[str, Any]) -> None:
        self._terms, self._rarity, self._axes = state["terms"], state["rarity"], state["axes"]
        self._weights = self._vectorizer(vocabulary=self._terms)
        self._weights.idf_ = self._rarity.numpy()

    def _embedded(self, texts: Sequence[Texts]) -> Tensor:
        weights = self._weights.transform(map(_joined, texts))
        return functional.normalize(torch.from_numpy(weights @ self._axes.numpy()))

    def _learnt(self, texts: Sequence[str]) -> dict[str, Any]:
        """The terms, how rare each is, and the axes, (terms, components)."""
        vectorizer, weights = self._fitted(texts)
        wanted = min(self.components, *weights.shape)
        _, sizes, axes = randomized_svd(weights, wanted, n_iter=ROUNDS, random_state=0)
        kept = axes[sizes > NOTHING * sizes[0]]
        return {
            "terms": vectorizer.get_feature_names_out().tolist(),
            "rarity": torch.from_numpy(vectorizer.idf_),
            "axes": torch.from_numpy(np.ascontiguousarray(kept.T)),
        }

    def _fitted(self, texts: Sequence[str]) -> tuple[TfidfVectorizer, Any]:
        """The weighting of terms, and the sparse weights of these texts."""
        for least in (self.min_df, 1):
            vectorizer = self._vectorizer(min_df=least, max_features=self.features)
            with suppress(ValueError):  # there are no terms
                return vectorizer, vectorizer.fit_transform(texts)
        raise UserError(
            "encoder=tfidf: no text of the pool has a word of two letters: "
            "give encoder=sentence, which reads whatever its model reads"
        )

    def _vectorizer(self, **options: Any) -> TfidfVectorizer:
        ngrams = (1, self.ngrams)
        return TfidfVectorizer(sublinear_tf=True, ngram_range=ngrams, dtype=np.float32, **options)


def _joined(texts: Texts) -> str:
    """The texts of a row as one."""
    return "\n".join(texts)
