"""A run from the command line in which a language model chooses rows and predicts their classes."""

import json
import math
from pathlib import Path
from typing import Any

from tests.language.door import MODEL, Door, Reply, spoken
from tests.launch import Finished, Zygote

WORDS = ("fine", "dull")


def says(body: dict[str, Any]) -> Reply:
    """Chooses the second instance, and knows a word of either class."""
    if "messages" in body:
        return Reply(spoken("Answer: 2"))
    good = "fine" in str(body["prompt"]).rpartition("Text: ")[2]
    told = {" good": math.log(0.9 if good else 0.1), " bad": math.log(0.1 if good else 0.9)}
    return Reply(spoken("", logprobs={"top_logprobs": [told]}))


def written(path: Path, count: int, name: str) -> Path:
    """A file of texts and their classes."""
    lines = [
        f"a {WORDS[row % 2]} {name}, {row}\t{('good', 'bad')[row % 2]}" for row in range(count)
    ]
    path.write_text("\n".join(["body\tlabel", *lines]))
    return path


def run(train: Zygote, folder: Path, door: Door, *given: str) -> Finished:
    pool, test = (written(folder / f"{name}.tsv", 40, name) for name in ("film", "play"))
    data = ("data=text", f"data.path={pool}", f"data.test_path={test}", "data.text=[body]")
    reached = (f"language.url={door.url}", f"language.model={MODEL}")
    plan = ("start.size=4", "budget=3", "rounds=1", "logger=none", f"out={folder}", "name=run")
    return train.run(*data, *reached, *plan, *given)


def test_a_model_chooses_from_the_start_on_and_is_judged(
    train: Zygote, door: Door, tmp_path: Path
) -> None:
    door.says = says
    chosen = ("strategy=active_llm", "start=active_llm", "strategy.shown=6", "start.shown=6")
    finished = run(
        train, tmp_path, door, *chosen, "task=prompt", "task.shots=2", "task.test_rows=9"
    )
    assert finished.code == 0, finished.err
    assert "model is not written: task=prompt has no model of its own" in finished.err
    lines = (tmp_path / "run" / "rounds.jsonl").read_text().splitlines()
    rounds = [json.loads(line) for line in lines]
    assert [done["notes"]["filled"] for done in rounds] == [3, 2]
    assert [done["asked"] for done in rounds] == [9, 9]
    assert rounds[-1]["accuracy"] == 1
    chats = [body["messages"] for body in door.bodies if "messages" in body]
    # The first asks whether the server tells probabilities.
    _, *prompts = [body["prompt"] for body in door.bodies if "prompt" in body]
    assert len(chats) == 2
    assert not any("play" in str(chat) or "bad" in str(chat) for chat in chats)
    assert {prompt.count("play") for prompt in prompts} == {1}  # the row that is asked about


def test_it_is_no_candidate_on_the_command_line_either(
    train: Zygote, door: Door, tmp_path: Path
) -> None:
    refused = run(train, tmp_path, door, "+strategy.candidates.active_llm={}")
    assert refused.code == 2
    assert "'active_llm': it asks a language model, which takes money and time" in refused.err
    assert door.bodies == []
