"""Answers as servers write them, which they do in two ways."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from math import exp, log
from typing import Any

from autoal.language.asked import Answer

REFUSAL = "refusal"  # how an answer ends of a model that says that it will not answer
REFUSALS = (REFUSAL, "content_filter")  # or whose server will not


class Malformed(ValueError):  # noqa: N818  # so it is
    """What a server says is no answer."""


def answer_of(reply: Any) -> Answer:
    """The first choice in what a server replies, be it of a completion or of a chat."""
    try:
        choice, usage = reply["choices"][0], reply.get("usage") or {}
        text, finish = _said(choice)
        return Answer(
            text,
            tuple(_logprobs(choice.get("logprobs") or {})),
            int(usage.get("prompt_tokens") or 0),
            int(usage.get("completion_tokens") or 0),
            finish=finish,
        )
    except (LookupError, TypeError, AttributeError, ValueError, OverflowError) as error:
        raise Malformed(f"no answer is in it ({type(error).__name__}: {error})") from error


def _said(choice: Mapping[str, Any]) -> tuple[str, str]:
    """The text, and why it ends."""
    finish = str(choice.get("finish_reason") or "")
    message = choice["message"] if "message" in choice else {"content": choice["text"]}
    if message.get("refusal"):
        return "", REFUSAL
    text = message["content"]
    if not isinstance(text, str | None):
        raise TypeError("its content is no text")
    return text or "", finish


def _logprobs(told: Mapping[str, Any]) -> Iterator[Mapping[str, float]]:
    """For every token, the log-probabilities of those that might have stood there."""
    for place in told.get("content") or ():
        yield _summed((one["token"], one["logprob"]) for one in place["top_logprobs"] or (place,))
    for place in told.get("top_logprobs") or ():
        yield _summed((place or {}).items())


def _summed(pairs: Iterable[tuple[str, float]]) -> dict[str, float]:
    """Two tokens that read alike are one."""
    found: dict[str, float] = {}
    for token, logprob in pairs:
        found[token] = log(exp(found[token]) + exp(logprob)) if token in found else float(logprob)
    return found
