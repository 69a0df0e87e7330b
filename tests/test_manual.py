"""The output of --help."""

import re
from itertools import pairwise, zip_longest
from pathlib import Path

import pytest
from hydra.errors import HydraException

from autoal import config, remarks
from autoal.errors import UserError
from autoal.manual import NAMES, manual
from autoal.plugins import STRATEGIES
from autoal.remarks import Remarks

config.register()
OPTION = re.compile(r"  ([a-z_]+(?:\.[a-z_0-9]+)*)=(\S+)(.*)")


def groups() -> list[str]:
    return re.findall(r"^  (\w+) ", overview(), re.MULTILINE)


def overview() -> str:
    return manual([], "autoal").partition("Choices, as group=choice:\n")[2].partition("\n\n")[0]


def without_meaning(text: str) -> list[str]:
    """The options beside or below which nothing is said."""
    lines = [*text.splitlines(), ""]
    return [
        found[1]
        for line, below in pairwise(lines)
        if (found := OPTION.fullmatch(line)) and not (found[3] or below.startswith(" " * NAMES))
    ]


@pytest.fixture(autouse=True)
def _wide(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("COLUMNS", "100")


def test_the_whole_of_it_names_every_group_and_fits_the_terminal() -> None:
    text = manual([], "autoal")
    folders = [path.name for path in config.CONFIGS.iterdir() if path.is_dir()]
    assert {*groups()} == {name for name in folders if name != "__pycache__"}
    body = text.partition("Choices, as")[2]
    assert max(map(len, body.splitlines())) <= 120
    assert "  budget=10                     labels bought a round\n" in text
    assert "  task.steps=60                 optimizer steps in each round\n" in text


def test_every_option_of_every_choice_has_a_meaning() -> None:
    lists = [
        [f"{group}={choice}" for choice in re.findall(r"^  (\w+)", manual([group], "autoal"), re.M)]
        for group in groups()
        if group not in ("experiment", *config.NAMED)  # which changes others; which are below
    ]
    silent: list[str] = []
    for chosen in zip_longest(*lists):  # one of each group, as telling each alone takes long
        text = manual([choice for choice in chosen if choice], "autoal")
        assert "says nothing about itself" not in text, chosen
        silent += without_meaning(text)
    assert not silent


@pytest.mark.parametrize("name", sorted(STRATEGIES.installed()))
def test_every_option_of_every_strategy_has_a_meaning(name: str) -> None:
    told = remarks.of_class(STRATEGIES.installed()[name].value.replace(":", "."))
    assert told.head
    assert config.options_of(name).keys() - {"candidates"} <= told.options.keys()


def test_a_choice_is_told_with_the_class_that_it_names() -> None:
    text = manual(["strategy=batchbald", "start=kmeans"], "autoal")
    assert text.startswith("strategy=batchbald: ")
    assert "strategy.joint=10" in text
    assert "start.iterations=20" in text
    assert "start.size=20" in text


def test_a_file_that_builds_on_another_is_told_by_both(tmp_path: Path) -> None:
    text = manual(["task=bert"], "autoal")
    assert "  task.optimizer=adamw          sgd, adam, adamw\n" in text  # of fit.yaml
    assert "  task.pooling=mean             mean (of all tokens) or cls (the first one)\n" in text


@pytest.mark.parametrize(
    ("word", "told"),
    [
        ("tasks", "unknown group 'tasks'"),
        ("task=resnet8", "task/resnet8"),
        ("bugdet=3", "bugdet"),
        ("oracle/humans", "unknown group 'oracle/humans'"),
    ],
)
def test_what_is_not_there_is_refused(word: str, told: str) -> None:
    with pytest.raises((UserError, HydraException), match=told):
        manual([word], "autoal")


def test_options_beside_the_choices_are_told_as_they_are_given() -> None:
    whole = manual(["budget=7", "task.steps=5"], "autoal")
    assert whole.startswith("Run one active-learning experiment")
    assert "  budget=7 " in whole
    text = manual(["task=linear", "task.steps=5", "--config-name", "train"], "autoal")
    assert text.startswith("task=linear: ")
    assert "  task.steps=5 " in text
    assert "budget=" not in text


def test_choices_inside_of_choices_are_told() -> None:
    assert manual(["oracle.human"], "autoal") == manual(["oracle/human"], "autoal")
    assert re.search(r"^  noisy  +The data set's own labels", manual(["oracle/human"], "a"), re.M)
    text = manual(["oracle=crowd", "oracle/human=noisy"], "autoal")
    assert "\noracle/human=noisy: " in text


def test_comments_belong_to_the_options_that_they_stand_beside(tmp_path: Path) -> None:
    path = tmp_path / "some.yaml"
    path.write_text(
        "# @package _global_\n# What it\n# is.\n_target_: a.b\n"
        "one: 1  # first,\n        # and more\n"
        "two: 'x'\npart:  # all of it\n  three: null  # third\nfour: [1]  # fourth\n"
    )
    assert remarks.of_file(path) == Remarks(
        "What it is.",
        {
            "one": "first, and more",
            "part": "all of it",
            "part.three": "third",
            "four": "fourth",
        },
    )


def test_a_class_is_told_with_those_that_it_is_made_of() -> None:
    told = remarks.of_class("autoal.datamodules.cifar.Cifar10")
    assert told.options["imbalance"].startswith("none, long_tail or step")
    assert remarks.of_class("autoal.nowhere.Nothing") == Remarks()
    assert remarks.of_class("os.path.Nothing") == Remarks()


@pytest.mark.parametrize(
    ("choice", "told"),
    [
        ("data=cifar10", "It brings start.size=1000, budget=1000, task.epochs=50, unless"),
        ("data=pneumoniamnist", "It brings start.size=50, budget=50, task.epochs=50, unless"),
        ("data=wnli", "It brings rows=texts, task=logistic, start.size=50, budget=20, unless"),
        ("task=frozen", "It brings rows=pictures, unless"),
    ],
)
def test_what_a_choice_brings_along_is_told(choice: str, told: str) -> None:
    assert told in manual([choice], "autoal")


def test_a_choice_that_brings_nothing_along_says_nothing_of_it() -> None:
    assert "It brings" not in manual(["data=digits"], "autoal")
