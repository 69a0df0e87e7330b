"""Reading the answers of servers, which come in two forms."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from math import exp, log
from typing import Any

from autoal.language.asked import Answer

REFUSAL = "refusal"  # the finish reason when a model refuses
REFUSALS = (REFUSAL, "content_filter")  # or its server does


class Malformed(ValueError):  # noqa: N818  # so it is
    """A server's reply is not an answer."""


def answer_of(reply: Any) -> Answer:
    """The first choice in a server's reply to a completion or a chat."""
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
        raise Malformed(f"it contains no answer ({type(error).__name__}: {error})") from error


def _said(choice: Mapping[str, Any]) -> tuple[str, str]:
    """The text, and the reason for its end."""
    finish = str(choice.get("finish_reason") or "")
    message = choice["message"] if "message" in choice else {"content": choice["text"]}
    if message.get("refusal"):
        return "", REFUSAL
    text = message["content"]
    if not isinstance(text, str | None):
        raise TypeError("its content is not text")
    return text or "", finish


def _logprobs(told: Mapping[str, Any]) -> Iterator[Mapping[str, float]]:
    """For every token, the log-probabilities of the alternatives at its place."""
    for place in told.get("content") or ():
        yield _summed((one["token"], one["logprob"]) for one in place["top_logprobs"] or (place,))
    for place in told.get("top_logprobs") or ():
        yield _summed((place or {}).items())


def _summed(pairs: Iterable[tuple[str, float]]) -> dict[str, float]:
    """Probabilities with equal-looking tokens summed up."""
    found: dict[str, float] = {}
    for token, logprob in pairs:
        found[token] = log(exp(found[token]) + exp(logprob)) if token in found else float(logprob)
    return found
