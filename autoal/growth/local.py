"""A local language model that makes texts, and may be tuned by their worth."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import cached_property
from itertools import takewhile
from typing import Any, NamedTuple

import torch

from autoal.errors import UserError, about
from autoal.growth.generator import Generator
from autoal.growth.ppo import Ppo
from autoal.growth.sampling import Drawing, Ids, Pair
from autoal.model.transformers import demand_writer, places_of, tokenizer_of, writer_of
from autoal.model.whereabouts import model_place

END = "\n"  # of a made text: the prompt is a list with one entry a line


class Policy(NamedTuple):
    """A loaded network, and its tuner, if any."""

    network: Any
    ppo: Ppo | None


class Local(Generator):
    """Texts by a causal language model in torch.

    The model is loaded when first needed: a finished run needs none.

    Args:
        model: a folder, a GGUF file, `package:NAME`, or a name on the hub of Hugging Face.
        device: where it runs; in half precision on a GPU.
        temperature: below 1, likely tokens become likelier.
        top_p: draw from the likeliest tokens that hold this share of the probability.
        tokens: most tokens of a text.
        tuning: the arguments of `Ppo`, if it is to be tuned.
    """

    def __init__(
        self,
        model: str,
        device: torch.device,
        *,
        temperature: float,
        top_p: float,
        tokens: int,
        tuning: Mapping[str, Any] | None = None,
    ) -> None:
        self._device = device
        self._most = tokens
        self._tuning = tuning
        self._state: dict[str, Any] = {}  # to go on from
        self._open: Policy | None = None
        with about(f"growth.model={model}"):
            self._place = model_place(model)
            demand_writer(self._place)
        self._drawing = Drawing(temperature, top_p, tokens, self._ends)

    def generate(self, prompts: Sequence[str], seed: int) -> list[str]:
        network = self._policy().network
        drawn = self._drawing.drawn(network, [*map(self._read, prompts)], seed)
        texts = self._tokenizer.batch_decode(drawn, skip_special_tokens=True)
        return [text.partition(END)[0].strip() for text in texts]

    def learn(
        self, prompts: Sequence[str], texts: Sequence[str], rewards: Sequence[float]
    ) -> dict[str, float]:
        """Tune the model, if wanted, by the worth of the texts."""
        ppo = self._policy().ppo if self._tuning is not None and texts else None
        return {} if ppo is None else ppo.learn([*map(self._pair, prompts, texts)], rewards)

    def state_dict(self) -> dict[str, Any]:
        ppo = self._open and self._open.ppo
        return self._state if ppo is None else ppo.state_dict()

    def load_state_dict(self, state: dict[str, Any]) -> None:
        self._state = state
        if self._open and self._open.ppo:
            self._open.ppo.load_state_dict(state)

    def _policy(self) -> Policy:
        if self._open is None:
            dtype = torch.bfloat16 if self._device.type == "cuda" else torch.float32
            network = writer_of(self._place, dtype).to(self._device)
            ppo = None if self._tuning is None else Ppo(network, **self._tuning)
            self._open = Policy(network, ppo)
            self.load_state_dict(self._state)
        return self._open

    def _read(self, prompt: str) -> Ids:
        read: Ids = self._tokenizer(prompt).input_ids
        if len(read) + self._most > places_of(self._policy().network):
            raise UserError(
                f"a prompt of {len(read):,} tokens leaves no room in what the model reads: give "
                "fewer growth.examples"
            )
        return read

    def _pair(self, prompt: str, text: str) -> Pair:
        """A prompt and its continuation, tokenized together."""
        given: Ids = self._tokenizer(prompt).input_ids
        whole: Ids = self._tokenizer(f"{prompt} {text}{END}").input_ids
        alike = takewhile(lambda both: both[0] == both[1], zip(given, whole, strict=False))
        begin = len([*alike])
        return Pair(whole[:begin], whole[begin:])

    def _ends(self, token: int) -> bool:
        return token in self._special or END in self._tokenizer.decode([token])

    @cached_property
    def _special(self) -> frozenset[int]:
        """Tokens that are not text; chat models have several end marks."""
        return frozenset(self._tokenizer.all_special_ids)

    @cached_property
    def _tokenizer(self) -> Any:
        return tokenizer_of(self._place)
