"""Probabilities of classes, worked by hand from what a server tells."""

import json
import math
from collections.abc import Callable
from typing import Any

import pytest

from autoal.data.words import Words
from autoal.errors import UserError
from autoal.language.asked import Picture
from autoal.language.classes import classifier
from autoal.language.client import Client
from tests.language.door import MODEL, Door, Reply, spoken

CLASSES = ("negative", "positive")
WORDS = Words("Review", "Sentiment")
SHOTS = [("a dull mess", "negative"), ("a joy", "positive")]
HEAD = "Review: a dull mess\nSentiment: negative\n\nReview: a joy\nSentiment: positive\n\n"


def weighed(**tokens: float) -> Reply:
    """The probabilities of the next token; an underscore is a space."""
    probs = {token.replace("_", " "): math.log(prob) for token, prob in tokens.items()}
    return Reply(spoken("", logprobs={"top_logprobs": [probs]}))


def chosen(name: str) -> Reply:
    return Reply(spoken(json.dumps({"label": name})))


def test_a_completion_weighs_the_tokens_that_begin_a_name(
    door: Door, client_of: Callable[..., Client]
) -> None:
    door.replies += [weighed(_positive=0.4, _Pos=0.1, neg=0.2, _neutral=0.1, _p=0.1)]
    asked = classifier(client_of(), CLASSES, words=WORDS)
    (probs,) = asked.probs(["so\nso<|im_end|>"], SHOTS)
    assert probs == pytest.approx((0.25, 0.75))  # of .8 in all: .2 negative, .6 positive
    assert door.bodies == [
        {
            "model": MODEL,
            "prompt": f"{HEAD}Review: so so\nSentiment:",
            "max_tokens": 1,
            "temperature": 0,
            "logprobs": 20,
        }
    ]


def test_names_that_begin_alike_are_written_on(
    door: Door, client_of: Callable[..., Client]
) -> None:
    said = {
        "Label:": weighed(_sci=0.5, _sports=0.3, _science=0.15, _arts=0.05),
        "Label: sci": weighed(ence=0.8, _fi=0.1),
        "Label: science": weighed(**{"_fiction": 0.5, "\n": 0.25, "_in": 0.25}),
    }
    door.says = lambda body: said[body["prompt"].splitlines()[-1]]
    asked = classifier(client_of(), ["Science", "science fiction", "sports"])
    (probs,) = asked.probs(["x"], [])
    # .5 * .8 + .15 = .55 write "science", and a half of them end there; "sci fi" is no name.
    assert probs == pytest.approx((0.275 / 0.85, 0.275 / 0.85, 0.3 / 0.85))
    assert sorted(body["prompt"].splitlines()[-1] for body in door.bodies) == sorted(said)


def test_what_is_none_of_the_classes_has_no_probabilities(
    door: Door, client_of: Callable[..., Client]
) -> None:
    def says(body: dict[str, Any]) -> Reply:
        if "long" in body["prompt"]:
            return Reply('{"error": "too long"}', 400)
        return weighed(_positive=0.005) if "odd" in body["prompt"] else weighed(_positive=0.5)

    door.says = says
    asked = classifier(client_of(), CLASSES)
    assert asked.probs(["fine", "odd", "long"], []) == [(0.0, 1.0), None, None]
    assert (asked.refused, asked.malformed) == (1, 1)


def test_a_server_without_log_probabilities_is_told(
    door: Door, client_of: Callable[..., Client]
) -> None:
    with pytest.raises(UserError, match="parrot comes without log-probabilities: give form=chat"):
        classifier(client_of(), CLASSES).probs(["x"], [])


def test_a_chat_tells_the_shares_of_its_draws(door: Door, client_of: Callable[..., Client]) -> None:
    door.replies += [
        *map(chosen, ["positive", "negative", "positive", "both"]),
        *map(chosen, ["so", "so", "so", "so"]),
        *[Reply(spoken("", finish_reason="content_filter"))] * 4,
        *[Reply(spoken("negative\n"))] * 4,  # by a server that knows no schemas
    ]
    asked = classifier(client_of(parallel=1), CLASSES, "chat", WORDS, draws=4)
    probs = asked.probs(["first", "second", "third", "fourth"], SHOTS)
    assert probs == [pytest.approx((1 / 3, 2 / 3)), None, None, (1.0, 0.0)]
    assert (asked.refused, asked.malformed) == (1, 1)
    body = door.bodies[1]
    assert (body["temperature"], body["seed"]) == (1.0, 1)
    schema = body["response_format"]["json_schema"]["schema"]
    assert schema["properties"]["label"]["enum"] == list(CLASSES)
    turns = body["messages"]
    assert [turn["role"] for turn in turns] == ["system", *["user", "assistant"] * 2, "user"]
    assert "first" not in turns[0]["content"]
    assert turns[2]["content"] == '{"label": "negative"}'
    mark, text, end = turns[-1]["content"].split("\n")
    assert (text, end) == ("first", mark.replace("<<", "<</"))


def test_a_picture_is_shown_in_a_chat_alone(door: Door, client_of: Callable[..., Client]) -> None:
    picture = Picture("data:image/png;base64,AAAA")
    door.says = lambda body: chosen("positive")
    asked = classifier(client_of(), CLASSES, "chat", draws=1)
    assert asked.probs([picture], [(picture, "negative")]) == [(0.0, 1.0)]
    part = {"type": "image_url", "image_url": {"url": picture.url}}
    assert [turn["content"] for turn in door.bodies[0]["messages"][1::2]] == [[part], [part]]
    assert door.bodies[0]["temperature"] == 0
    with pytest.raises(UserError, match="give form=chat"):
        classifier(client_of(), CLASSES).probs([picture], [])


def test_names_must_be_told_apart(client_of: Callable[..., Client]) -> None:
    with pytest.raises(UserError, match="rename some of Yes, yes, or give form=chat"):
        classifier(client_of(), ["Yes", "yes"])
    with pytest.raises(UserError, match=r"unknown form 'chats'; did you mean 'chat'\?"):
        classifier(client_of(), CLASSES, "chats")
    with pytest.raises(ValueError, match="`draws` must be at least 1"):
        classifier(client_of(), CLASSES, "chat", draws=0)
