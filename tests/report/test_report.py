import csv
import errno
import json
import os
import subprocess
import sys
import webbrowser
from dataclasses import replace
from pathlib import Path
from unittest.mock import ANY

import pytest
import yaml

from autoal.report.__main__ import main
from autoal.report.across import leading
from autoal.report.comparisons import against_baseline
from autoal.report.contents import sections
from autoal.report.faults import Fault
from autoal.report.groups import group
from autoal.report.measures import Spread
from autoal.report.outcomes import comparisons, results
from autoal.report.page import Command, Folded, Section, Statement, page
from autoal.report.runs import read_runs
from autoal.report.tables import Fine, Table
from tests.report.made import write_defects, write_run

ORACLE = "cheating_oracle"
TABLES = (
    *("across_random", "against_random", "checklist", "classes", "curves"),
    *(
        "faults",
        "gains_by_setting",
        "hindsight",
        "pairs",
        "ranks",
        "results",
        "seconds",
        "summary",
        "wins",
    ),
)


@pytest.fixture
def defects(tmp_path: Path) -> Path:
    write_defects(tmp_path / "runs")
    return tmp_path / "runs"


def test_a_learner_of_another_class_is_noted_without_its_options(tmp_path: Path) -> None:
    other = {"_target_": "autoal.model.logistic.Logistic", "l2": 0.1}
    for seed in (0, 1):
        write_run(tmp_path, str(seed), [0.5, 0.6], seed=seed)
    write_run(tmp_path, "other", [0.5, 0.6], task=other)
    _, (fault,) = group(read_runs([tmp_path])[0])
    assert fault.what.startswith("task=Logistic in place of Task; compared")


def test_every_defect_is_named(defects: Path) -> None:
    runs, unreadable = read_runs([defects])
    settings, faults = group(runs)
    found = {(fault.kind, Path(fault.where).name) for fault in [*unreadable, *faults]}
    assert found == {
        ("unreadable", "broken"),
        ("unfinished", "half"),
        ("failed", "diverged"),
        ("failed", "refused"),
        # In the order of the folders, the copy comes first.
        ("duplicate", "random-0"),
        ("another config", "digits (budget=5)"),
        ("another start set", "elsewhere"),
        ("another start", "stranger"),
    }
    names = {run.path.name for setting in settings for run in setting.runs}
    assert not names & {"broken", "half", "random-0", "diverged", "refused"}
    assert "margin-0" in names
    told = {fault.what for fault in [*unreadable, *faults] if fault.kind == "failed"}
    assert told == {
        "it diverged; 2 of 3 rounds are there; left out",
        "too many give fewer; before its start; left out",
    }


def test_runs_from_python_are_named_as_they_name_themselves(tmp_path: Path) -> None:
    write_run(tmp_path, "named", [0.5, 0.6], data={"name": "birds v1.2"})
    write_run(tmp_path, "bare", [0.5, 0.6], data={})
    settings, faults = group(read_runs([tmp_path])[0])
    assert [setting.name for setting in settings] == ["birds v1.2", "data"]
    assert faults == []


def test_a_run_without_a_test_set_says_that_it_has_no_accuracy(tmp_path: Path) -> None:
    folder = write_run(tmp_path, "untested", [0.5, 0.6])
    record = (folder / "rounds.jsonl").read_text().replace('"accuracy": 0.6, ', "")
    (folder / "rounds.jsonl").write_text(record)
    _, (fault,) = read_runs([tmp_path])
    assert fault.what == (
        "rounds.jsonl, line 2 has no accuracy from 0 to 1: nothing was tested, or the file is "
        "damaged; left out"
    )


@pytest.mark.parametrize("held_out", [0, 7])
def test_a_start_that_was_declined_whole_is_no_point_of_the_curve(
    tmp_path: Path, held_out: int
) -> None:
    write_run(tmp_path, "sound", [0.5, 0.6])
    folder = write_run(tmp_path, "declined", [0.1, 0.5, 0.6])
    path = folder / "rounds.jsonl"
    lines = [json.loads(line) for line in path.read_text().splitlines()]
    empty = {"labelled": held_out, "queried": [], "labels": [], "declined": [98, 99]}
    lines[0] = {key: lines[0][key] for key in lines[0] if key != "accuracy"} | empty
    for line in lines[1:]:
        line["labelled"] += held_out - 2
    path.write_text("".join(f"{json.dumps(line)}\n" for line in lines))
    runs, faults = read_runs([tmp_path])
    assert faults == []
    declined, sound = sorted(runs, key=lambda run: run.path.name)
    assert [*declined.results] == [*sound.results] == [0.5, 0.6]
    assert [*declined.labelled - held_out] == [*sound.labelled]
    assert declined.planned == sound.planned == 2


