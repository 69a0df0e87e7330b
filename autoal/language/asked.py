"""What a language model is asked, and what it says."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from hashlib import sha256
from typing import Any, NamedTuple, TypedDict

LOGPROBS = "logprobs"  # the option that asks for log-probabilities
NEXT = {"max_tokens": 1, "temperature": 0, LOGPROBS: 20}  # more are refused by some servers


class Message(TypedDict):
    """A turn of a conversation."""

    role: str
    content: Any  # a text, or parts, with pictures as data: URLs


class Picture(NamedTuple):
    """A picture that is shown to a model.

    Args:
        url: a data: address, which has the picture in it.
    """

    url: str


@dataclass(frozen=True)
class Request:
    """What is asked; equal ones have one answer.

    Args:
        prompt: a text that is continued, or the messages of a chat.
        options: of the server, such as `max_tokens` and `temperature`.
        draw: another number draws another answer, where the temperature is above 0.
    """

    prompt: str | tuple[Message, ...]
    options: Mapping[str, Any] = field(default_factory=dict)
    draw: int = 0

    @property
    def path(self) -> str:
        """Where a server takes it."""
        return "/completions" if isinstance(self.prompt, str) else "/chat/completions"

    def key(self, model: str) -> str:
        """Under which its answer by this model is kept."""
        parts = [model, self.prompt, dict(self.options), self.draw]
        return sha256(json.dumps(parts, sort_keys=True, allow_nan=False).encode()).hexdigest()

    def body(self, model: str) -> bytes:
        """What is sent."""
        said = "prompt" if isinstance(self.prompt, str) else "messages"
        seed = {"seed": self.draw} if self.options.get("temperature") else {}
        body = {"model": model, said: self.prompt, **seed, **self.options}
        return json.dumps(body, allow_nan=False).encode()


@dataclass(frozen=True)
class Answer:
    """What a model said.

    Args:
        text: all of it; empty where the model refused.
        logprobs: for every token of it, log-probabilities of those that might have stood there; as
            many as the options ask for and the server tells.
        tokens_in: of the prompt, as the server counts them.
        tokens_out: of the text.
        cached: whether it was kept from before, and cost nothing now.
        finish: why it ends there, in the server's word.
    """

    text: str
    logprobs: tuple[Mapping[str, float], ...] = ()
    tokens_in: int = 0
    tokens_out: int = 0
    cached: bool = False
    finish: str = ""


@dataclass(frozen=True)
class Failure:
    """A request that the server will never answer, such as one that is too long."""

    why: str
