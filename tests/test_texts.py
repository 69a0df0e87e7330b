"""Whole runs on texts, with language models that are tiny."""

import json
from pathlib import Path
from typing import Any

import pytest

from tests.launch import Finished, Zygote
from tests.transformers_made import WORDS

PLAN = ("start.size=4", "budget=2")


def write_texts(folder: Path, columns: tuple[str, ...] = ("sentence",)) -> tuple[str, ...]:
    """Forty rows to learn from and twenty for the test, whose first word tells the class."""
    for part, count in (("train", 40), ("test", 20)):
        lines = ["\t".join((*columns, "label"))]
        for row in range(count):
            words = [WORDS[row % 2], *(WORDS[(row * step) % len(WORDS)] for step in (3, 5, 7))]
            lines.append("\t".join([" ".join(words)] * len(columns) + [str(row % 2)]))
        (folder / f"{part}.tsv").write_text("\n".join(lines) + "\n")
    return f"data.path={folder / 'train.tsv'}", f"data.test_path={folder / 'test.tsv'}"


def run(train: Zygote, folder: Path, *options: str, rounds: int = 1) -> Finished:
    plan = (*PLAN, f"rounds={rounds}")
    return train.run("logger=none", *options, *plan, f"out={folder}", "name=run")


def record(folder: Path) -> list[dict[str, Any]]:
    lines = (folder / "run" / "rounds.jsonl").read_text().splitlines()
    return [json.loads(line) for line in lines]


def tiny(bert: Path) -> tuple[str, ...]:
    return "task=bert", f"task.model={bert}", "task.steps=2", "encoder.length=16"


def test_a_transformer_is_fine_tuned_and_its_model_predicts(
    train: Zygote, tmp_path: Path, bert: Path
) -> None:
    files = write_texts(tmp_path)
    options = ("data=text", "data.text=[sentence]", *tiny(bert), "strategy=badge")
    finished = run(train, tmp_path, *files, *options)
    assert finished.code == 0, finished.err
    assert [line["labelled"] for line in record(tmp_path)] == [4, 6]
    assert "accuracy on the test set (50.0 % of one class)" in finished.out


def test_rows_longer_than_a_transformer_reads_are_refused(
    train: Zygote, tmp_path: Path, bert: Path
) -> None:
    files = write_texts(tmp_path)
    model = ("data=text", "data.text=[sentence]", "task=bert", f"task.model={bert}")
    finished = run(train, tmp_path, *files, *model, "encoder.length=41")
    assert finished.code == 2
    assert "give encoder.length=40 or less" in finished.err


def test_tokens_of_another_model_are_refused(
    train: Zygote, tmp_path: Path, bert: Path, roberta: Path
) -> None:
    files = write_texts(tmp_path)
    options = ("data=text", "data.text=[sentence]", *tiny(bert), f"encoder.model={roberta}")
    finished = run(train, tmp_path, *files, *options)
    assert finished.code == 2
    assert (
        f"encoder.model={roberta} and task.model={bert}: a model knows only its own" in finished.err
    )


def test_a_run_that_stopped_after_a_round_goes_on_to_the_same_rounds(
    train: Zygote, tmp_path: Path, bert: Path
) -> None:
    options = (*write_texts(tmp_path), "data=text", "data.text=[sentence]", *tiny(bert))
    warm = ("strategy=badge", "task.warm_start=true")  # so that the state's weights matter
    rounds = []
    for name, plans in (("whole", (2,)), ("stopped", (1, 2))):
        for plan in plans:
            finished = run(train, tmp_path / name, *options, *warm, rounds=plan)
            assert finished.code == 0, finished.err
        rounds.append([{**line, "seconds": None} for line in record(tmp_path / name)])
    assert len(rounds[0]) == 3
    assert rounds[1] == rounds[0]


