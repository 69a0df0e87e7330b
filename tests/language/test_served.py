"""The answers of a real server with a real model."""

from pathlib import Path

import pytest

from autoal.errors import UserError
from autoal.language.asked import Answer, Failure, Request
from autoal.language.client import Client
from tests.language.served import MODEL, ROOM, served

__all__ = ["served"]
SHOTS = "Review: a dull mess\nSentiment: negative\n\nReview: a joy\nSentiment: positive\n\n"
OPTIONS = {"max_tokens": 1, "temperature": 0, "logprobs": 5}


@pytest.fixture
def client(served: str, tmp_path: Path) -> Client:
    return Client(served, MODEL, key_env=None, price_in=1.0, cache=tmp_path / "answers.sqlite")


def test_the_same_request_is_paid_for_once(client: Client) -> None:
    request = Request(f"{SHOTS}Review: a lovely film\nSentiment:", OPTIONS)
    first, second = client.answer(request), client.answer(request)
    assert first.text == " positive"
    assert {" positive", " negative"} <= first.logprobs[0].keys()
    assert second == Answer(**{**vars(first), "cached": True})
    assert (client.spent.calls, client.spent.cached) == (1, 1)
    assert client.spent.cost == pytest.approx(first.tokens_in / 1e6)


def test_a_chat_is_answered_in_order_and_what_is_too_long_is_told(client: Client) -> None:
    says = [f"Say the number {number}." for number in range(3)]
    says.insert(1, "word " * ROOM)
    asked = [Request(({"role": "user", "content": text},), {"max_tokens": 2}) for text in says]
    answers = list(client.answers(asked))
    assert [type(answer) for answer in answers] == [Answer, Failure, Answer, Answer]
    assert isinstance(answers[1], Failure)
    assert "exceeds the available context size (2048 tokens)" in answers[1].why


def test_the_model_must_be_one_of_the_server_s(served: str, client: Client) -> None:
    client.check()
    with pytest.raises(UserError, match="did you mean 'smollm2'"):
        Client(served, "smollm").check()
