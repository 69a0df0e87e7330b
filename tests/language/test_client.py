"""Payment, caching and counting of answers, and messages about a server that misbehaves."""

import json
import logging
import math
import subprocess
import sys
from collections.abc import Callable
from copy import deepcopy
from pathlib import Path
from typing import Any

import pytest

from autoal.errors import UserError
from autoal.language.asked import Answer, Failure, Message, Request
from autoal.language.client import Client, demanded
from autoal.language.spent import Spent
from autoal.progress import shown_by
from tests.language.door import MODEL, Door, Reply, opened, spoken
from tests.recorder import Recorder

KEY = "sk-very-secret"
ASKED = Request("Is it?", {"max_tokens": 1})
CHAT = Request((Message(role="user", content="Is it?"),), {"temperature": 1.0}, draw=3)


def test_an_answer_is_paid_for_once_whoever_asks_again(
    door: Door, client_of: Callable[..., Client]
) -> None:
    prices = {"price_in": 2.0, "price_out": 30.0}  # of a million: 100 * 2 + 10 * 30
    client = client_of(**prices)
    first, again, other = client.answer(ASKED), client.answer(ASKED), client_of().answer(ASKED)
    assert first == Answer("yes", (), 100, 10, False, "stop")
    assert again == other == Answer("yes", (), 100, 10, True, "stop")
    assert door.bodies == [{"model": MODEL, "prompt": "Is it?", "max_tokens": 1}]
    assert client.spent[:4] == (1, 1, 200, 20)  # tokens of what was kept as well
    assert client.spent.cost == pytest.approx(0.0005)
    total = client.cache.totals()[0]
    assert total[:4] == (MODEL, 1, 100, 10)
    assert total.cost == pytest.approx(0.0005)


def test_another_draw_model_option_or_prompt_is_another_answer(
    door: Door, client_of: Callable[..., Client]
) -> None:
    client = client_of()
    asked = [
        CHAT,
        Request(CHAT.prompt, CHAT.options, draw=4),
        Request(CHAT.prompt, {"temperature": 0.5}, draw=3),
        Request("Is it?", CHAT.options, draw=3),
    ]
    for request in asked:
        client.answer(request)
    assert len({request.key(MODEL) for request in asked} | {CHAT.key("other")}) == 5
    assert len(door.bodies) == 4
    assert door.bodies[0] == {
        "model": MODEL,
        "messages": [{"role": "user", "content": "Is it?"}],
        "temperature": 1.0,
        "seed": 3,  # or a server would draw anew, and the same run be another
    }


def test_answers_come_in_order_and_what_is_rejected_is_told(
    door: Door, client_of: Callable[..., Client]
) -> None:
    def says(body: dict[str, Any]) -> Reply:
        if body["prompt"] == "2":
            return Reply('{"error": {"message": "too long"}}', 400)
        return Reply(spoken(body["prompt"]))

    door.says = says
    client = client_of(parallel=3)
    shown = Recorder()
    with shown_by(shown):
        told = list(client.answers([Request(str(number)) for number in range(5)]))
    assert shown.done == {"the language model": (5, 5)}
    said = [one.text if isinstance(one, Answer) else one.why for one in told]
    assert said == ["0", "1", f"{door.url} says 400: too long", "3", "4"]
    assert isinstance(told[2], Failure)
    with pytest.raises(UserError, match="says 400: too long"):
        client.answer(Request("2"))
    assert client.spent.calls == 4


def test_the_same_asked_at_once_is_paid_for_once(
    door: Door, client_of: Callable[..., Client]
) -> None:
    client = client_of(parallel=8)
    told = list(client.answers([ASKED] * 8))
    assert len(door.bodies) == 1
    assert sum(answer.cached for answer in told if isinstance(answer, Answer)) == 7


@pytest.mark.parametrize(
    ("reply", "waited"),
    [
        (Reply("busy", 429, {"Retry-After": "7"}), 7.0),
        (Reply("busy", 429, {"Retry-After": "Thu, 01 Jan 1970 00:00:00 GMT"}), 0.0),
        (Reply("", 500), 0.5),
        (Reply("", 503, {"Retry-After": "soon"}), 0.5),
        (Reply("", 408), 0.5),
        (Reply("", 409), 0.5),
        (Reply("<html>oops"), 0.5),
        (Reply('{"choices": []}'), 0.5),
        (Reply('{"choices": [{"message": {"content": 5}}]}'), 0.5),
        (Reply("[]"), 0.5),
        (Reply('{"choi', dies=True), 0.5),
    ],
)
def test_what_may_go_well_another_time_is_tried_again(
    door: Door, client_of: Callable[..., Client], waits: list[float], reply: Reply, waited: float
) -> None:
    door.replies += [reply]
    assert client_of().answer(ASKED).text == "yes"
    assert len(door.bodies) == 2
    assert waits == [waited] * bool(waited)


