import json
import sys
from pathlib import Path
from shutil import copytree
from typing import Any

import pytest
import torch

from autoal.errors import UserError
from autoal.growth.local import Local
from tests.transformers_made import tiny_gguf

CPU = torch.device("cpu")
TUNING = {"beta": 0.05, "epochs": 2, "learning_rate": 0.01, "seed": 0}
PROMPTS = ["Films:\n- good\n-", "Films:\n- a very long one\n- bad\n-", "-"]


def local(model: Path | str, tuning: dict[str, Any] | None = None, tokens: int = 30) -> Local:
    return Local(str(model), CPU, temperature=1.0, top_p=0.95, tokens=tokens, tuning=tuning)


def test_texts_are_lines_and_the_same_for_the_same_seed(llama: Path) -> None:
    found = local(llama).generate(PROMPTS, seed=1)
    assert len(found) == 3
    assert local(llama).generate(PROMPTS, seed=1) == found
    assert local(llama).generate(PROMPTS, seed=2) != found
    assert all(text == text.strip() and "\n" not in text for text in found)


def test_a_pair_is_read_in_the_tokens_of_both_together(llama: Path) -> None:
    made = local(llama)
    pair = made._pair("Films:\n-", "a film")
    assert made._tokenizer.decode(pair.prompt) == "Films:\n-"
    assert made._tokenizer.decode(pair.answer) == " a film\n"


def test_what_was_worth_most_gets_likelier(llama: Path) -> None:
    made = local(llama, TUNING | {"beta": 0.0, "epochs": 20})
    texts = ["good", "dull", "fine"]

    def likely() -> list[float]:
        policy = made._policy()
        assert policy.ppo is not None
        pairs = [made._pair(*both) for both in zip(PROMPTS, texts, strict=True)]
        return [float(logs.sum()) for logs in policy.ppo._weighed(pairs)]

    before = likely()
    told = made.learn(PROMPTS, texts, [0.0, 0.0, 1.0])
    assert told["kl"] > 0
    gained = [after - first for after, first in zip(likely(), before, strict=True)]
    assert gained[2] > 1 > 0 > max(gained[:2])


def test_what_is_not_tuned_learns_nothing_and_keeps_nothing(llama: Path) -> None:
    made = local(llama)
    assert made.learn(PROMPTS, ["good"] * 3, [0.0, 1.0, 2.0]) == {}
    assert made.state_dict() == {}


def test_a_state_goes_on_alike(llama: Path) -> None:
    first, second = local(llama, TUNING), local(llama, TUNING)
    first.learn(PROMPTS, ["good", "dull", "fine"], [0.0, 1.0, 2.0])
    second.load_state_dict(first.state_dict())
    assert second.state_dict() is not first.state_dict()
    assert second._open is None  # a run that is over reads no weights
    assert second.generate(PROMPTS, seed=1) == first.generate(PROMPTS, seed=1)
    told = [made.learn(PROMPTS, ["a", "b", "c"], [0.0, 2.0, 1.0]) for made in (first, second)]
    assert told[0] == told[1]


def test_no_state_is_the_beginning(llama: Path) -> None:
    made = local(llama, TUNING)
    before, found = made.state_dict(), made.generate(PROMPTS, seed=1)
    made.learn(PROMPTS, ["good", "dull", "fine"], [0.0, 1.0, 2.0])
    made.load_state_dict(before)
    assert before == {}
    assert made.generate(PROMPTS, seed=1) == found


def test_a_file_of_llama_cpp_writes_the_same(llama: Path, tmp_path: Path) -> None:
    file = tiny_gguf(llama, tmp_path / "model.gguf")
    assert local(file).generate(PROMPTS, seed=1) == local(llama).generate(PROMPTS, seed=1)


def test_files_of_llama_cpp_need_a_package(
    llama: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    file = tiny_gguf(llama, tmp_path / "model.gguf")
    monkeypatch.setitem(sys.modules, "gguf", None)
    with pytest.raises(UserError, match=r"gguf needs the package gguf: pip install -e '\.\[gen"):
        local(file)


def test_what_the_hub_has_not_of_a_model_is_not_needed(llama: Path, tmp_path: Path) -> None:
    folder = copytree(llama, tmp_path / "model")
    (folder / "generation_config.json").unlink()
    assert local(folder).generate(PROMPTS, seed=1) == local(llama).generate(PROMPTS, seed=1)


@pytest.mark.parametrize("kind", ["bert", "t5", "vit"])
def test_a_model_that_does_not_write_is_refused_at_once(
    kind: str, bert: Path, tmp_path: Path
) -> None:
    folder = copytree(bert, tmp_path / "model")
    (folder / "config.json").write_text(json.dumps({"model_type": kind}))
    with pytest.raises(UserError, match=rf"growth\.model=.*{kind}, does not continue texts"):
        local(folder)


def test_a_prompt_that_is_too_long_is_refused(llama: Path) -> None:
    with pytest.raises(UserError, match="a prompt of 600 tokens leaves no room"):
        local(llama).generate(["- " * 300], seed=0)
