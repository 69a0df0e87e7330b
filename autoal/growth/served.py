"""Texts by a served language model."""

from __future__ import annotations

from collections.abc import Sequence

from autoal.growth.generator import Generator
from autoal.language.asked import Answer, Request
from autoal.language.client import Client

FORMS = ("completion", "chat")
GO_ON = "Continue this list by one more entry. Reply with the entry alone.\n\n"


class Served(Generator):
    """Texts by the model that the settings of `language` name; it is not tuned.

    Args:
        client: of the model.
        form: completion, or chat if a server offers nothing else.
        temperature: below 1, likely tokens become likelier.
        top_p: draw from the likeliest tokens that hold this share of the probability.
        tokens: most tokens of a text.
    """

    def __init__(
        self, client: Client, form: str, temperature: float, top_p: float, tokens: int
    ) -> None:
        self.client = client
        self.chat = form == "chat"
        if not self.chat:
            client.need_completions(unless="growth.form=chat")
        self.options = {"temperature": temperature, "top_p": top_p, "max_tokens": tokens}

    def generate(self, prompts: Sequence[str], seed: int) -> list[str]:
        asked = [self._request(prompt, seed + place) for place, prompt in enumerate(prompts)]
        told = self.client.answers(asked)
        return [each.text if isinstance(each, Answer) else "" for each in told]

    def _request(self, prompt: str, draw: int) -> Request:
        if not self.chat:
            return Request(prompt, {**self.options, "stop": ["\n"]}, draw)
        return Request(({"role": "user", "content": GO_ON + prompt},), self.options, draw)