def test_it_is_given_up_in_the_end_and_nothing_that_was_answered_is_lost(
    door: Door, client_of: Callable[..., Client], waits: list[float]
) -> None:
    client = client_of(parallel=1)
    door.replies += [Reply(spoken("first")), *[Reply("<html>", 502)] * 5]
    asked = client.answers([ASKED, CHAT])
    assert next(asked) == Answer("first", (), 100, 10, False, "stop")
    with pytest.raises(UserError, match=r"asked 5 times \(502: <html>\): the answers are kept"):
        next(asked)
    assert waits == [0.5, 1.0, 2.0, 4.0]
    assert client_of().answer(ASKED).cached


@pytest.mark.parametrize(
    ("reply", "message"),
    [
        (Reply("no", 401), r"set OPENAI_API_KEY in the environment to a key of http.* 401: no"),
        (Reply("no", 403), "403: no"),
        (
            Reply("no", 404),
            r"/v1/completions does not exist \(404: no\): language.url= usually ends",
        ),
        (
            Reply("", 307, {"Location": "https://elsewhere.example/v1"}),
            "redirects to https://elsewhere.example/v1: give that as language.url=",
        ),
        (Reply("", 429, {"Retry-After": "3600"}), "asks to wait for 3600 seconds"),
    ],
)
def test_what_never_will_go_well_is_told_at_once(
    door: Door, client_of: Callable[..., Client], reply: Reply, message: str
) -> None:
    door.replies += [reply]
    with pytest.raises(UserError, match=message):
        list(client_of().answers([ASKED]))
    assert len(door.bodies) == 1


def test_a_server_that_hangs_is_left(door: Door, client_of: Callable[..., Client]) -> None:
    door.replies += [Reply(hangs=True)]
    with pytest.raises(UserError, match=r"\(no answer within 0.05 seconds\)"):
        client_of(timeout=0.05, tries=1).answer(ASKED)


@pytest.mark.parametrize(
    ("reply", "message"),
    [
        (Reply("<html>"), "no language model is served at"),
        (Reply("", 500), "no language model is served at"),
        (Reply("{}"), "lists no models"),
        (Reply("no", 401), "set OPENAI_API_KEY"),
        (Reply('{"data": [{"id": "parrot-2"}]}'), "did you mean 'parrot-2'"),
    ],
)
def test_a_server_is_looked_at_before_anything_is_asked(
    door: Door, client_of: Callable[..., Client], reply: Reply, message: str
) -> None:
    client = client_of()
    client.check()
    door.replies += [reply]
    with pytest.raises(UserError, match=message):
        client.check()
    assert not door.bodies


def test_there_may_be_no_server() -> None:
    with opened() as door:
        url = door.url
    with pytest.raises(UserError, match=r"no language model is served at .*: start it"):
        Client(url, MODEL).check()


def test_the_key_goes_to_the_server_and_nowhere_else(
    door: Door,
    client_of: Callable[..., Client],
    monkeypatch: pytest.MonkeyPatch,
    caplog: pytest.LogCaptureFixture,
) -> None:
    monkeypatch.setenv("OPENAI_API_KEY", f" {KEY}\n")
    caplog.set_level(logging.DEBUG)
    client = client_of()
    client.answer(ASKED)
    assert door.keys == [f"Bearer {KEY}"]
    door.replies += [Reply(f'{{"error": "the key {KEY} is bad"}}', 401)]
    with pytest.raises(UserError, match=r"the key in OPENAI_API_KEY is refused by .*\*\*\* is bad"):
        client.answer(CHAT)
    told = caplog.text + "".join(map(str, [client, client.spent, vars(client)]))
    kept = b"".join(path.read_bytes() for path in client.cache.path.parent.glob("answers.sqlite*"))
    assert KEY not in told
    assert KEY.encode() not in kept
    assert door.url.encode() not in kept
    client_of(key_env=None).answer(Request("unsigned"))
    assert door.keys[-1] is None


