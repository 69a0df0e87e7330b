from pathlib import Path

import pytest

from autoal.language.__main__ import main
from autoal.language.asked import Request
from autoal.language.cache import NAME
from autoal.language.client import Client
from tests.language.door import MODEL, Door, Reply


@pytest.fixture(autouse=True)
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    return tmp_path / "autoal" / NAME


def test_it_tells_the_models_of_a_server_and_what_was_paid(
    door: Door, home: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main([]) == 0
    assert capsys.readouterr().out == f"no answers are kept yet in {home}\n"
    assert not home.exists()
    client = Client(door.url, MODEL, price_in=20.0)
    for number in range(12):
        client.answer(Request(str(number)))
    assert main(["--url", door.url]) == 0
    served, kept, head, line = capsys.readouterr().out.splitlines()
    assert served == f"{door.url} serves parrot"
    assert kept == f"kept in {home}, with tokens read and written:"
    assert head.split() == ["model", "answers", "read", "written", "cost", "seconds"]
    assert line.split()[:5] == ["parrot", "12", "1,200", "120", "0.0240"]
    assert len(head) == len(line)
    assert main(["--url", door.url, "--model", MODEL]) == 0


@pytest.mark.parametrize(
    ("given", "reply", "message"),
    [
        (["--model", "x"], None, "give --url too"),
        (["--url", "x"], None, "must begin with http:// or https://"),
        (["--url", "{}", "--model", "carrot"], None, "did you mean 'parrot'"),
        (["--url", "{}"], Reply("<html>"), "no language model is served at"),
        (["--url", "{}"], Reply("no", 401), "set OPENAI_API_KEY"),
        (["--url", "{}"], Reply("no", 404), "usually ends in /v1"),
        (["--url", "{}", "--key-env", ""], Reply("no", 401), "language.key_env=null"),
    ],
)
def test_what_is_wrong_is_told_in_a_line(
    door: Door,
    capsys: pytest.CaptureFixture[str],
    given: list[str],
    reply: Reply | None,
    message: str,
) -> None:
    door.replies += [reply] if reply else []
    assert main([part.format(door.url) for part in given]) == 2
    told = capsys.readouterr()
    assert message in told.err
    assert told.out == ""
    assert told.err.count("\n") <= 2