def test_a_run_of_which_every_row_was_declined_is_left_out(tmp_path: Path) -> None:
    write_run(tmp_path, "sound", [0.5, 0.6])
    folder = write_run(tmp_path, "declined", [0.1], rounds=0)
    path = folder / "rounds.jsonl"
    line = json.loads(path.read_text()) | {"labelled": 0, "queried": [], "labels": []}
    del line["accuracy"]
    path.write_text(f"{json.dumps(line)}\n")
    (sound,), (fault,) = read_runs([tmp_path])
    assert sound.path.name == "sound"
    assert "every row was declined, and nothing was learnt; left out" in fault.what
    assert main([str(tmp_path)]) == 0


def test_the_report_is_written_with_its_tables(
    defects: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main([str(defects)]) == 0
    page = defects / "report" / "report.html"
    assert capsys.readouterr().out == f"{page}\n"
    text = page.read_text()
    assert "oo few seeds for a verdict (3;" in text
    assert "<script" not in text
    written = sorted(path.name for path in (page.parent / "tables").iterdir())
    assert written == sorted(f"{name}.{kind}" for name in TABLES for kind in ("csv", "md"))
    with (page.parent / "tables" / "results.csv").open() as file:
        rows = {(row["setting"], row["strategy"]): row for row in csv.DictReader(file)}
    margin = rows["digits (budget=2)", "margin"]
    assert float(margin["area mean"]) == pytest.approx((0.6 + 0.75) / 2)
    assert margin["seeds"] == "3"
    assert float(margin["area deviation"]) == pytest.approx(0)


def test_a_second_report_is_the_same_and_leaves_the_first_one_out(defects: Path) -> None:
    main([str(defects)])
    first = (defects / "report" / "report.html").read_bytes()
    main([str(defects), str(defects / "margin-0")])  # given twice, read once
    assert (defects / "report" / "report.html").read_bytes() == first


def test_names_cannot_break_the_page(tmp_path: Path) -> None:
    write_run(tmp_path, "a", [0.5, 0.6], strategy="<b>&\"'|")
    assert main([str(tmp_path)]) == 0
    assert "<b>" not in (tmp_path / "report" / "report.html").read_text()


@pytest.mark.parametrize("accuracy", [[0.5], [0.5, 0.5]])
def test_a_single_run_is_enough_for_a_page(tmp_path: Path, accuracy: list[float]) -> None:
    write_run(tmp_path, "a", accuracy, strategy="margin")
    assert main([str(tmp_path)]) == 0
    assert "there is no random" in (tmp_path / "report" / "report.html").read_text()


def test_only_unfinished_runs_are_said_to_be_so(tmp_path: Path) -> None:
    write_run(tmp_path, "a", [0.5], rounds=3)
    assert main([str(tmp_path)]) == 0
    assert "No run is finished." in (tmp_path / "report" / "report.html").read_text()


def test_runs_without_a_planned_end_are_unfinished_until_a_model_was_taught(
    tmp_path: Path,
) -> None:
    write_run(tmp_path, "asked", [], rounds=0)
    settings = tmp_path / "asked" / "config.yaml"
    settings.write_text(settings.read_text().replace("rounds: 0", "rounds: null"))
    assert main([str(tmp_path)]) == 0
    assert "No run is finished." in (tmp_path / "report" / "report.html").read_text()


def test_what_stands_in_for_a_test_set_is_told(tmp_path: Path) -> None:
    write_run(tmp_path, "a", [0.5, 0.6], judged="cross-validation")
    write_run(tmp_path, "b", [0.5, 0.6], data={"_target_": "mine.Others"})
    settings, faults = group(read_runs([tmp_path])[0])
    assert {setting.judges for setting in settings} == {"cross-validation, biased", "test set"}
    assert [(fault.kind, Path(fault.where).name) for fault in faults] == [("no test set", "a")]
    assert main([str(tmp_path)]) == 0
    text = (tmp_path / "report" / "report.html").read_text()
    assert ">accuracy by cross-validation, biased</text>" in text
    assert ">accuracy on the test set</text>" in text


def test_the_largest_class_of_the_test_rows_is_told_beside_the_accuracy(tmp_path: Path) -> None:
    for seed, majority in enumerate((0.6838, 0.65)):
        losses = {"nll": [0.9, 0.8]}
        write_run(tmp_path, str(seed), [0.7, 0.8], seed=seed, majority=majority, metrics=losses)
    (setting,), _ = group(read_runs([tmp_path])[0])
    assert setting.judges == "test set (65.0 to 68.4 % of one class)"
    (by_loss,), _ = group(read_runs([tmp_path], "nll")[0])
    assert by_loss.judges == "test set"
    assert main([str(tmp_path)]) == 0
    text = (tmp_path / "report" / "report.html").read_text()
    assert ">accuracy on the test set (65.0 to 68.4 % of one class)</text>" in text


def test_what_learners_chose_is_drawn_and_told(tmp_path: Path) -> None:
    write_run(tmp_path, "a", [0.5, 0.6], settled=[{"l2": 0.01}, {"l2": 10.0}])
    write_run(tmp_path, "b", [0.5, 0.6], strategy="margin", settled=[{"l2": 0.1}])
    assert main([str(tmp_path)]) == 0
    with (tmp_path / "report" / "tables" / "learner.csv").open() as file:
        rows = [tuple(row.values()) for row in csv.DictReader(file)]
    assert rows == [
        ("digits", "random", "l2", "0.01", "10.0"),
        ("digits", "margin", "l2", "0.1", "0.1"),
    ]
    text = (tmp_path / "report" / "report.html").read_text()
    assert ">l2</text>" in text


AGREED = {"rule": "kappa", "value": 0.995, "reason": "the models agree"}


def test_it_is_told_when_a_rule_advised_to_stop(tmp_path: Path) -> None:
    watched = {"rule": "kappa", "value": 0.5}
    write_run(tmp_path, "a", [0.5, 0.6, 0.7, 0.8], stops=[{}, watched, AGREED, watched])
    write_run(tmp_path, "b", [0.5, 0.6, 0.7, 0.8], seed=1, stops=[{}, watched])
    write_run(tmp_path, "c", [0.5, 0.6, 0.7, 0.8], seed=2)
    assert main([str(tmp_path)]) == 0
    with (tmp_path / "report" / "tables" / "stops.csv").open() as file:
        rows = [tuple(row.values()) for row in csv.DictReader(file)]
    assert rows == [
        ("digits", "random", "0", "kappa advised to stop after round 2 (6 labels)", "0.7", "0.8"),
        ("digits", "random", "1", "kappa never advised to stop", "", "0.8"),
    ]


def test_runs_that_obeyed_the_advice_are_finished_however_long(tmp_path: Path) -> None:
    stop = {"obey": True}
    write_run(tmp_path, "a", [0.5, 0.6], rounds=3, stops=[{}, AGREED], stop=stop)
    write_run(tmp_path, "b", [0.5, 0.6, 0.7], rounds=3, seed=1, stops=[{}, {}, AGREED], stop=stop)
    write_run(tmp_path, "c", [0.5, 0.6], rounds=3, seed=2, stops=[AGREED], stop=stop)
    settings, faults = group(read_runs([tmp_path])[0])
    found = [(fault.kind, Path(fault.where).name) for fault in faults]
    assert found == [("unfinished", "c"), ("other lengths", "digits")]
    assert [run.advised for run in settings[0].runs] == [1, 2]
    assert main([str(tmp_path)]) == 0


def test_runs_of_other_lengths_are_compared_as_far_as_all_go(tmp_path: Path) -> None:
    write_run(tmp_path, "short", [0.5, 0.6])
    write_run(tmp_path, "long", [0.5, 0.7, 0.9], strategy="margin")
    (setting,), (fault,) = group(read_runs([tmp_path])[0])
    assert {name: run.area for name, (run,) in setting.contenders.items()} == {
        "random": pytest.approx(0.55),
        "margin": pytest.approx(0.6),
    }
    assert [run.final for run in setting.runs] == [0.6, 0.7]
    assert fault.kind == "other lengths"
    assert fault.what.startswith("runs end between 4 and 6 labels; areas and final results are")


def test_of_one_experiment_the_longest_run_counts(tmp_path: Path) -> None:
    write_run(tmp_path, "a", [0.5, 0.6])
    write_run(tmp_path, "b", [0.5, 0.6, 0.7])
    (setting,), (fault,) = group(read_runs([tmp_path])[0])
    assert [run.path.name for run in setting.runs] == ["b"]
    assert (fault.kind, Path(fault.where).name) == ("duplicate", "a")
    assert "their results agree" in fault.what


def test_a_run_whose_money_is_spent_is_finished_whatever_it_planned(tmp_path: Path) -> None:
    spent = {"rule": "spend", "reason": "no label costs so little as what is left to spend"}
    write_run(tmp_path, "spent", [0.5, 0.6], rounds=4, stops=[{}, spent])
    write_run(tmp_path, "killed", [0.5, 0.6], rounds=4, strategy="margin")
    _, faults = group(read_runs([tmp_path])[0])
    assert [(fault.kind, Path(fault.where).name) for fault in faults] == [("unfinished", "killed")]


@pytest.mark.parametrize(("folder", "told"), [("none", "there is no folder"), (".", "no run")])
def test_what_is_no_run_is_refused(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], folder: str, told: str
) -> None:
    assert main([str(tmp_path / folder)]) == 2
    assert capsys.readouterr().err.startswith(f"error: {told}")


