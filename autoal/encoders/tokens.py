"""Texts as the tokens of a published transformer."""

from __future__ import annotations

import sys
from collections.abc import Iterator, Sequence
from functools import cached_property
from pathlib import Path
from typing import Any

import torch
from torch import Tensor
from torch.nn.functional import pad
from torch.nn.utils.rnn import pad_sequence

from autoal.bounds import text, whole
from autoal.data.rows import Rows
from autoal.data.texts import parts_of
from autoal.encoders.compared import Texts
from autoal.encoders.encoder import Encoder, demand_texts
from autoal.errors import UserError, about
from autoal.model.transformers import demand_places, outline_of, tokenizer_of
from autoal.model.whereabouts import OFFLINE, folder_key, model_folder

BLOCK = 2048  # rows read together, so that there are some of every length
FEW = 128  # texts of any length tokenized before they are cut
SHOWN = 8  # characters of a digest for people to compare
SHORTEST, LONGEST = 8, 8192  # bounds of the length


class Tokenized(Encoder):
    """Reads texts as tokens.

    Its state identifies the model without its weights, which would be stored again, 90 MB or more,
    with every set of features and every run of a sweep. New rows need the model.

    Args:
        model: a folder, `package:NAME`, or a name on the hub of Hugging Face.
        length: most tokens of a text; longer texts are cut.
    """

    def __init__(self, model: str, length: int) -> None:
        text("model", model)
        whole("length", length, least=SHORTEST, most=LONGEST)
        self.model = model
        self.length = length
        self._cut = 0  # texts cut so far

    def key(self) -> str:
        return repr((self._digest, self.length))

    def learn(self, pool: Rows, device: torch.device) -> None:
        """Learn nothing from the pool."""
        demand_texts(self, pool)
        self.load_state_dict({"model": self._digest})

    def stream(self, rows: Rows, device: torch.device) -> Iterator[Tensor]:
        self._cut = 0
        for piece in rows.pieces(BLOCK):
            yield self.encode(piece, device)
        if self._cut:
            print(
                f"{self._cut:,} of the texts of {len(rows):,} rows were cut to {self._most} "
                "tokens, as encoder.length or the model has it",
                file=sys.stderr,
            )

    def state_dict(self) -> dict[str, Any]:
        return {"model": self._known}

    def load_state_dict(self, state: dict[str, Any]) -> None:
        self._known = state["model"]
        self.choice = f"the model {self._known[:SHOWN]}"

    def tokens(self, texts: Sequence[Texts]) -> Tensor:
        """The tokens of some texts, as wide as the longest, (n, width) int32.

        A token is its id plus 1, negative if it belongs to a second text and the model
        distinguishes texts; 0 pads the end.
        """
        starts = range(0, len(texts), FEW)
        read = [tokens for start in starts for tokens in self._cut_off(texts[start : start + FEW])]
        return pad_sequence(read, batch_first=True)

    def _cut_off(self, texts: Sequence[Texts]) -> list[Tensor]:
        """The tokens of each text; texts that are too long are cut and counted."""
        read = self._read(texts)
        long = [row for row, tokens in enumerate(read) if len(tokens) > self._most]
        self._cut += len(long)
        if long:
            cut = self._read([texts[row] for row in long], truncation=True, max_length=self._most)
            for row, tokens in zip(long, cut, strict=True):
                read[row] = tokens
        return read

    @property
    def _most(self) -> int:
        """The most tokens of a text."""
        return self.length

    def _read(self, texts: Sequence[Texts], **options: Any) -> list[Tensor]:
        """Tokenize texts: each row's first text against all others."""
        first = [_sound(several[0]) for several in texts]
        second = [_sound(" ".join(several[1:])) for several in texts]
        both = (first, second) if len(texts[0]) > 1 else (first,)
        read = self._tokenizer(*both, return_attention_mask=False, verbose=False, **options)
        ids = read["input_ids"]
        return list(
            map(_signed, ids, read.get("token_type_ids") or ([0] * len(row) for row in ids))
        )

    @cached_property
    def _folder(self) -> Path:
        with about(f"encoder.model={self.model}"):
            return model_folder(self.model)

    @cached_property
    def _digest(self) -> str:
        """A digest of the model's files, which are large, and read only once for it."""
        return folder_key(self._folder)

    @cached_property
    def _tokenizer(self) -> Any:
        """The tokenizer of the model that encoded earlier rows."""
        if self._digest != self._known:
            raise UserError(
                f"encoder.model={self.model} is not the model with which rows were encoded "
                f"before: put the files of that model into {self._folder}"
            )
        return tokenizer_of(self._folder)


class Tokens(Tokenized):
    """Raw tokens, for a task that fine-tunes; all rows have the same width.

    Args:
        model: a folder, `package:NAME`, or a name on the hub of Hugging Face.
        length: tokens of a row; longer rows are cut, shorter ones padded with 0.
    """

    def __init__(self, model: str = OFFLINE, length: int = 128) -> None:
        super().__init__(model, length)

    def learn(self, pool: Rows, device: torch.device) -> None:
        """Learn nothing from the pool; refuse rows that are too long for the model first."""
        super().learn(pool, device)
        demand_places(self.model, outline_of(self._folder), self.length)

    def encode(self, rows: Rows, device: torch.device) -> Tensor:
        demand_texts(self, rows)
        tokens = self.tokens(parts_of(rows))
        return pad(tokens, (0, self.length - tokens.shape[1]))


def _signed(ids: Sequence[int], types: Sequence[int]) -> Tensor:
    tokens = torch.tensor(ids, dtype=torch.int32) + 1
    return torch.where(torch.tensor(types) == 1, -tokens, tokens)


def _sound(written: str) -> str:
    """A text that a tokenizer accepts, without halves of characters."""
    return written.encode(errors="replace").decode()
