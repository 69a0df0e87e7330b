from collections.abc import Callable, Mapping
from dataclasses import replace
from io import StringIO
from pathlib import Path
from typing import Any
from xml.etree import ElementTree

import pytest
from rich.console import Console

from autoal import Round
from autoal.record.folder import RunFolder
from autoal.report.figures import BOTTOM, HEIGHT, TOP
from autoal.report.finished import (
    chosen,
    learning_curve,
    mixing_weights,
    show_results,
    write_results,
)
from autoal.report.svg import standalone

SVG = "{http://www.w3.org/2000/svg}"


@pytest.fixture
def folder(tmp_path: Path, config: dict[str, Any], history: list[Round]) -> RunFolder:
    folder = RunFolder(tmp_path / "run", config, {})
    for done in history:
        folder.add(done, {})
    folder.__exit__(None, None, None)
    return folder


def circles(svg: str) -> list[tuple[float, float]]:
    """Where the points of curves are drawn."""
    found = ElementTree.fromstring(svg).iter(f"{SVG}circle")
    return [(float(point.attrib["cx"]), float(point.attrib["cy"])) for point in found]


def words(svg: str) -> list[str]:
    return [text.text or "" for text in ElementTree.fromstring(svg).iter(f"{SVG}text")]


def test_the_learning_curve_shows_accuracy_over_labels(history: list[Round]) -> None:
    svg = standalone(learning_curve(history, "run", "margin"))
    first, second, *balanced = circles(svg)
    assert second[0] > first[0]
    assert second[1] < first[1]  # higher up, that is: .5 and then .75
    # Balanced accuracy is .4 twice: level, and below.
    assert balanced[0][1] == balanced[1][1] > first[1]
    told = {"margin", "margin, balanced accuracy", "labelled rows", "accuracy on the test set"}
    assert told <= set(words(svg))


def test_metrics_that_say_the_same_have_one_line(history: list[Round]) -> None:
    alike = [
        replace(done, metrics={name: 0.5 for name in ("accuracy", "balanced_accuracy")})
        for done in history
    ]
    assert len(circles(standalone(learning_curve(alike, "run", "margin")))) == 2


def test_ticks_are_round_and_have_as_many_digits(history: list[Round]) -> None:
    results = zip(history, ((1000, 0.504), (3000, 0.596)), strict=True)
    rounds = [
        replace(done, labelled=labelled, metrics={"accuracy": accuracy})
        for done, (labelled, accuracy) in results
    ]
    told = words(standalone(learning_curve(rounds, "run", "margin")))
    assert [word for word in told if word.startswith("0.")] == [
        "0.50",
        "0.52",
        "0.54",
        "0.56",
        "0.58",
        "0.60",
    ]
    assert {"1,000", "1,500", "2,000", "2,500", "3,000"} <= set(told)


def test_an_interval_of_check_rows_is_a_band(history: list[Round]) -> None:
    judged = [
        replace(
            done,
            judged="check",
            metrics={"accuracy": 0.8, "accuracy_low": 0.6, "accuracy_high": 0.9},
        )
        for done in history
    ]
    svg = standalone(learning_curve(judged, "run", "margin"))
    (band,) = ElementTree.fromstring(svg).iter(f"{SVG}polygon")
    across = sorted(float(point.split(",")[1]) for point in band.attrib["points"].split())
    assert across[0] == across[1] == TOP  # .9, which is the upper end of the axis
    assert across[2] == across[3] == HEIGHT - BOTTOM  # .6
    assert "accuracy on the check rows" in words(svg)
    assert "polygon" not in learning_curve(history, "run", "margin").svg


def at_random(beside: RunFolder, config: dict[str, Any], history: list[Round]) -> Path:
    """A finished run at random in the same folder; its name tells nothing."""
    place = beside.path.with_name("other")
    with RunFolder(place, {"rounds": 1, **config, "strategy": {"name": "random"}}, {}) as folder:
        for done in history:
            folder.add(replace(done, metrics={"accuracy": 0.25}), {})
    return place


def test_the_same_setting_at_random_is_drawn_where_it_lies_beside(
    folder: RunFolder, config: dict[str, Any], history: list[Round]
) -> None:
    at_random(folder, config, history)
    write_results(folder)
    text = (folder.path / "learning_curve.svg").read_text()
    assert {"margin", "random"} <= set(words(text))
    assert len({y for _, y in circles(text)[-2:]}) == 1  # .25 twice


@pytest.mark.parametrize("other", [{"seed": 9}, {"budget": 99}, {"rounds": 2}])
def test_another_seed_setting_or_an_unfinished_run_is_not(
    folder: RunFolder, config: dict[str, Any], history: list[Round], other: dict[str, int]
) -> None:
    place = at_random(folder, {**config, **other}, history)
    write_results(folder)
    assert "random" not in words((folder.path / "learning_curve.svg").read_text())
    assert place.exists()


