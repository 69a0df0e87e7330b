"""Every data set in its true format on disk, and every preset, through train.py."""

import csv
import json
from pathlib import Path
from typing import Any

import pytest
import torch
from PIL import Image

from autoal import Model
from tests.datamodules.made import (
    WRITERS,
    write_corrupt_picture,
    write_npz,
    write_pictures,
    write_table,
)
from tests.launch import ROOT, Finished, Zygote

TINY = (
    *("strategy=margin", "start=4", "budget=2", "rounds=1"),
    *("logger=none", "trainer.accelerator=cpu"),
)
SMALL = "task.network._target_=tests.networks.Tiny"
PAPER = sorted(path.stem for path in (ROOT / "configs" / "experiment").glob("paper_*.yaml"))


def run(train: Zygote, tmp_path: Path, *argv: str) -> Finished:
    return train.run(*TINY, f"out={tmp_path}", "name=run", *argv)


def rounds(tmp_path: Path) -> list[dict[str, Any]]:
    lines = (tmp_path / "run" / "rounds.jsonl").read_text().splitlines()
    return [json.loads(line) for line in lines]


def labelled(tmp_path: Path) -> int:
    return len(rounds(tmp_path))


@pytest.mark.parametrize("name", sorted(WRITERS))
def test_a_published_set_is_read_from_its_own_files(
    train: Zygote, tmp_path: Path, name: str
) -> None:
    write, options = WRITERS[name]
    write(tmp_path)
    finished = run(
        train,
        tmp_path,
        f"data={name}",
        f"data.root={tmp_path}",
        "data.check=false",
        "task=linear",
        "task.steps=2",
        *options,
    )
    assert finished.code == 0, finished.err
    assert labelled(tmp_path) == 2


def run_preset(train: Zygote, tmp_path: Path, name: str, *argv: str) -> Finished:
    write, _ = WRITERS[name.removeprefix("paper_")]
    write(tmp_path)
    short = (f"data.root={tmp_path}", "data.check=false", "task.epochs=1")
    return run(train, tmp_path, f"experiment={name}", *short, *argv)


def test_a_preset_of_the_paper_teaches_its_own_network(train: Zygote, tmp_path: Path) -> None:
    """ResNet-18, which all of them share."""
    finished = run_preset(train, tmp_path, "paper_cifar10")
    assert finished.code == 0, finished.err
    assert labelled(tmp_path) == 2


@pytest.mark.parametrize("name", PAPER)
def test_the_published_search_queries_in_every_preset(
    train: Zygote, tmp_path: Path, name: str
) -> None:
    """An epoch before the first turn, which is the only one; ResNet-18 is SearchNet alone.

    As that it sees the pictures of each; a small network learns.
    """
    short = ("strategy.paper.warmup=1", "strategy.steps=1")
    finished = run_preset(train, tmp_path, name, "strategy=autoal_paper", *short, SMALL, "start=8")
    assert finished.code == 0, finished.err
    _, queried = rounds(tmp_path)
    assert len(queried["queried"]) == 2
    assert {"weights", "check_before", "check_after"} <= queried["notes"].keys()


def test_there_is_a_preset_for_each_set_of_the_paper() -> None:
    assert len(PAPER) == 7


def test_a_folder_with_a_corrupt_picture_runs_without_it(train: Zygote, tmp_path: Path) -> None:
    write_pictures(tmp_path / "images", count=10)
    broken = write_corrupt_picture(tmp_path / "images")
    options = ("data=folder", f"data.path={tmp_path / 'images'}", "task=linear", "task.steps=2")
    refused = run(train, tmp_path, *options)
    assert refused.code == 2
    assert str(broken) in refused.err
    finished = run(train, tmp_path, *options, "data.corrupt=skip")
    assert finished.code == 0, finished.err


def test_labels_that_count_are_not_there_to_simulate_with(train: Zygote, tmp_path: Path) -> None:
    write_pictures(tmp_path / "images")
    options = ("data=unlabelled", f"data.path={tmp_path / 'images'}", "oracle=truth")
    refused = run(train, tmp_path, *options)
    assert refused.code == 2
    assert "oracle=truth needs labels that a data set hides" in refused.err
    assert "decoding" not in refused.err


