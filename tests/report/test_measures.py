import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from autoal.report import behaviour, outcomes
from autoal.report.checklist import checklist
from autoal.report.comparisons import against_baseline, other_pairs, ranking, win_matrix
from autoal.report.contents import curve_table
from autoal.report.groups import Setting, group
from autoal.report.measures import Curve, Spread, evenness, labels_to_reach
from autoal.report.outcomes import saving
from autoal.report.rank_figure import critical_difference
from autoal.report.runs import read_run, read_runs
from autoal.report.tables import Table
from tests.report.made import write_run


def setting_of(top: Path) -> Setting:
    settings, faults = group(read_runs([top])[0])
    assert faults == []
    return settings[0]


@pytest.fixture
def pair(tmp_path: Path) -> Setting:
    """Random and margin with two seeds; margin wins one, and ties the other."""
    write_run(tmp_path, "a", [0.4, 0.5, 0.6], seed=0)
    write_run(tmp_path, "b", [0.4, 0.5, 0.8], seed=1)
    write_run(tmp_path, "c", [0.4, 0.8, 0.8], seed=0, strategy="margin")
    write_run(tmp_path, "d", [0.4, 0.5, 0.8], seed=1, strategy="margin")
    return setting_of(tmp_path)


def test_the_area_is_the_mean_height_of_the_trapezoids(tmp_path: Path) -> None:
    run = read_run(write_run(tmp_path, "a", [0.2, 0.4, 0.8]))
    assert run.area == pytest.approx((0.3 + 0.6) / 2)
    assert read_run(write_run(tmp_path, "b", [0.2])).area == 0.2


def test_a_spread_of_one_has_no_deviation() -> None:
    several = Spread.of([1.0, 3.0])
    assert several.mean == 2
    assert several.deviation == pytest.approx(2**0.5)
    assert Spread.of([1.0]) == Spread(1.0, None)


def test_labels_are_read_off_between_two_rounds() -> None:
    labelled, accuracy = np.array([10.0, 20.0, 30.0]), np.array([0.5, 0.7, 0.6])
    assert labels_to_reach(0.6, labelled, accuracy) == pytest.approx(15)
    assert labels_to_reach(0.4, labelled, accuracy) == 10
    assert labels_to_reach(0.8, labelled, accuracy) is None


def test_evenness_is_one_for_equal_shares_and_nil_for_one_class() -> None:
    assert evenness([5, 5, 5]) == pytest.approx(1)
    assert evenness([5, 0]) == 0
    assert evenness([3, 1]) == pytest.approx(0.8112781)  # bits, by hand


def test_a_curve_is_the_mean_over_the_seeds(pair: Setting) -> None:
    curve = Curve.of(pair.contenders["random"])
    assert curve.along.tolist() == [2, 4, 6]
    assert curve.mean == pytest.approx([0.4, 0.5, 0.7])
    assert curve.deviation == pytest.approx([0, 0, 0.02**0.5])


def test_label_saving_is_against_the_labels_that_random_had(pair: Setting) -> None:
    # Margin's mean curve is .4, .65, .8, and random ends at .7: a third of the way from 4 to 6.
    assert saving(pair, "margin") == pytest.approx((4 + 2 / 3, 1 - (4 + 2 / 3) / 6))
    assert saving(pair, "random") == (6, 0)


def test_wins_are_counted_and_ties_are_halves(pair: Setting) -> None:
    assert win_matrix([pair], ["random", "margin"]) == [[None, 0.25], [0.75, None]]
    assert win_matrix([pair], ["random", "badge"]) == [[None, None], [None, None]]


def test_mean_ranks_are_over_the_seeds(pair: Setting) -> None:
    found = ranking([pair])
    assert found is not None
    assert (found.names, found.means, found.blocks) == (["margin", "random"], [1.25, 1.75], 2)