def test_a_run_that_is_damaged_is_not(
    folder: RunFolder, config: dict[str, Any], history: list[Round]
) -> None:
    place = at_random(folder, config, history)
    (place / "rounds.jsonl").write_text("{")
    write_results(folder)
    assert "random" not in words((folder.path / "learning_curve.svg").read_text())


def test_a_curve_without_a_test_set_is_empty_and_no_error(history: list[Round]) -> None:
    untested = [replace(finished, metrics={}) for finished in history]
    svg = standalone(learning_curve(untested, "run", "margin"))
    assert circles(svg) == []
    assert "labelled rows" in words(svg)


def test_a_round_without_a_test_is_no_point_of_the_curve(history: list[Round]) -> None:
    empty = replace(history[0], metrics={})
    svg = standalone(learning_curve([empty, *history], "run", "margin"))
    assert circles(svg) == circles(standalone(learning_curve(history, "run", "margin")))


def test_the_weights_are_stacked_to_one(history: list[Round]) -> None:
    weights = [{"margin": 0.75, "random": 0.25}, {"margin": 0.5, "random": 0.5}]
    searched = [
        replace(finished, notes={"weights": told})
        for finished, told in zip(history, weights, strict=True)
    ]
    svg = ElementTree.fromstring(standalone(mixing_weights(searched, "run")))
    boxes = [box for box in svg.iter(f"{SVG}rect") if box.find(f"{SVG}title") is not None]
    heights = [float(box.attrib["height"]) for box in boxes]
    assert heights[0] / heights[1] == pytest.approx(3, rel=0.01)
    assert heights[2] == pytest.approx(heights[3], rel=0.01)
    assert heights[0] + heights[1] == pytest.approx(heights[2] + heights[3], rel=0.01)


@pytest.mark.parametrize("name", ["$x^$", "<b>&amp;", "日本語", "🙂 a'b"])
def test_any_name_of_a_run_is_drawn_as_it_is(history: list[Round], name: str) -> None:
    svg = standalone(learning_curve(history, name, "margin"))
    assert ElementTree.fromstring(svg).findtext(f"{SVG}title") == name


def test_what_no_drawing_may_hold_is_replaced(history: list[Round]) -> None:
    svg = standalone(learning_curve(history, "a\x00b\x1b\udcffc", "margin"))
    assert ElementTree.fromstring(svg).findtext(f"{SVG}title") == "a�b��c"


def test_pictures_are_files_of_their_own_that_hold_their_colours(folder: RunFolder) -> None:
    write_results(folder)
    text = (folder.path / "learning_curve.svg").read_text()
    root = ElementTree.fromstring(text)
    assert root.tag == f"{SVG}svg"
    assert "--c0" in (root.findtext(f"{SVG}style") or "")
    assert not list(folder.path.glob("*.png"))
    assert not (folder.path / "weights.svg").exists()  # nobody told any


def test_where_nothing_can_be_written_results_are_shown_all_the_same(
    folder: RunFolder, config: dict[str, Any], read_only: Callable[[], None]
) -> None:
    write_results(folder)
    read_only()
    text = StringIO()
    with RunFolder(folder.path, config) as again:
        write_results(again)
        show_results(Console(file=text, width=80), again)
    assert "0.7500" in text.getvalue()


def test_weights_of_another_kind_are_no_weights(history: list[Round], tmp_path: Path) -> None:
    with RunFolder(tmp_path / "run") as folder:
        for finished, weights in zip(history, ([1, 2], {"margin": "high"}), strict=True):
            folder.add(replace(finished, notes={"weights": weights}), {})
        write_results(folder)
    assert not (tmp_path / "run" / "weights.svg").exists()


def settled(history: list[Round], *values: Mapping[str, object]) -> list[Round]:
    """The learner's notes on its choices in each round."""
    pairs = zip(history, values, strict=True)
    return [replace(done, notes={"learner": chosen}) for done, chosen in pairs]


def test_what_the_learner_chose_is_drawn_and_stands_in_the_table(
    history: list[Round], tmp_path: Path, config: dict[str, Any]
) -> None:
    text = StringIO()
    with RunFolder(tmp_path / "run", config, {}) as folder:
        for done in settled(history, {"l2": 0.5}, {"l2": 0.25, "noise": 0.125}):
            folder.add(done, {})
        write_results(folder)
        show_results(Console(file=text, width=120), folder)
    drawn = (tmp_path / "run" / "learner.svg").read_text()
    assert {"l2", "noise", "labelled rows"} <= set(words(drawn))
    assert len(circles(drawn)) == 3
    rows = [line.split() for line in text.getvalue().splitlines() if line.strip()]
    assert rows[1][:6] == ["round", "labelled", "accuracy", "seconds", "task.l2", "task.noise"]
    assert [row[4:6] for row in rows[3:5]] == [["0.5", "-"], ["0.25", "0.125"]]