def test_a_picture_that_was_renamed_between_two_starts_is_the_same_row(
    train: Zygote, tmp_path: Path
) -> None:
    pictures, asked = tmp_path / "images", tmp_path / "run" / "to_label.csv"
    for number in range(12):
        path = pictures / f"{number}.png"
        path.parent.mkdir(exist_ok=True)
        Image.new("L", (4, 4), 20 * number).save(path)
    options = ("data=unlabelled", f"data.path={pictures}", "data.classes=[dark,light]")
    some = (*options, "data.size=4", "task=linear", "task.steps=2", "oracle=files", "rounds=0")
    assert run(train, tmp_path, *some).code == 75
    head, *lines = asked.read_text().splitlines()
    names = [line.partition(",")[0] for line in lines]
    labels = ["light" if int(Path(name).stem) > 5 else "dark" for name in names]
    told = [f"{name},{label},,," for name, label in zip(names, labels, strict=True)]
    asked.write_text("\n".join([head, *told]).replace(names[0], "other.png"))
    (pictures / names[0]).rename(pictures / "other.png")
    finished = run(train, tmp_path, *some)
    assert finished.code == 0, finished.err
    (done,) = rounds(tmp_path)
    assert done["names"] == ["other.png", *names[1:]]
    assert [done["labels"][0]] == [int(labels[0] == "light")]


def test_held_out_images_count_as_labelled(train: Zygote, tmp_path: Path) -> None:
    write_npz(tmp_path / "a.npz")
    options = ("data=npz", f"data.path={tmp_path / 'a.npz'}", "task=linear", "task.steps=2")
    finished = run(train, tmp_path, *options, "data.validation=5")
    assert finished.code == 0, finished.err
    assert '"labelled": 9,' in (tmp_path / "run" / "rounds.jsonl").read_text()
    refused = run(train, tmp_path, *options, "data.validation=13", "name=other")
    assert refused.code == 2
    assert "data.validation=13: there are only 12 rows" in refused.err


def test_a_table_with_categories_and_gaps_is_held_out_split_and_fitted(
    train: Zygote, tmp_path: Path
) -> None:
    write_table(tmp_path / "a.csv")
    options = ("data=table", f"data.path={tmp_path / 'a.csv'}", "data.label=label")
    finished = run(train, tmp_path, *options, "task=logistic")
    assert finished.code == 0, finished.err
    # A fifth of the 60 rows, which are held out, and the four of the start.
    assert '"labelled": 16,' in (tmp_path / "run" / "rounds.jsonl").read_text()
    weights = torch.load(tmp_path / "run" / "state" / "round-0001.pt", weights_only=True)
    assert weights["learner"]["head.weight"].shape == (2, 6)  # two numbers, four kinds of job


def test_the_salutary_experiment_labels_a_table_without_asking(
    train: Zygote, tmp_path: Path
) -> None:
    write_table(tmp_path / "a.csv")
    options = ("experiment=salutary_table", f"data.path={tmp_path / 'a.csv'}")
    finished = run(train, tmp_path, *options, "strategy=salutary", "oracle=salutary")
    assert finished.code == 0, finished.err
    start, queried = rounds(tmp_path)
    assert (start["bought"], queried["bought"]) == (4 + 12, 0)
    assert len(queried["labels"]) == 2


@pytest.mark.parametrize(
    ("options", "told"),
    [
        (("task=logistic", "data.label=wage"), "has no column 'wage'; it has age, job, pay, label"),
        (("task=logistic", "data.crop=2"), "unknown option of 'data': 'crop'"),
        (("task=resnet18",), "this network reads images"),
    ],
)
def test_what_a_table_cannot_do_is_refused(
    train: Zygote, tmp_path: Path, options: tuple[str, ...], told: str
) -> None:
    write_table(tmp_path / "a.csv")
    refused = run(train, tmp_path, "data=table", f"data.path={tmp_path / 'a.csv'}", *options)
    assert refused.code == 2
    assert told in refused.err


def test_a_head_is_trained_on_features_that_are_kept(train: Zygote, tmp_path: Path) -> None:
    write_npz(tmp_path / "a.npz")
    options = (
        "data=npz",
        f"data.path={tmp_path / 'a.npz'}",
        "task=frozen",
        "task.steps=5",
        "encoder.count=8",
    )
    first = run(train, tmp_path, *options)
    assert first.code == 0, first.err
    assert "the encoder looks at 24 rows" in first.err
    again = run(train, tmp_path, *options, "name=again")
    assert again.code == 0, again.err
    assert "looks at" not in again.err
    whole, other = (
        torch.load(tmp_path / name / "state" / "round-0001.pt", weights_only=True)
        for name in ("run", "again")
    )
    assert torch.equal(whole["learner"]["head.weight"], other["learner"]["head.weight"])