def test_a_redirect_carries_the_key_nowhere(
    door: Door, client_of: Callable[..., Client], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("OPENAI_API_KEY", KEY)
    with opened() as other:
        door.replies += [Reply("", 302, {"Location": f"{other.url}/completions"})]
        with pytest.raises(UserError, match=f"redirects to {other.url}"):
            client_of().answer(ASKED)
        assert not other.keys


@pytest.mark.parametrize(
    ("url", "key", "message"),
    [
        ("http://models.example/v1", KEY, "unencrypted: give an address with https://"),
        ("http://10.0.0.7:8000/v1", KEY, "unencrypted"),
        ("https://models.example/v1", "a\nb", "is not a key"),
        ("https://models.example/v1", "ключ", "is not a key"),
        ("https://me:secret@models.example/v1", "", "a key belongs in the environment"),
        ("https://models.example/v1?key=secret", "", "a key belongs in the environment"),
        ("models.example/v1", "", "must begin with http:// or https://"),
        ("http://[", "", "Invalid IPv6"),
        ("http://x:port/v1", "", "Port could not be cast"),
    ],
)
def test_an_address_that_would_give_the_key_away_is_refused(
    url: str, key: str, message: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("OPENAI_API_KEY", key)
    with pytest.raises(UserError, match=message) as refusal:
        Client(url, MODEL).check()
    assert "secret" not in str(refusal.value)


def test_a_run_ends_where_the_most_is_spent_over_all_its_starts(
    door: Door, client_of: Callable[..., Client]
) -> None:
    prices: Any = {"price_in": 10_000.0, "parallel": 1}  # one for each answer
    asked = [Request(str(number)) for number in range(5)]
    client = client_of(**prices, most=2.0)
    client.paid_by("this run")
    with pytest.raises(
        UserError, match=r"language.most=2 is spent \(2.0000\): the answers are kept"
    ):
        list(client.answers(asked))
    again = client_of(**prices, most=3.0)
    again.paid_by("this run")
    with pytest.raises(UserError, match=r"language.most=3 is spent \(3.0000\)"):
        list(again.answers(asked))
    other = client_of(**prices, most=3.0)
    other.paid_by("another run")
    assert len(list(other.answers(asked))) == 5
    assert len(door.bodies) == 5
    assert other.spent[:2] == (2, 3)


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"most": 1.0}, "needs language.price_in="),
        ({"most": 0.0, "price_in": 1.0}, r"`language.most` must be above 0"),
        ({"price_in": -1.0}, r"`language.price_in` must be at least 0"),
        ({"price_out": math.nan}, r"`language.price_out` must be at least 0"),
        ({"tries": 0}, r"`language.tries` must be at least 1"),
        ({"timeout": 0}, r"`language.timeout` must be above 0"),
        ({"parallel": 0}, r"`language.parallel` must be at least 1"),
    ],
)
def test_options_have_bounds(
    client_of: Callable[..., Client], options: dict[str, Any], message: str
) -> None:
    with pytest.raises(ValueError, match=message):
        client_of(**options)


def test_a_cache_that_cannot_be_used_is_told(
    door: Door, client_of: Callable[..., Client], tmp_path: Path
) -> None:
    (tmp_path / "answers.sqlite").write_bytes(b"no database" * 100)
    with pytest.raises(UserError, match="would be paid for again: file is not a database"):
        client_of().answer(ASKED)
    assert not door.bodies


def test_log_probabilities_are_read_as_either_kind_of_server_tells_them(
    door: Door, client_of: Callable[..., Client]
) -> None:
    half, quarter = math.log(0.5), math.log(0.25)
    pairs = [("a", half), ("b", quarter), ("b", quarter)]
    listed = [{"token": token, "logprob": logprob} for token, logprob in pairs]
    content = [{**listed[0], "top_logprobs": listed}, {**listed[1], "top_logprobs": []}]
    door.replies += [
        Reply(spoken("a", logprobs={"content": content})),
        Reply(spoken("a", logprobs={"top_logprobs": [{"a": half, "b": quarter}, None]})),
        Reply(spoken("a", logprobs=None)),
    ]
    client = client_of()
    told = [client.answer(Request(str(number))).logprobs for number in range(3)]
    assert told[0] == ({"a": half, "b": pytest.approx(half)}, {"b": quarter})
    assert told[1:] == [({"a": half, "b": quarter}, {}), ()]


