"""A language model that says of a text what stands in it: p83 is of the second class by .83."""

import json
import re
from math import log
from typing import Any

from tests.language.door import Reply, spoken

NAMES = ("bad", "good")


def share(prompt: str) -> float:
    """The probability of the second class that the last text of a prompt asks for, or a half."""
    return int(re.findall(r"p(\d\d)", f"p50 {prompt}")[-1]) / 100


def continued(body: dict[str, Any]) -> Reply:
    """The answer to a text that is to be continued."""
    second = share(body["prompt"])
    tokens = {f" {NAMES[0]}": log(1 - second), f" {NAMES[1]}": log(second)}
    return Reply(spoken(" x", logprobs={"top_logprobs": [tokens]}))


def asked_in(prompt: str) -> str:
    """The last text of a prompt, which is asked about."""
    return prompt.rsplit("Text: ", 1)[1].partition("\n")[0]


def shown_in(prompt: str) -> list[tuple[str, str]]:
    """The examples of a prompt: texts, and the names of their classes."""
    return re.findall(r"Text: (.*)\nLabel: (.*)\n", prompt)


def chosen(body: dict[str, Any]) -> Reply:
    """The answer in a chat: always the second class."""
    return Reply(spoken(json.dumps({"label": NAMES[1]})))