def test_an_unknown_encoder_is_refused(train: Zygote, tmp_path: Path) -> None:
    finished = run(train, tmp_path, "task=frozen", "encoder=patch")
    assert finished.code == 2
    assert "unknown encoder 'patch'; did you mean 'patches'?" in finished.err


@pytest.mark.parametrize(
    ("options", "told"),
    [
        (("data=digits", "encoder=patches", "encoder.count=8"), "this network reads images"),
        (("data=digits", "encoder=file"), "encoder.path is needed"),
        (("data=digits", "encoder=file", "encoder.path=/no.npz"), "there is no file /no.npz"),
    ],
)
def test_an_encoder_that_does_not_fit_is_refused(
    train: Zygote, tmp_path: Path, options: tuple[str, ...], told: str
) -> None:
    refused = run(train, tmp_path, *options, "task=resnet18")
    assert refused.code == 2
    assert told in refused.err
    assert "Traceback" not in refused.err


def test_an_encoder_of_pictures_refuses_a_table(train: Zygote, tmp_path: Path) -> None:
    write_table(tmp_path / "a.csv")
    options = ("data=table", f"data.path={tmp_path / 'a.csv'}", "task=frozen")
    refused = run(train, tmp_path, *options)
    assert refused.code == 2
    assert "Patches encodes pictures" in refused.err


TEXTS = "body\ttopic\n" + "".join(
    f"{('good', 'bad')[row % 2]} words of {row} people\t{('up', 'down')[row % 2]}\n"
    for row in range(30)
)


def test_texts_of_ones_own_are_learnt_from_in_one_command(train: Zygote, tmp_path: Path) -> None:
    path = tmp_path / "a.tsv"
    path.write_text(TEXTS)
    options = (f"data.path={path}", "data.text=[body]", "data.label=topic")
    finished = run(train, tmp_path, "data=text", *options)
    assert finished.code == 0, finished.err
    assert rounds(tmp_path)[-1]["accuracy"] > 0.9
    config = (tmp_path / "run" / "config.yaml").read_text()
    assert "autoal.encoders.tfidf.Tfidf" in config
    assert "autoal.model.logistic.Logistic" in config


def test_the_encoder_and_the_task_that_are_given_win(train: Zygote, tmp_path: Path) -> None:
    path = tmp_path / "a.tsv"
    path.write_text(
        TEXTS.replace("body\ttopic", "sentence\tlabel").replace("up", "1").replace("down", "0")
    )
    own = (
        "data=sst2",
        f"data.path={path}",
        f"data.test_path={path}",
        "task=linear",
        "task.steps=2",
    )
    finished = run(train, tmp_path, *own, "encoder=none")
    assert finished.code == 2
    assert finished.err.splitlines()[-1].startswith("error: texts need an encoder")
    finished = run(train, tmp_path, *own)
    assert finished.code == 0, finished.err
    assert "autoal.model.task.Task" in (tmp_path / "run" / "config.yaml").read_text()


def test_new_texts_are_predicted(train: Zygote, tmp_path: Path) -> None:
    path = tmp_path / "a.tsv"
    path.write_text(TEXTS)
    finished = run(
        train, tmp_path, "data=text", f"data.path={path}", "data.text=[body]", "data.label=topic"
    )
    assert finished.code == 0, finished.err
    (tmp_path / "new.txt").write_text("good words\nbad words\n")
    model = Model.read(tmp_path / "run")
    names, probs = model.predict_files(tmp_path / "new.txt")
    assert [model.classes[place] for place in probs.argmax(1).tolist()] == ["up", "down"]
    assert names == [f"{tmp_path / 'new.txt'}:1", f"{tmp_path / 'new.txt'}:2"]
    assert torch.equal(model.predict(["good words", "bad words"]), probs)


def test_texts_without_labels_are_asked_about_in_a_file(train: Zygote, tmp_path: Path) -> None:
    path = tmp_path / "a.jsonl"
    rows = [{"body": f"words of {row} people"} for row in range(30)]
    path.write_text("".join(json.dumps(row) + "\n" for row in rows))
    own = (f"data.path={path}", "data.text=[body]", "data.classes=[up,down]", "oracle=files")
    finished = run(train, tmp_path, "data=unlabelled", "encoder=auto", "task=logistic", *own)
    assert finished.code == 75, finished.err
    with (tmp_path / "run" / "to_label.csv").open(newline="") as file:
        asked = list(csv.DictReader(file))
    assert len(asked) == 4
    for row in asked:
        number = int(row["name"].removeprefix("a.jsonl:")) - 1
        assert row["text"] == rows[number]["body"]
