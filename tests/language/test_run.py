"""Runs whose parts ask a language model, from the settings to the record."""

import re
from collections.abc import Callable
from importlib.metadata import EntryPoint, EntryPoints
from pathlib import Path
from typing import Any

import pytest
import yaml

from autoal import plugins
from autoal.errors import UserError
from autoal.language.client import Client
from autoal.language.section import client_of
from autoal.naming import run_name
from autoal.plugins import STRATEGIES
from autoal.query import registry
from autoal.record.config import changes
from tests.language.asking import Chooses
from tests.language.door import MODEL, Door, Reply, spoken
from tests.launch import Finished, Zygote

SMALL = ("strategy=random", "task=linear", "task.steps=2", "start=4", "budget=3", "rounds=2")
ASKING = "oracle._target_=tests.language.asking.Asking"
SECTION: dict[str, Any] = {
    **{"url": None, "model": None, "key_env": "OPENAI_API_KEY", "price_in": 0.0},
    **{"price_out": 0.0, "most": None, "tries": 5, "timeout": 120.0, "parallel": 4},
}


def run(train: Zygote, out: Path, *given: str) -> Finished:
    return train.run(*SMALL, ASKING, "logger=none", f"out={out}", *given)


def reached(door: Door, *more: str) -> tuple[str, ...]:
    return (f"language.url={door.url}", f"language.model={MODEL}", *more)


def rounds(folder: Path) -> int:
    return len((folder / "rounds.jsonl").read_text().splitlines())


def test_a_run_asks_counts_and_goes_on_where_the_most_was_spent(
    train: Zygote, door: Door, tmp_path: Path
) -> None:
    costly = reached(door, "language.price_in=10000", "language.parallel=1")  # one a row
    stopped = run(train, tmp_path, *costly, "language.most=8")
    assert stopped.code == 2
    assert "language.most=8 is spent (8.0000): the answers are kept" in stopped.err
    assert len(door.bodies) == 8
    (folder,) = tmp_path.glob("digits-*")
    assert rounds(folder) == 2
    finished = run(train, tmp_path, *costly, "language.most=20")
    assert finished.code == 0, finished.err
    assert rounds(folder) == 3
    assert len(door.bodies) == len(door.counts) == 10
    assert {path.name for path in tmp_path.glob("digits-*")} == {folder.name}
    # What is done is shown without any server.
    door.replies += [Reply("<html>")]
    shown = run(train, tmp_path, *costly, "language.most=20", "language.url=http://127.0.0.1:1/v1")
    assert shown.code == 0, shown.err


@pytest.mark.parametrize(
    ("given", "message"),
    [
        ([], "this oracle asks a language model: give language.url= and language.model="),
        (["language.model=x"], "give language.url= too"),
        (["language.url=http://127.0.0.1:1/v1"], "give language.model= too"),
        (
            ["language.url=http://127.0.0.1:1/v1", "language.model=x"],
            "no language model is served at http://127.0.0.1:1/v1",
        ),
        (["language.url=x/v1", "language.model=x"], "must begin with http:// or https://"),
        (["language.tries=0", "language.url=http://x", "language.model=x"], "at least 1"),
        (["language.tries=many"], "language.tries='many': must be a whole number"),
        (["language.url=3", "language.model=x"], "language.url=3: must be a text"),
        (["language.key=sk-secret"], "unknown option of 'language': 'key'; did you mean 'key_env'"),
    ],
)
def test_what_cannot_be_is_refused_in_a_line_and_leaves_nothing(
    train: Zygote, tmp_path: Path, given: list[str], message: str
) -> None:
    refused = run(train, tmp_path, *given)
    assert refused.code == 2
    assert message in refused.err
    assert refused.err.count("\n") <= 2
    assert not list(tmp_path.glob("digits-*"))