def test_a_folder_that_cannot_be_written_is_told(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    run = write_run(tmp_path, "a", [0.5])
    assert main([str(tmp_path), "--out", str(run / "config.yaml")]) == 2
    assert "error: cannot write" in capsys.readouterr().err


def test_open_shows_the_page(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    shown: list[str] = []
    monkeypatch.setattr(webbrowser, "open", shown.append)
    write_run(tmp_path, "a", [0.5])
    assert main([str(tmp_path), "--open"]) == 0
    assert shown == [(tmp_path / "report" / "report.html").as_uri()]


def test_a_table_is_rounded_for_people_only() -> None:
    table = Table("t", "T", ["a|b", "c"], [["x|y", Spread(0.123456, None)], ["z", (0.5, 30.0)]])
    assert "| a\\|b | c |" in table.markdown()
    assert "| x\\|y | 0.123 |\n| z | 0.500 to 30 |" in table.markdown()
    tiny = Table("t", "T", ["a", "b", "c"], [[0.0004, -0.0004, Fine(0.00004)], [0.0006, 12.0, 2.0]])
    assert "| 0.000 | 0.000 | 4e-05 |\n| 0.001 | 12 | 2.000 |" in tiny.markdown()
    assert table.csv() == "a|b,c mean,c deviation\nx|y,0.123456,\nz,0.5,30.0\n"


def test_rows_in_bold_are_so_on_the_page_and_in_markdown() -> None:
    table = Table("t", "T", ["a", "b"], [["x", None], ["y", 0.5]], bold=[1])
    assert '<tr class="bold"><td>y</td>' in table.html()
    assert "<tr><td>x</td>" in table.html()
    assert "| x |  |\n| **y** | **0.500** |\n" in table.markdown()


def test_results_are_sorted_and_the_best_stand_out_with_those_level_with_it(
    tmp_path: Path,
) -> None:
    ends = {"random": (0.5, 0.0), "margin": (0.7, 0.0), "badge": (0.69, 0.04), ORACLE: (0.9, 0)}
    for name, (end, spread) in ends.items():
        for seed in range(7):
            values = [0.4, end + spread * (-1) ** seed]
            write_run(tmp_path, f"{name}-{seed}", values, strategy=name, seed=seed)
    settings, _ = group(read_runs([tmp_path])[0])
    (table,) = (part for part in results(settings).parts if isinstance(part, Table))
    assert [row[1] for row in table.rows] == [ORACLE, "margin", "badge", "random"]
    assert table.bold == [1, 2]  # the reference is no contender, and random is shown to be worse
    setting = settings[0]
    fewer = replace(setting, contenders={n: runs[:6] for n, runs in setting.contenders.items()})
    # Margin and badge could be told apart by six seeds, neither from random: two comparisons.
    assert leading(fewer) == []


@pytest.mark.parametrize(
    ("words", "written"),
    [
        ("a|b\\c", r"a\|b\\c"),
        ("`a`*b*_c_", r"\`a\`\*b\*\_c\_"),
        ("<script>", r"\<script>"),
        ("[a](b) $x^$ &amp;", r"\[a\](b) \$x^\$ \&amp;"),
        ("one\ntwo\r\nthree", "one two three"),
    ],
)
def test_words_of_users_mean_nothing_to_markdown(words: str, written: str) -> None:
    assert f"\n| {written} |\n" in Table("t", "T", ["a"], [[words]]).markdown()


BOMB = "a: &a [x, x]\nb: &b [*a, *a]\nc: [*b, *b]\n"


@pytest.mark.parametrize(
    ("name", "content", "told"),
    [
        ("config.yaml", b"seed: [1", "config.yaml is not the config of a run"),
        ("config.yaml", b"\x00\xff\xfe", "config.yaml is not the config of a run"),
        ("config.yaml", b"seed: 3\n", "config.yaml is not the config of a run: `about`"),
        ("config.yaml", BOMB.encode(), "refers to a part of itself"),
        ("config.yaml", b"a: &a [*a]", "refers to a part of itself"),
        ("config.yaml", b"a: !!python/object/apply:os.system [x]", "not the config of a run"),
        ("config.yaml", b"a: 2020-01-01", "a setting must be"),
        ("config.yaml", b"[" * 5000, "not the config of a run"),
        ("config.yaml", None, "Is a directory"),
        ("rounds.jsonl", b"\xff\n", "rounds.jsonl, line 1 is not round 0"),
        ("rounds.jsonl", b"[" * 100_000, "rounds.jsonl, line 1 is not round 0"),
        ("rounds.jsonl", None, "rounds.jsonl: Is a directory"),
    ],
)
def test_one_broken_run_costs_no_page(
    tmp_path: Path, name: str, content: bytes | None, told: str
) -> None:
    write_run(tmp_path, "sound", [0.5, 0.6])
    broken = write_run(tmp_path, "broken", [0.5, 0.6]) / name
    broken.unlink()
    if content is None:
        broken.mkdir()
    else:
        broken.write_bytes(content)
    (sound,), (fault,) = read_runs([tmp_path])
    assert (sound.path.name, Path(fault.where).name) == ("sound", "broken")
    assert told in fault.what
    assert main([str(tmp_path)]) == 0
    assert "Notes: unreadable: 1" in (tmp_path / "report" / "report.html").read_text()


@pytest.mark.parametrize(
    ("key", "value"), [("seed", "x"), ("rounds", -1), ("rounds", 1.5), ("strategy", {"name": 3})]
)
def test_a_setting_of_another_kind_is_named(tmp_path: Path, key: str, value: object) -> None:
    write_run(tmp_path, "odd", [0.5, 0.6])
    path = tmp_path / "odd" / "config.yaml"
    path.write_text(yaml.safe_dump({**yaml.safe_load(path.read_text()), key: value}))
    _, (fault,) = read_runs([tmp_path])
    assert f"`{key}" in fault.what


def test_a_folder_that_cannot_be_looked_into_is_told(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(path: Path) -> None:
        raise PermissionError(errno.EACCES, "Permission denied", str(path))

    monkeypatch.setattr(os, "scandir", refuse)
    assert read_runs([tmp_path]) == ([], [Fault("unreadable", str(tmp_path), ANY)])


@pytest.mark.parametrize("odd", ["\x00", "\udcff", "$x^$", "<script>", "🙂"])
def test_any_name_stands_in_the_page(tmp_path: Path, odd: str) -> None:
    write_run(tmp_path, "a", [0.5, 0.6], data={"name": f"a{odd}"})
    write_run(tmp_path, "b", [0.5], rounds=3)
    (tmp_path / "b" / "error.txt").write_text(odd, errors="surrogateescape")
    assert main([str(tmp_path)]) == 0
    page = (tmp_path / "report" / "report.html").read_bytes().decode()
    assert "<script" not in page
    assert "\x00" not in page


def test_runs_that_share_no_count_of_labels_are_drawn(tmp_path: Path) -> None:
    for name, start in (("a", (0, 1)), ("b", (0, 1, 3))):
        path = write_run(tmp_path, name, [0.5], start=start, seed=len(start)) / "rounds.jsonl"
        line = json.loads(path.read_text())
        path.write_text(json.dumps({**line, "labels": [0] * len(start), "labelled": len(start)}))
    assert main([str(tmp_path)]) == 0


def test_a_run_whose_later_rows_were_declined_has_an_area(tmp_path: Path) -> None:
    path = write_run(tmp_path, "a", [0.5, 0.7]) / "rounds.jsonl"
    first, second = map(json.loads, path.read_text().splitlines())
    second |= {"queried": [], "labels": [], "declined": [2, 3], "labelled": 2}
    path.write_text(f"{json.dumps(first)}\n{json.dumps(second)}\n")
    (run,), _ = read_runs([tmp_path])
    assert run.area == pytest.approx(0.6)
    assert main([str(tmp_path)]) == 0


def test_a_report_needs_no_torch() -> None:
    script = "import sys, autoal.report.__main__; print('torch' in sys.modules)"
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True)
    assert (done.stdout, done.stderr) == ("False\n", "")


def test_oracles_of_one_class_are_told_apart_by_their_options(tmp_path: Path) -> None:
    """And by their model; where people find a page makes no difference."""
    language = {"_target_": "autoal.oracles.language.Language", "human": {"port": 1}}
    for seed, (accept, port, model) in enumerate([(0.6, 1, "a"), (0.9, 2, "a"), (0.6, 3, "b")]):
        oracle = {**language, "accept": accept, "human": {"port": port}}
        section = {"model": model, "url": f"http://{seed}"}
        write_run(tmp_path, str(seed), [0.5, 0.6], oracle=oracle, language=section)
    write_run(tmp_path, "plain", [0.5, 0.6], language={"model": None, "url": None})
    (setting,), faults = group(read_runs([tmp_path])[0])
    assert not faults
    assert len(setting.contenders) == 4
    assert not any("port" in name for name in setting.contenders)


def test_what_no_run_has_is_told_in_one_section_at_the_end(tmp_path: Path) -> None:
    write_run(tmp_path, "a", [0.5, 0.6])
    found = sections(group(read_runs([tmp_path])[0])[0], [])
    titles = [section.title for section in found]
    assert titles[0] == "What the runs show"
    assert titles[-1] == "Not in these runs"
    told = {part.about: part.words for part in found[-1].parts if isinstance(part, Statement)}
    assert told["Rows that were made"] == "No run made rows."
    assert not told.keys() & {*titles}


def test_of_one_setting_the_command_is_seen_at_once_of_several_where_somebody_looks(
    tmp_path: Path,
) -> None:
    def parts() -> list[type]:
        settings, _ = group(read_runs([tmp_path])[0])
        shown = next(one for one in sections(settings, []) if one.title == "What the runs show")
        return [type(part) for part in shown.parts]

    for name in ("random", "margin"):
        write_run(tmp_path, name, [0.5, 0.6], strategy=name)
    assert parts() == [Statement, str, Command, str, str]
    for name in ("random", "margin"):
        write_run(tmp_path, f"{name}-b", [0.5, 0.6], strategy=name, budget=9)
    assert parts() == [Statement, Statement, Folded, str]


def test_tables_that_are_folded_have_their_files_too() -> None:
    inside, beside = (Table(name, name, [], []) for name in ("inside", "beside"))
    section = Section("s", ["words", Folded("more", [inside]), beside])
    assert section.tables == [inside, beside]
    assert "<details><summary>more</summary>" in page("t", [section])


def test_the_largest_differences_come_first(tmp_path: Path) -> None:
    for name, end in (("random", 0.5), ("badge", 0.4), ("margin", 0.7)):
        write_run(tmp_path, name, [0.5, end], strategy=name)
    write_run(tmp_path, "alone", [0.5, 0.6], strategy="autoal", seed=7)
    settings, _ = group(read_runs([tmp_path])[0])
    against = {setting.name: against_baseline(setting) for setting in settings}
    first = comparisons("t", "T", against)
    assert [row[1] for row in first.rows] == ["margin", "badge", "autoal"]
