"""Continuations of texts, drawn token by token, and their probabilities."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from inspect import signature
from typing import Any, NamedTuple

import torch
from torch import Tensor
from torch.nn.utils.rnn import pad_sequence

from autoal.seeding import generator

TOGETHER = 16  # rows read at once: more would wait for the longest, fewer leave a CPU idle
LIKELY = 512  # most tokens to draw from; sorting all would take as long as the network
FILLER = 0  # the token in padding

Ids = list[int]  # of tokens


class Pair(NamedTuple):
    """A prompt and its continuation."""

    prompt: Ids
    answer: Ids

    @property
    def tokens(self) -> int:
        """The number of both."""
        return len(self.prompt) + len(self.answer)


class Read(NamedTuple):
    """A network's input for rows of different lengths, (n, length)."""

    input_ids: Tensor
    attention_mask: Tensor  # of everything read so far
    position_ids: Tensor

    def then(self, tokens: Tensor, there: Tensor) -> Read:
        """More tokens after those already read."""
        places = self.position_ids[:, -1:] + there.cumsum(1)
        return Read(tokens, torch.cat([self.attention_mask, there], 1), places)

    def of(self, places: Tensor) -> Read:
        """Some of the rows alone."""
        return Read(*(part[places] for part in self))


@dataclass(frozen=True)
class Drawing:
    """Settings for drawing continuations.

    Args:
        temperature: below 1, likely tokens become likelier.
        top_p: draw from the likeliest tokens that hold this share of the probability.
        most: most tokens.
        ends: whether a token ends a continuation.
    """

    temperature: float
    top_p: float
    most: int
    ends: Callable[[int], bool]

    @torch.no_grad()
    def drawn(self, network: Any, prompts: Sequence[Ids], seed: int) -> list[Ids]:
        """A continuation of each, from its own stream, independent of the others."""
        answers: list[Ids] = [[] for _ in prompts]
        for rows in alike([len(prompt) for prompt in prompts], TOGETHER):
            streams = [generator(seed, row) for row in rows]
            chances = [torch.rand(self.most, generator=each).double() for each in streams]
            read = _aligned([prompts[row] for row in rows], network.device)
            drawn = self._beside(network, read, torch.stack(chances).to(network.device))
            for row, answer in zip(rows, drawn, strict=True):
                answers[row] = answer
        return answers

    def _beside(self, network: Any, read: Read, chances: Tensor) -> list[Ids]:
        answers: list[Ids] = [[] for _ in chances]
        unended = torch.arange(len(answers))  # the rows that are still read
        name, cache = _memory(network)
        for chance in chances.T:
            told = network(**read._asdict(), **{name: cache}, use_cache=True, logits_to_keep=1)
            tokens = self._picked(told.logits[:, -1], chance[unended])
            for row, token in zip(unended.tolist(), tokens.tolist(), strict=True):
                answers[row].append(token)
            going = torch.tensor([not self.ends(token) for token in tokens.tolist()])
            if not going.any():
                break
            read = read.then(tokens[:, None], torch.ones_like(tokens)[:, None])
            if not going.all():
                unended, places = unended[going], going.nonzero()[:, 0].to(network.device)
                read = read.of(places)
                cache.batch_select_indices(places)
        return answers

    def _picked(self, logits: Tensor, chance: Tensor) -> Tensor:
        """The token of each row on which its random number, from 0 to 1, falls."""
        probs = (logits.double() / self.temperature).softmax(1)
        likely, tokens = probs.topk(min(LIKELY, probs.shape[1]), dim=1)
        before = likely.cumsum(1) - likely
        reached = (likely * (before < self.top_p)).cumsum(1)  # the likeliest always counts
        place = (reached < chance[:, None] * reached[:, -1:]).sum(1, keepdim=True)
        return tokens.gather(1, place)[:, 0]


def log_probs(network: Any, pairs: Sequence[Pair]) -> list[Tensor]:
    """Log-probabilities of each token of the answers, given everything before it."""
    read = _aligned([pair.prompt for pair in pairs], network.device)
    answers, there = _filled([pair.answer for pair in pairs], network.device, "right")
    more = read.then(answers, there)
    whole = Read(
        torch.cat([read.input_ids, more.input_ids], 1),
        more.attention_mask,
        torch.cat([read.position_ids, more.position_ids], 1),
    )
    width = answers.shape[1]
    told = network(**whole._asdict(), use_cache=False, logits_to_keep=width + 1)
    logs = told.logits[:, -width - 1 : -1].float().log_softmax(-1)
    found = logs.gather(2, answers[:, :, None])[:, :, 0]
    return [row[: len(pair.answer)] for row, pair in zip(found, pairs, strict=True)]


def alike(lengths: Sequence[int], most: int) -> Iterator[list[int]]:
    """The rows, this many at most at once, of similar length, as all wait for the longest."""
    rows = sorted(range(len(lengths)), key=lengths.__getitem__)
    return (rows[first : first + most] for first in range(0, len(rows), most))


def _memory(network: Any) -> tuple[str, Any]:
    """The argument name that a network expects for its key-value cache, and an empty one."""
    from transformers import DynamicCache  # late: it takes a second

    known = signature(network.forward).parameters
    name = "cache" if "cache" in known else "past_key_values"  # its name up to 5.23
    return name, DynamicCache(config=network.config)


def _aligned(prompts: Sequence[Ids], device: torch.device) -> Read:
    """Prompts padded to end in the same place."""
    tokens, there = _filled(prompts, device, "left")
    return Read(tokens, there, (there.cumsum(1) - 1).clamp(min=0))


def _filled(rows: Sequence[Ids], device: torch.device, side: str) -> tuple[Tensor, Tensor]:
    """Rows padded to one length on one side, and a mask of their tokens."""
    tokens = [torch.tensor(row, device=device) for row in rows]
    there = [torch.ones_like(row) for row in tokens]
    return (
        pad_sequence(tokens, batch_first=True, padding_value=FILLER, padding_side=side),
        pad_sequence(there, batch_first=True, padding_side=side),
    )