def test_two_seeds_are_too_few_and_it_is_said_so(pair: Setting) -> None:
    (found,) = against_baseline(pair)
    assert found.differences == pytest.approx([0.2, 0])
    assert found.verdict == (
        "too few seeds for a verdict (2; a two-sided Wilcoxon test cannot fall below 0.5 with 2)"
    )


def test_enough_seeds_give_a_verdict_and_more_comparisons_take_it_away(tmp_path: Path) -> None:
    for seed in range(6):
        write_run(tmp_path, f"r{seed}", [0.4, 0.5], seed=seed)
        write_run(tmp_path, f"m{seed}", [0.4, 0.6 + seed / 50], seed=seed, strategy="margin")
        write_run(tmp_path, f"b{seed}", [0.4, 0.7 + seed / 40], seed=seed, strategy="badge")
    setting = setting_of(tmp_path)
    assert [each.p for each in against_baseline(setting)] == [0.03125, 0.03125]
    assert {each.verdict for each in against_baseline(setting)} == {
        "too few seeds for 2 comparisons (6; corrected, the first cannot fall below 0.0625)"
    }
    assert [(each.first, each.second) for each in other_pairs(setting)] == [("badge", "margin")]
    del setting.contenders["badge"]
    assert [each.verdict for each in against_baseline(setting)] == ["margin is better than random"]
    assert other_pairs(setting) == []


@pytest.mark.parametrize(("seeds", "decided"), [(5, False), (6, True)])
def test_ranks_differ_only_where_the_test_of_pairs_could_show_it(
    tmp_path: Path, seeds: int, decided: bool
) -> None:
    for seed in range(seeds):
        write_run(tmp_path, f"r{seed}", [0.4, 0.5], seed=seed)
        write_run(tmp_path, f"m{seed}", [0.4, 0.6 + seed / 50], seed=seed, strategy="margin")
    setting = setting_of(tmp_path)
    found = ranking([setting])
    assert found is not None
    assert found.means[1] - found.means[0] > found.critical  # Nemenyi alone would say so
    assert found.decided is decided
    drawn = critical_difference("Ranks", found).svg
    assert ("critical difference" in drawn) is decided
    assert drawn.count('class="clique"') == decided  # the length of the difference, and no bar
    told, *_ = outcomes.ranks([setting], ["random", "margin"]).parts
    assert ("too few for a verdict (seeds of some setting: 5" in str(told)) is not decided


def test_seeds_of_several_settings_are_not_pooled_into_a_verdict(tmp_path: Path) -> None:
    for name in ("a", "b"):
        for seed in range(3):
            data = {"name": name}
            write_run(tmp_path, f"r{name}{seed}", [0.4, 0.5], seed=seed, data=data)
            ends = [0.4, 0.6 + seed / 50]
            write_run(tmp_path, f"m{name}{seed}", ends, strategy="margin", seed=seed, data=data)
    found = ranking(group(read_runs([tmp_path])[0])[0])
    assert found is not None
    assert (found.blocks, found.repeats, found.decided) == (6, 3, False)


def test_what_learners_chose_is_the_median_over_the_runs_that_tell_it(tmp_path: Path) -> None:
    for seed, l2 in enumerate((0.01, 1.0, 100.0)):
        chosen = [{"l2": l2}, {"l2": 10 * l2, "spread": 4.0}]
        write_run(tmp_path, str(seed), [0.4, 0.5], seed=seed, settled=chosen)
    write_run(tmp_path, "none", [0.4, 0.5], strategy="margin")
    charts = behaviour.settled_curves(setting_of(tmp_path))
    assert {kind: list(curves) for kind, curves in charts.items()} == {
        "l2": ["random"],
        "spread": ["random"],
    }
    penalty, weight = charts["l2"]["random"], charts["spread"]["random"]
    assert (penalty.along.tolist(), penalty.mean.tolist()) == ([2, 4], [1, 10])
    assert (weight.along.tolist(), weight.mean.tolist()) == ([4], [4])