@pytest.mark.parametrize(
    ("values", "apart"),
    [((0.01, 1.0, 100.0), True), ((1.0, 1.5, 2.0), True), ((0.0, 1.0, 100.0), False)],
)
def test_what_is_decades_apart_is_drawn_so(
    history: list[Round], values: tuple[float, ...], apart: bool
) -> None:
    last = replace(history[1], number=2, labelled=6)
    rounds = settled([*history, last], *({"l2": value} for value in values))
    first, second, third = (y for _, y in circles(standalone(chosen(rounds, "run"))))
    assert (first - second == pytest.approx(second - third, abs=0.02)) == apart


def test_what_is_always_zero_has_its_line_apart_from_the_axis(history: list[Round]) -> None:
    drawn = standalone(chosen(settled(history, {"wrong": 0.0}, {"wrong": 0.0}), "run"))
    (first, second) = (y for _, y in circles(drawn))
    assert first == second == pytest.approx((TOP + HEIGHT - BOTTOM) / 2)


def test_accuracy_by_votes_is_drawn_where_it_is_told(history: list[Round]) -> None:
    voted = [replace(done, metrics=done.metrics | {"soft_accuracy": 0.5}) for done in history]
    assert "margin, soft accuracy" in words(standalone(learning_curve(voted, "run", "margin")))
    assert "margin, soft accuracy" not in words(
        standalone(learning_curve(history, "run", "margin"))
    )


def test_choices_of_another_kind_are_none(history: list[Round], tmp_path: Path) -> None:
    with RunFolder(tmp_path / "run") as folder:
        for done in settled(history, {"l2": "high"}, {"l2": None}):
            folder.add(done, {})
        write_results(folder)
    assert not (tmp_path / "run" / "learner.svg").exists()


def test_candidates_that_come_later_weigh_nothing_before(history: list[Round]) -> None:
    told = [{"margin": 1.0}, {"margin": 0.5, "random": 0.5}]
    searched = [
        replace(finished, notes={"weights": weights})
        for finished, weights in zip(history, told, strict=True)
    ]
    assert "round 1, random: 0.000" in standalone(mixing_weights(searched, "run"))


def test_the_same_curve_is_the_same_file(history: list[Round]) -> None:
    one, two = (standalone(learning_curve(history, "run", "margin")) for _ in range(2))
    assert one == two


def test_the_table_has_every_round_and_the_paths_follow(folder: RunFolder) -> None:
    text = StringIO()
    show_results(Console(file=text, width=80), folder)
    rows = [line.split() for line in text.getvalue().splitlines()]
    assert ["0", "2", "0.5000", "1.5"] in rows
    assert ["1", "4", "0.7500", "1.5"] in rows
    assert [str(folder.path / "rounds.jsonl")] in rows
    assert [str(folder.path / "config.yaml")] in rows


def test_a_narrow_terminal_shows_what_matters_most(folder: RunFolder) -> None:
    def heading(width: int) -> list[str]:
        text = StringIO()
        show_results(Console(file=text, width=width), folder)
        return text.getvalue().splitlines()[2].split()

    assert heading(80) == heading(38) == ["round", "labelled", "accuracy", "seconds"]
    assert heading(37) == ["round", "labelled", "accuracy"]


def test_the_table_tells_of_labels_that_nobody_was_asked_for(
    tmp_path: Path, config: dict[str, Any], history: list[Round]
) -> None:
    def shown(name: str, given: list[Round]) -> list[list[str]]:
        text = StringIO()
        with RunFolder(tmp_path / name, config, {}) as folder:
            for finished in given:
                folder.add(finished, {})
            show_results(Console(file=text, width=120), folder)
        return [line.split()[:5] for line in text.getvalue().splitlines() if line.strip()]

    first, second = history
    told = shown("given", [replace(first, bought=2, wrong=0), replace(second, bought=0)])
    assert told[1:2] + told[3:5] == [
        ["round", "labelled", "accuracy", "bought", "wrong"],
        ["0", "2", "0.5000", "2", "0"],
        ["1", "4", "0.7500", "0", "-"],
    ]
    asked = shown("asked", [replace(done, bought=2, wrong=0) for done in history])
    assert asked[1] == ["round", "labelled", "accuracy", "seconds"]
    erred = shown("erred", [replace(first, bought=2, wrong=1), replace(second, wrong=0)])
    assert [line[:4] for line in erred[1:2] + erred[3:5]] == [
        ["round", "labelled", "accuracy", "wrong"],
        ["0", "2", "0.5000", "1"],
        ["1", "4", "0.7500", "0"],
    ]
    declined = shown("declined", [replace(done, declined=[7, 8]) for done in history])
    assert declined[1][:4] == ["round", "labelled", "accuracy", "declined"]
    assert declined[3][:4] == ["0", "2", "0.5000", "2"]
    looked = shown("looked", [first, replace(second, looked=50)])
    assert looked[1][:5] == ["round", "labelled", "accuracy", "looked", "at"]
    assert [line[3] for line in looked[3:5]] == ["0", "50"]