def test_the_key_is_nowhere_in_the_run(
    train: Zygote, door: Door, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    finished = run(train, tmp_path, *reached(door, "language.key_env=HOME", "name=run"))
    assert finished.code == 0, finished.err
    assert door.keys[-1] == f"Bearer {train.folder}"
    config = yaml.safe_load((tmp_path / "run" / "config.yaml").read_text())
    assert config["language"] == {
        **SECTION,
        "url": door.url,
        "model": MODEL,
        "key_env": "HOME",
    }
    kept = [path for path in (tmp_path / "run").rglob("*") if path.is_file()]
    assert not any(str(train.folder).encode() in path.read_bytes() for path in kept)


def test_no_key_is_sent_where_none_is_wanted(train: Zygote, door: Door, tmp_path: Path) -> None:
    finished = run(train, tmp_path, *reached(door, "language.key_env=null", "name=run"))
    assert finished.code == 0, finished.err
    assert set(door.keys) == {None}


def test_all_that_asks_of_a_data_set_calls_its_rows_as_the_data_do(
    train: Zygote, door: Door, tmp_path: Path
) -> None:
    words = ("fine", "grand", "drab", "gloomy")
    rows = [f"so {word} a film as number {row} is\t{row % 2}" for row, word in enumerate(words * 4)]
    (tmp_path / "rows.tsv").write_text("\n".join(["sentence\tlabel", *rows, ""]))
    log = {"top_logprobs": [{" positive": -0.1, " negative": -2.5}]}
    door.says = lambda body: Reply(spoken("one more of them", logprobs=log))
    file, given = (
        tmp_path / "rows.tsv",
        ("oracle.question=Mood", "oracle.shots=2", "growth.tries=1"),
    )
    asking = ("task=prompt", "oracle=language", "growth=language", "strategy=random")
    finished = train.run(
        *("data=sst2", f"data.path={file}", f"data.test_path={file}", f"out={tmp_path}", *asking),
        *("start=6", "budget=2", "rounds=1", "logger=none", *given, *reached(door)),
    )
    assert finished.code == 0, finished.err
    asked = {re.sub(r"(so|Mood|Sentiment).*", r"\1", body["prompt"]) for body in door.bodies[1:]}
    ends = {prompt.rpartition("\n\n")[2].replace("- so\n", "") for prompt in asked}
    assert ends == {"Review: so\nMood", "Review: so\nSentiment", "Movie review snippets:\n-"}


def test_a_run_that_knows_nothing_of_language_models_goes_on() -> None:
    assert client_of({}) is None
    assert client_of({"language": SECTION}) is None
    assert not changes({"seed": 0}, {"seed": 0, "language": SECTION})
    assert not changes({"seed": 0}, {"seed": 0, "later": None})
    other = {"seed": 0, "language": {**SECTION, "model": "x"}}
    assert changes({"seed": 0}, other) == {"language.model": ("nothing", "x")}


def test_only_the_model_makes_another_run() -> None:
    defaults = {"seed": 0, "language": SECTION}
    moved = {key: "other" for key in SECTION if key != "model"}
    other = {"seed": 0, "language": {**SECTION, **moved}}
    assert run_name(other, defaults, "digits", "random", data="digits") == "digits-random-0"
    assert not changes(defaults, other)
    named = {"seed": 0, "language": {**SECTION, "model": "x"}}
    assert run_name(named, defaults, "digits", "random", data="digits") != "digits-random-0"
    assert changes(defaults, named)


def test_a_strategy_is_given_the_client_and_it_is_no_option(
    client_of: Callable[..., Client], monkeypatch: pytest.MonkeyPatch
) -> None:
    point = EntryPoint("chooses", "tests.language.asking:Chooses", STRATEGIES.group)
    monkeypatch.setattr(plugins, "_points", lambda: EntryPoints([point]))
    client = client_of()
    built = registry.build("chooses", "strategy", client, step=2)
    assert isinstance(built, Chooses)
    assert (built.step, built.language) == (2, client)
    assert registry.options(Chooses) == {"step": 1}
    with pytest.raises(UserError, match="unknown option"):
        registry.build("chooses", language="x")