def test_a_refusal_has_no_text(door: Door, client_of: Callable[..., Client]) -> None:
    said = {"content": None, "refusal": "I cannot."}
    door.replies += [Reply(json.dumps({"choices": [{"message": said}]}))]
    assert client_of().answer(CHAT) == Answer("", finish="refusal")


def test_spent_can_be_added_and_taken_apart() -> None:
    before, after = Spent(1, 2, 3, 4, 0.5, 6.0), Spent(11, 22, 33, 44, 5.5, 66.0)
    assert after - before == Spent(10, 20, 30, 40, 5.0, 60.0)
    assert (after - before) + before == after


def test_a_part_that_needs_a_model_says_so(client_of: Callable[..., Client]) -> None:
    client = client_of()
    assert demanded(client, "oracle=language") is client is deepcopy(client)
    with pytest.raises(UserError, match="oracle=language asks a language model: give"):
        demanded(None, "oracle=language")


def test_the_client_is_light() -> None:
    script = (
        "import sys, autoal.language.client\n"
        "print([name for name in ('torch', 'httpx', 'transformers') if name in sys.modules])"
    )
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True)
    assert (done.stdout, done.stderr) == ("[]\n", "")


def test_a_server_that_lacks_log_probabilities_is_refused_where_they_are_needed(
    door: Door, client_of: Callable[..., Client]
) -> None:
    client = client_of()
    client.check()
    client.need_logprobs(unless="oracle.form=chat")
    door.says = lambda body: Reply("This is a chat model", 404)
    refusal = r"parrot comes without log-probabilities \({}.*\): give oracle.form=chat, which asks"
    with pytest.raises(UserError, match=refusal.format(f"there is no {door.url}/completions")):
        client.check()
    door.says = lambda body: Reply("at most 5", 400)
    with pytest.raises(UserError, match=refusal.format(".*400: at most 5")):
        client.check()
    door.says = lambda body: Reply(spoken("three"))
    with pytest.raises(UserError, match=refusal.format("they are not in its answers")):
        client.check()
    door.says = lambda body: Reply(spoken("three", logprobs={"top_logprobs": [{"three": -0.1}]}))
    client.check()  # by now another server has the model, and is asked anew
    client_of().check()
    asked = len(door.bodies)
    client.check()
    assert len(door.bodies) == asked == 4


def test_a_server_that_refuses_whatever_it_is_asked_ends_the_run(
    door: Door, client_of: Callable[..., Client]
) -> None:
    door.says = lambda body: Reply('{"error": {"message": "no such option"}}', 400)
    client = client_of()
    few = [Request(str(number // 5), draw=number) for number in range(10)]  # of two rows
    assert {one.why for one in client.answers(few) if isinstance(one, Failure)} == {
        f"{door.url} says 400: no such option"
    }
    with pytest.raises(
        UserError, match=r"400: no such option, for every request: check language.m"
    ):
        list(client.answers([Request("2")]))


@pytest.mark.parametrize("answered", [0, 1])
def test_rows_that_are_too_long_end_nothing(
    door: Door, client_of: Callable[..., Client], answered: int
) -> None:
    def says(body: dict[str, Any]) -> Reply:
        length = "it" if answered else body["prompt"]
        return (
            Reply(f"{length} is too long", 400) if len(body["prompt"]) > 1 else Reply(spoken("a"))
        )

    door.says = says
    asked = [Request("9" * length) for length in range(2 - answered, 9)]
    told = list(client_of().answers(asked))
    assert [isinstance(one, Answer) for one in told] == [
        length == 1 for length in range(2 - answered, 9)
    ]


def test_a_server_that_only_chats_is_refused_where_completions_are_needed(
    door: Door, client_of: Callable[..., Client]
) -> None:
    client = client_of()
    client.need_completions(unless="growth.form=chat")
    door.says = lambda body: Reply("This is a chat model", 404)
    refusal = rf"parrot only chats \(there is no {door.url}/completions\): give growth.form=chat"
    with pytest.raises(UserError, match=refusal):
        client.check()
    door.says = lambda body: Reply("no log-probabilities", 400)
    client.check()
    door.says = lambda body: Reply(spoken("three"))
    client.check()
