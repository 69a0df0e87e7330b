"""Text embeddings by a published transformer, which is not trained."""

from collections.abc import Iterator, Sequence
from functools import cached_property

import torch
from torch import Tensor
from torch.nn import functional

from autoal.bounds import choice, switch
from autoal.data.rows import Rows
from autoal.encoders.compared import PAIRS, Texts, embedded
from autoal.encoders.encoder import demand_texts
from autoal.encoders.tokens import Tokenized
from autoal.model.bert import POOLINGS, Pooled
from autoal.model.transformers import network_of, places_of
from autoal.model.whereabouts import OFFLINE


class Sentence(Tokenized):
    """The pooled tokens of a text from a transformer's last layer.

    Args:
        model: a folder, `package:NAME`, or a name on the hub of Hugging Face.
        pooling: mean (of all tokens) or cls (the first one).
        length: most tokens of a text, and no more than the model reads; longer texts are cut.
        normalise: scale every embedding to length 1; k-means on these is BERT-KM.
        pairs: compared or joined: how to read several texts of a row.
    """

    def __init__(
        self,
        model: str = OFFLINE,
        pooling: str = "mean",
        length: int = 128,
        normalise: bool = True,
        pairs: str = "compared",
    ) -> None:
        super().__init__(model, length)
        choice("pooling", pooling, POOLINGS)
        switch("normalise", normalise)
        choice("pairs", pairs, PAIRS)
        self.pooling = pooling
        self.normalise = normalise
        self.pairs = pairs

    def key(self) -> str:
        return repr((super().key(), self.pooling, self.normalise, self.pairs))

    def stream(self, rows: Rows, device: torch.device) -> Iterator[Tensor]:
        yield from super().stream(rows, device)
        self._network.cpu()  # from here on the tasks need a GPU's memory

    @torch.no_grad()
    def encode(self, rows: Rows, device: torch.device) -> Tensor:
        demand_texts(self, rows)
        self._network.to(device)
        return embedded(rows, self.pairs, lambda texts: self._embedded(texts, device))

    def _embedded(self, texts: Sequence[Texts], device: torch.device) -> Tensor:
        pooled = self._network(self.tokens(texts).to(device))
        return functional.normalize(pooled) if self.normalise else pooled

    @property
    def _most(self) -> int:
        return min(self.length, places_of(self._network.transformer))

    @cached_property
    def _network(self) -> Pooled:
        """The network, read when rows are first encoded: never, if features are stored already."""
        return Pooled(network_of(self._folder), self.pooling).eval()
