"""The opening of a report."""

import json
from collections.abc import Mapping, Sequence
from pathlib import Path

import pytest

from autoal.report.comparisons import against_baseline
from autoal.report.groups import Setting, group
from autoal.report.page import Command
from autoal.report.runs import read_runs
from autoal.report.verdict import conclusion, more_seeds, standing
from tests.report.made import write_run

Curves = Mapping[str, Sequence[Sequence[float]]]  # of each seed, by strategy


def made(top: Path, curves: Curves) -> Setting:
    for strategy, by_seed in curves.items():
        for seed, accuracy in enumerate(by_seed):
            write_run(top, f"{strategy}-{seed}", accuracy, strategy=strategy, seed=seed)
    (setting,) = group(read_runs([top])[0])[0]
    return setting


def test_a_sentence_tells_how_all_did_and_what_the_best_saves(tmp_path: Path) -> None:
    setting = made(tmp_path, {"random": [[0.4, 0.5, 0.6]], "margin": [[0.4, 0.8, 0.855]]})
    # Margin is at .6 half way from 2 labels to 4; random has 6.
    assert standing(setting) == (
        "margin .85, random .60 at 6 labels; margin needs 3 labels for what random needs 6."
    )


def test_labels_are_told_as_whole_ones(tmp_path: Path) -> None:
    setting = made(tmp_path, {"random": [[0.4, 0.5, 0.6]], "margin": [[0.4, 0.75, 0.8]]})
    # Margin is at .6 after 4/7 of the way from 2 labels to 4.
    assert "margin needs 4 labels for what random needs 6." in standing(setting)


def test_nothing_is_saved_where_random_has_labels_that_nobody_paid_for(tmp_path: Path) -> None:
    made(tmp_path, {"random": [[0.4, 0.5, 0.6]], "margin": [[0.4, 0.8, 0.855]]})
    path = tmp_path / "random-0" / "rounds.jsonl"
    lines = [json.loads(line) for line in path.read_text().splitlines()]
    for line, bought in zip(lines, [2, 1, 2], strict=True):
        line["bought"] = bought
    path.write_text("".join(f"{json.dumps(line)}\n" for line in lines))
    (setting,) = group(read_runs([tmp_path])[0])[0]
    assert standing(setting) == "margin .85, random .60 at 6 labels."


def test_where_there_are_two_randoms_it_is_said(tmp_path: Path) -> None:
    for k in (1, 2):
        write_run(tmp_path, f"random-{k}", [0.4, 0.5], options={"k": k})
    (setting,) = group(read_runs([tmp_path])[0])[0]
    assert conclusion(setting, against_baseline(setting)) == (
        "No verdict against random: there is no single random among the runs."
    )


def test_nothing_is_saved_where_random_is_best(tmp_path: Path) -> None:
    setting = made(tmp_path, {"random": [[0.4, 1.0]], "margin": [[0.4, 0.5]]})
    assert standing(setting) == "random 1.00, margin .50 at 4 labels."


def test_runs_of_other_lengths_are_compared_where_all_still_are(tmp_path: Path) -> None:
    spent = [{}, {"rule": "spend", "reason": "nothing is left"}]
    write_run(tmp_path, "r", [0.4, 0.5, 0.6], rounds=2)
    write_run(tmp_path, "m", [0.4, 0.5], rounds=2, strategy="margin", stops=spent)
    (setting,) = group(read_runs([tmp_path])[0])[0]
    assert standing(setting) == "random .50, margin .50 at 4 labels."


def test_of_many_the_best_and_random_are_told(tmp_path: Path) -> None:
    others = {f"s{place}": [[0.4, 0.5 + place / 100]] for place in range(8)}
    told = standing(made(tmp_path, {"random": [[0.4, 0.45]], **others}))
    assert told.startswith("s7 .57, s6 .56, s5 .55, s4 .54, random .45 (and 4 more) at 4 labels;")


def test_upper_references_are_told_apart(tmp_path: Path) -> None:
    curves = {name: [[0.4, end]] for name, end in (("random", 0.5), ("cheating_oracle", 0.9))}
    setting = made(tmp_path, curves)
    assert standing(setting) == "random .50 at 4 labels (upper reference: cheating_oracle .90)."
    del setting.contenders["random"]
    assert standing(setting) == "cheating_oracle .90 at 4 labels."


def test_without_a_common_seed_nothing_can_be_concluded(tmp_path: Path) -> None:
    write_run(tmp_path, "a", [0.4, 0.5])
    write_run(tmp_path, "b", [0.4, 0.6], strategy="margin", seed=1)
    (setting,) = group(read_runs([tmp_path])[0])[0]
    told = conclusion(setting, against_baseline(setting))
    assert told == "Nothing can be concluded about margin: no seed in common."


def test_equal_needs_are_told_together(tmp_path: Path) -> None:
    ends = {"random": 0.5, "margin": 0.7, "badge": 0.8}
    setting = made(tmp_path, {name: [[0.4, end]] * 2 for name, end in ends.items()})
    told, _ = more_seeds(setting, against_baseline(setting))
    assert told == "Seeds that would suffice: 7 for badge, margin."


def test_where_seeds_are_too_few_it_is_told_how_many_would_do(tmp_path: Path) -> None:
    ends = {"random": [0.5] * 3, "margin": [0.5, 0.7, 0.9], "badge": [0.6, 0.5, 0.4]}
    curves = {name: [[0.5, end] for end in by_seed] for name, by_seed in ends.items()}
    setting = made(tmp_path, curves)
    compared = against_baseline(setting)
    told = "Nothing can be concluded about badge, margin: too few seeds for a verdict (3;"
    assert conclusion(setting, compared).startswith(told)
    # Of areas margin's gain is .1 on average, and as spread: of two comparisons z is 2.2414,
    # ((2.2414 + .8416)^2 + 2.2414^2 / 2) pi / 3 = 12.58. Badge gains nothing on average.
    assert more_seeds(setting, compared) == [
        "Seeds that would suffice: 13 for margin; more than 1000 for badge. "
        "The command adds the fewest of these.",
        Command("python train.py -m ... strategy=random,badge,margin 'seed=range(0,13)'"),
    ]


def test_seeds_are_added_to_those_that_there_are(tmp_path: Path) -> None:
    for seed in (3, 50):
        write_run(tmp_path, f"r{seed}", [0.4, 0.5], seed=seed)
        for tau in (1, 2):
            name, options = f"m{tau}{seed}", {"tau": tau}
            write_run(tmp_path, name, [0.4, 0.7], strategy="margin", options=options, seed=seed)
    (setting,) = group(read_runs([tmp_path])[0])[0]
    _, command = more_seeds(setting, against_baseline(setting))
    # No sweep of strategies is known to make margin with one option and with the other.
    assert command == Command("python train.py -m ... seed=0,1,2,3,4,5,50")


@pytest.mark.parametrize(
    ("end", "told"),
    [
        (0.7, "Shown to be better than random: margin."),
        (0.3, "Shown to be worse than random: margin."),
        (0.5, "No difference from random shown, though there may be one: margin."),
    ],
)
def test_what_is_shown_is_told_and_needs_no_more_seeds(
    tmp_path: Path, end: float, told: str
) -> None:
    setting = made(tmp_path, {"random": [[0.4, 0.5]] * 6, "margin": [[0.4, end]] * 6})
    compared = against_baseline(setting)
    assert conclusion(setting, compared) == told
    assert more_seeds(setting, compared) == []