def test_phases_of_a_strategys_own_are_part_of_the_time_that_a_query_takes(
    tmp_path: Path,
) -> None:
    write_run(tmp_path, "plain", [0.4, 0.5])
    write_run(tmp_path, "search", [0.4, 0.6], strategy="autoal", seconds={"search": 0.4})
    section = behaviour.times(group(read_runs([tmp_path])[0])[0])
    (table,) = (part for part in section.parts if isinstance(part, Table))
    assert table.header[2:] == [
        *("train", "test", "features", "score", "search", "other", "total"),
        "query seconds a label",
    ]
    # Of 2 rows a query; what no phase has is "other".
    assert table.rows[0][2:] == pytest.approx([1.0, 0.5, 0.2, 0.3, 0.4, 0.1, 2.5, 0.45])
    assert table.rows[1][2:] == pytest.approx([1.0, 0.5, 0.2, 0.3, 0.0, 0.5, 2.5, 0.25])


def test_the_most_memory_of_any_seed_is_told(tmp_path: Path) -> None:
    for seed, peak in enumerate((300.0, 500.0)):
        run = write_run(tmp_path, f"a{seed}", [0.4, 0.5], seed=seed)
        (run / "memory.json").write_text(json.dumps({"main": peak}))
    older = write_run(tmp_path, "b", [0.4, 0.6], strategy="margin")
    settings, _ = group(read_runs([tmp_path])[0])
    (table,) = (part for part in behaviour.times(settings).parts if isinstance(part, Table))
    assert table.header[-1] == "peak memory, MiB"  # and none of a GPU
    assert [(row[1], row[-1]) for row in table.rows] == [("margin", None), ("random", 500.0)]
    (row,) = (row for row in checklist(settings).rows if "peak memory" in str(row[1]))
    assert str(row[2]).endswith("but for the peak memory of 1 runs, which do not tell it")
    (older / "memory.json").write_text("[]")  # what is damaged tells nothing, and costs no run
    runs, faults = read_runs([tmp_path])
    assert (len(runs), faults) == (3, [])


def test_how_many_rows_were_looked_at_stands_beside_the_seconds(tmp_path: Path) -> None:
    write_run(tmp_path, "all", [0.4, 0.5, 0.5])
    path = write_run(tmp_path, "few", [0.4, 0.6, 0.6], look=40)
    lines = [json.loads(line) for line in (path / "rounds.jsonl").read_text().splitlines()]
    for line, looked in zip(lines[1:], (40, 30), strict=True):
        line["looked"] = looked
    (path / "rounds.jsonl").write_text("".join(f"{json.dumps(line)}\n" for line in lines))
    ((setting,), _) = group(read_runs([tmp_path])[0])
    assert [*setting.contenders] == ["random (look=40)", "random (look=null)"]
    (table,) = (part for part in behaviour.times([setting]).parts if isinstance(part, Table))
    assert table.header[-1] == "rows looked at"
    assert [row[-1] for row in table.rows] == [35.0, None]


def test_only_runs_of_one_start_set_are_paired(tmp_path: Path) -> None:
    write_run(tmp_path, "a", [0.4, 0.5])
    write_run(tmp_path, "b", [0.4, 0.6], strategy="margin", start=(7, 8))
    settings, faults = group(read_runs([tmp_path])[0])
    assert [each.verdict for each in against_baseline(settings[0])] == ["no seed in common"]
    assert [fault.kind for fault in faults] == ["another start set"]
    assert ranking(settings) is None


