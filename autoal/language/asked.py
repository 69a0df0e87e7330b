"""Requests to a language model, and its answers."""

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
    """A picture for a model.

    Args:
        url: a data: address that contains the picture.
    """

    url: str


@dataclass(frozen=True)
class Request:
    """A request; equal ones have one answer.

    Args:
        prompt: a text to continue, or the messages of a chat.
        options: for the server, such as `max_tokens` and `temperature`.
        draw: another number draws another answer if the temperature is above 0.
    """

    prompt: str | tuple[Message, ...]
    options: Mapping[str, Any] = field(default_factory=dict)
    draw: int = 0

    @property
    def path(self) -> str:
        """The path at which a server takes it."""
        return "/completions" if isinstance(self.prompt, str) else "/chat/completions"

    def key(self, model: str) -> str:
        """The key under which this model's answer is stored."""
        parts = [model, self.prompt, dict(self.options), self.draw]
        return sha256(json.dumps(parts, sort_keys=True, allow_nan=False).encode()).hexdigest()

    def body(self, model: str) -> bytes:
        """The body to send."""
        said = "prompt" if isinstance(self.prompt, str) else "messages"
        seed = {"seed": self.draw} if self.options.get("temperature") else {}
        body = {"model": model, said: self.prompt, **seed, **self.options}
        return json.dumps(body, allow_nan=False).encode()


@dataclass(frozen=True)
class Answer:
    """A model's answer.

    Args:
        text: the whole text; empty if the model refused.
        logprobs: for every token, log-probabilities of the alternatives at its place; as many as
            the options ask for and the server reports.
        tokens_in: of the prompt, as the server counts them.
        tokens_out: of the text.
        cached: whether it was stored before, and cost nothing now.
        finish: the server's reason for its end.
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