@pytest.mark.parametrize(
    ("experiment", "options", "tuned", "pool"),
    [
        ("seminar_text", ("task=svm", "data.share=1"), False, 40),
        ("seminar_text", ("data.share=0.2", "strategy=bert_km"), True, 8),
        ("signal_pool_sst2", ("data.share=0.2", "strategy=signal"), True, 8),
    ],
)
def test_an_experiment_on_texts_runs_with_any_model(
    train: Zygote,
    tmp_path: Path,
    bert: Path,
    experiment: str,
    options: tuple[str, ...],
    tuned: bool,
    pool: int,
) -> None:
    files = write_texts(tmp_path)
    model = tiny(bert) if tuned else ()
    finished = run(train, tmp_path, f"experiment={experiment}", *files, *model, *options)
    assert finished.code == 0, finished.err
    assert [line["labelled"] for line in record(tmp_path)] == [4, 6]
    assert max(row for line in record(tmp_path) for row in line["queried"]) < pool


@pytest.mark.parametrize(
    "other",
    [
        *(("task=logistic",), ("task=few_labels",), ("task=svm",), ("task=frozen",)),
        *(("task=tanh_head",), ("task=bert",), ("growth=file", "growth.path=more.txt")),
        *(("growth=edit",), ("growth=language", "growth.model=Qwen/Qwen2.5-7B-Instruct")),
    ],
)
def test_another_part_takes_the_place_of_that_of_an_experiment(
    train: Zygote, tmp_path: Path, other: tuple[str, ...]
) -> None:
    """Its settings are sound; the first thing that is wrong is a file that is not there."""
    lacking = tmp_path / "lacking.tsv"
    files = (f"data.path={lacking}", f"data.test_path={lacking}")
    refused = run(train, tmp_path, "experiment=signal_sst2", *other, *files)
    assert refused.code == 2
    assert "lacking.tsv" in refused.err, refused.err


def test_salutary_labels_on_pairs_of_sentences(train: Zygote, tmp_path: Path, bert: Path) -> None:
    files = write_texts(tmp_path, ("sentence1", "sentence2"))
    options = ("experiment=salutary_text_labels", f"encoder.model={bert}", "task.steps=5")
    finished = run(train, tmp_path, *files, *options, "strategy=salutary_head")
    assert finished.code == 0, finished.err
    start, queried = record(tmp_path)
    assert (start["bought"], queried["bought"]) == (4 + 10, 0)  # half of the test rows judge


def signal(llama: Path, *options: str) -> tuple[str, ...]:
    """SIGnAL on eight rows, with a model that continues texts by whatever bytes."""
    drafts = ("growth.tokens=8", "growth.shortest=1", "growth.far=-1", "growth.near=1")
    tuned = ("growth.tune=ppo", "growth.learning_rate=0.01", "data.share=0.2")
    return ("experiment=signal_sst2", f"growth.model={llama}", *drafts, *tuned, *options)


def test_signal_tunes_what_makes_rows_and_goes_on_where_it_stopped(
    train: Zygote, tmp_path: Path, bert: Path, llama: Path
) -> None:
    options = (*write_texts(tmp_path), *tiny(bert))
    teach = ("data=sst2", "strategy=random", "logger=none", "start=20", "rounds=0")
    taught = train.run(*options, *teach, f"out={tmp_path}", "name=annotator")
    assert taught.code == 0, taught.err
    by = f"growth.annotator={tmp_path}/annotator/model"
    found = []
    for name, plans in (("whole", (6,)), ("stopped", (3, 6))):
        for plan in plans:
            finished = run(train, tmp_path / name, *signal(llama, by), *options, rounds=plan)
            assert finished.code == 0, finished.err
        made = (tmp_path / name / "run/generated.jsonl").read_text()
        found.append((made, [{**line, "seconds": None} for line in record(tmp_path / name)]))
    assert found[0] == found[1]
    made, told = found[0]
    assert told[-1]["labelled"] == 16  # twice as many as the pool has rows
    assert told[-1]["growth"]["kl"] > 0
    joined = [line for line in map(json.loads, made.splitlines()) if "name" in line]
    assert len(joined) == 12
    assert all("score" in line for line in joined)


def test_signal_without_an_annotator_names_the_command_that_makes_it(
    train: Zygote, tmp_path: Path, bert: Path, llama: Path
) -> None:
    options = (*write_texts(tmp_path), *tiny(bert))
    finished = run(train, tmp_path, *signal(llama), *options)
    assert finished.code == 2
    assert f"out={tmp_path} name=annotator-sst2` trains one" in finished.err