def test_over_money_the_last_of_several_free_rounds_counts(tmp_path: Path) -> None:
    path = write_run(tmp_path, "a", [0.2, 0.4, 0.8, 0.6])
    lines = [json.loads(line) for line in (path / "rounds.jsonl").read_text().splitlines()]
    for line, (bought, cost) in zip(lines, [(2, 3.0), (0, None), (0, None), (1, 0.5)], strict=True):
        line |= {"bought": bought} | ({} if cost is None else {"cost": cost})
    (path / "rounds.jsonl").write_text("".join(json.dumps(line) + "\n" for line in lines))
    run = read_run(path, over="money")
    assert run.spent.tolist() == [3, 3, 3, 3.5]
    assert run.priced
    assert run.area == pytest.approx(0.7)  # by hand: (.8 + .6) / 2, over .5 of .5
    curve = Curve.of([run])
    assert (curve.along.tolist(), curve.mean.tolist()) == ([3, 3.5], [0.8, 0.6])
    assert not read_run(write_run(tmp_path, "b", [0.2])).priced


def test_over_seconds_of_people_or_of_what_labels_cost(tmp_path: Path) -> None:
    path = write_run(tmp_path, "a", [0.2, 0.4, 0.8])
    lines = [json.loads(line) for line in (path / "rounds.jsonl").read_text().splitlines()]
    lines[0]["people"] = {"ann": {"labels": 2, "seconds": 7.0}}
    lines[1]["taken"], lines[2]["taken"] = 4.0, 1.5
    (path / "rounds.jsonl").write_text("".join(json.dumps(line) + "\n" for line in lines))
    run = read_run(path, over="seconds")
    assert run.timed
    assert not run.priced
    # By hand: (.2 + .4) / 2 for 4 seconds and (.4 + .8) / 2 for 1.5, out of 5.5.
    assert run.area == pytest.approx((0.3 * 4 + 0.6 * 1.5) / 5.5)
    curve = Curve.of([run])
    assert (curve.along.tolist(), curve.mean.tolist()) == ([7, 11, 12.5], [0.2, 0.4, 0.8])
    table = curve_table(group([run])[0])
    assert table.header[2:] == ["seconds of people", "accuracy"]
    assert [row[2] for row in table.rows] == [7.0, 11.0, 12.5]
    assert not read_run(write_run(tmp_path, "b", [0.2])).timed


def test_crowds_of_other_sizes_are_other_contenders(tmp_path: Path) -> None:
    for people in (3, 5):
        crowd = {"_target_": "autoal.oracles.crowd.Crowd", "people": people}
        write_run(tmp_path, f"of {people}", [0.4, 0.5], oracle=crowd)
    ((setting,), faults) = group(read_runs([tmp_path])[0])
    assert not faults
    assert [*setting.contenders] == ["random (oracle.people=3)", "random (oracle.people=5)"]


def test_runs_that_differ_in_how_batches_are_taken_are_contenders_of_one_setting(
    tmp_path: Path,
) -> None:
    plain = {"unit": "labels", "spend": None, "minutes": None}
    write_run(tmp_path, "older", [0.4, 0.5])
    whole: dict[str, Any] = {"costs": {}, "questions": {}}
    write_run(tmp_path, "blind", [0.4, 0.5], seed=1, **whole, plan={**plain, "per_cost": False})
    write_run(tmp_path, "aware", [0.4, 0.6], **whole, plan={**plain, "per_cost": True})
    write_run(tmp_path, "other", [0.4, 0.6], plan={**plain, "spend": 5.0})
    settings, _ = group(read_runs([tmp_path])[0])
    assert sorted(len(setting.runs) for setting in settings) == [1, 3]
    (shared,) = (setting for setting in settings if len(setting.runs) == 3)
    assert {name: len(runs) for name, runs in shared.contenders.items()} == {
        "random (plan.per_cost=false)": 2,
        "random (plan.per_cost=true)": 1,
    }


def test_what_no_run_has_is_said_in_a_sentence(tmp_path: Path) -> None:
    write_run(tmp_path, "start", [0.5])
    settings, _ = group(read_runs([tmp_path])[0])
    assert behaviour.classes(settings).parts == ["No run queried anything after its start."]
    assert behaviour.times(settings).parts == ["No run did a round after its start."]
    assert not [
        part for part in outcomes.ranks(settings, ["random"]).parts if isinstance(part, Table)
    ]
