import re
from collections.abc import Mapping, Sequence
from pathlib import Path

import numpy as np
import pytest

from autoal.report.across import Gain, Hindsight, Share, gains, in_hindsight, over_all, shares
from autoal.report.comparisons import ranking, ranking_of_settings
from autoal.report.contents import sections
from autoal.report.gained import WIDTH, gained
from autoal.report.groups import Setting, group
from autoal.report.overview import by_setting, hindsight, shares_table, summary
from autoal.report.runs import read_runs
from autoal.report.svg import width_of
from tests.report.made import write_run

ORACLE = "cheating_oracle"
Areas = Mapping[str, Mapping[str, Sequence[float]]]  # of each seed, by setting and strategy


def made(top: Path, areas: Areas) -> list[Setting]:
    """Settings of runs that begin at .2 and have these areas."""
    for setting, by_strategy in areas.items():
        for strategy, by_seed in by_strategy.items():
            for seed, area in enumerate(by_seed):
                accuracy = [0.2, 2 * area - 0.2]
                name = f"{setting}-{strategy}-{seed}"
                write_run(top, name, accuracy, strategy=strategy, seed=seed, data={"name": setting})
    runs, unreadable = read_runs([top])
    settings, faults = group(runs)
    assert [*unreadable, *faults] == []
    return settings


@pytest.fixture
def three(tmp_path: Path) -> list[Setting]:
    """Margin gains .02, .04 and .06 over random, badge loses .01 everywhere."""
    return made(
        tmp_path,
        {
            "a": {"random": [0.40, 0.40], "margin": [0.41, 0.43], "badge": [0.39, 0.39]},
            "b": {"random": [0.50, 0.52], "margin": [0.54, 0.56], "badge": [0.49, 0.51]},
            "c": {"random": [0.40, 0.40], "margin": [0.42, 0.50], "badge": [0.35, 0.43]},
        },
    )


def test_a_difference_over_all_settings_is_the_mean_of_theirs(three: list[Setting]) -> None:
    found = gains(three, "margin", "random")
    assert found.means == pytest.approx([0.02, 0.04, 0.06])
    assert found.mean == pytest.approx(0.04)


def test_settings_drawn_at_random_give_the_interval_and_p(three: list[Setting]) -> None:
    margin, badge = over_all(three, "random")
    # Student's t with two degrees of freedom is 4.302653 at .975; the deviation is .02.
    half = 4.302653 * 0.02 / 3**0.5
    assert margin.gains.over_further_settings == pytest.approx((0.04 - half, 0.04 + half))
    # Its p-value is 1 - t / sqrt(t^2 + 2), of t = .04 / (.02 / sqrt(3)); badge never varies.
    assert margin.p == pytest.approx(1 - 12**0.5 / 14**0.5)
    assert badge.p == pytest.approx(0)
    assert (margin.corrected, badge.corrected) == pytest.approx((margin.p, 0))


def test_chance_in_the_seeds_alone_gives_the_other_interval(three: list[Setting]) -> None:
    # Two seeds' variances: .0002, 0 and .0032; of their means half, of the settings' a ninth.
    variances = np.array([0.0001, 0, 0.0016]) / 9
    found = gains(three, "margin", "random").over_further_seeds
    assert found is not None
    assert sum(found) / 2 == pytest.approx(0.04)
    # Welch's degrees of freedom are 1.124, between those of t = 12.706 and 4.303.
    assert 4.303 < (found[1] - found[0]) / 2 / variances.sum() ** 0.5 < 12.706


def test_a_setting_is_won_where_its_own_interval_is_above_zero(tmp_path: Path) -> None:
    areas = {
        "won": {"random": [0.4, 0.5] * 3, "margin": [0.5, 0.6] * 3},
        "lost": {"random": [0.5, 0.5] * 3, "margin": [0.4, 0.4] * 3},
        "level": {"random": [0.5, 0.4] * 3, "margin": [0.4, 0.5] * 3},
        "same": {"random": [0.5, 0.4] * 3, "margin": [0.5, 0.4] * 3},
        "few": {"random": [0.4] * 5, "margin": [0.5] * 5},  # that random wins none of
        "single": {"random": [0.4], "margin": [0.6]},
    }
    (margin,) = over_all(made(tmp_path, areas), "random")
    signs = {name: gain.sign for name, gain in margin.gains.by_setting.items()}
    assert signs == {"won": 1, "lost": -1, "level": 0, "same": 0, "few": None, "single": None}
    assert [margin.gains.count(sign) for sign in (1, 0, -1, None)] == [1, 2, 1, 2]
    # A single pair says nothing about further seeds.
    assert margin.gains.over_further_seeds is None


def test_two_settings_say_nothing_about_further_ones(three: list[Setting]) -> None:
    for overall in over_all(three[:2], "random"):
        assert (overall.gains.over_further_settings, overall.p, overall.corrected) == (None,) * 3
        assert overall.gains.over_further_seeds is not None


def test_a_family_is_corrected_for_all_that_could_be_tested(tmp_path: Path) -> None:
    base = {"random": [0.4], "margin": [0.5], "badge": [0.45]}
    areas = {
        "a": base,
        "b": base | {"margin": [0.52]},
        "c": base | {"badge": [0.47], "entropy": [0.3]},
    }
    margin, badge, entropy = over_all(made(tmp_path, areas), "random")
    assert margin.p is not None
    assert badge.p is not None
    assert margin.p < badge.p
    assert margin.corrected == pytest.approx(2 * margin.p)
    assert badge.corrected == pytest.approx(badge.p)
    assert (entropy.first, entropy.p, len(entropy.gains.by_setting)) == ("entropy", None, 1)


def test_only_seeds_in_common_count_and_upper_references_are_apart(tmp_path: Path) -> None:
    areas = {"a": {"random": [0.4, 0.6], "margin": [0.5], ORACLE: [0.6, 0.6]}}
    (margin,) = over_all(made(tmp_path, areas), "random")
    assert margin.gains.mean == pytest.approx(0.1)


def test_a_setting_has_one_rank_however_many_seeds(tmp_path: Path) -> None:
    # Margin wins two seeds of three in a, yet its mean there is lower; it wins b.
    areas = {
        "a": {"random": [0.4, 0.4, 0.6], "margin": [0.41, 0.41, 0.3], ORACLE: [0.6] * 3},
        "b": {"random": [0.4, 0.5], "margin": [0.5, 0.6], "badge": [0.6, 0.6]},
    }
    settings = made(tmp_path, areas)
    by_seed, by_setting = ranking(settings), ranking_of_settings(settings)
    assert by_seed is not None
    assert by_setting is not None
    assert by_seed.by_name == {"margin": 1.2, "random": 1.8}
    assert by_setting.by_name == {"margin": 1.5, "random": 1.5}
    assert (by_seed.blocks, by_setting.blocks) == (5, 2)
    assert (by_seed.seeds, by_setting.seeds) == (1, 2)


def test_ranks_are_of_the_seeds_that_all_share(tmp_path: Path) -> None:
    areas = {"a": {"random": [0.4, 0.6], "margin": [0.45]}}
    found = ranking_of_settings(made(tmp_path, areas))
    assert found is not None
    assert found.names == ["margin", "random"]


def test_the_best_is_the_one_that_is_so_in_each_setting(tmp_path: Path) -> None:
    areas = {
        "a": {"random": [0.40, 0.40], "margin": [0.50, 0.52], "autoal": [0.51, 0.51]},
        "b": {"random": [0.60, 0.60], "margin": [0.50, 0.50], "autoal": [0.58, 0.58]},
    }
    found = in_hindsight(made(tmp_path, areas), "autoal")
    assert {name: known.best for name, known in found.items()} == {"a": "margin", "b": "random"}
    assert found["a"].gain.mean == pytest.approx(0)
    assert found["b"].gain.mean == pytest.approx(-0.02)
    only = in_hindsight(made(tmp_path / "again", areas), "autoal", ["margin"])
    assert [known.best for known in only.values()] == ["margin", "margin"]


def test_strategies_made_of_others_are_no_single_ones(tmp_path: Path) -> None:
    for place, name in enumerate(("random", "margin", "refine", "autoal", ORACLE)):
        weights = None if name in ("random", "margin") else {"random": 1.0}
        write_run(tmp_path, name, [0.2, 0.3 + place / 10], strategy=name, weights=weights)
    (setting,) = group(read_runs([tmp_path])[0])[0]
    assert setting.single == ["random", "margin"]
    assert setting.references == [ORACLE]
    assert [row[:3] for row in hindsight([setting], ["autoal"]).rows] == [
        ["autoal", "digits", "margin"]
    ]


@pytest.mark.parametrize(
    ("differences", "verdict"),
    [
        ([-0.02] * 6, "worse by more than 0.005"),
        ([-0.004] * 6, "worse"),
        ([0.01] * 6, "better"),
        ([0.01, -0.01] * 3, "no difference shown"),
        ([-0.02] * 5, "too few seeds for a verdict"),
    ],
)
def test_it_is_told_how_far_from_the_best(differences: list[float], verdict: str) -> None:
    assert Hindsight("margin", Gain(np.array(differences))).verdict == verdict


GAINED: Areas = {
    # The reference gains .2 and .1, margin half and all of it; in c the reference is not shown
    # to be better.
    "a": {"random": [0.3, 0.4], "margin": [0.4, 0.5], ORACLE: [0.5, 0.6]},
    "b": {"random": [0.4, 0.4], "margin": [0.5, 0.5], ORACLE: [0.5, 0.5]},
    "c": {"random": [0.4, 0.4], "margin": [0.5, 0.5], ORACLE: [0.3, 0.6]},
}


def test_a_share_is_of_what_the_upper_reference_gains(tmp_path: Path) -> None:
    settings = made(tmp_path, GAINED)
    found = shares(settings, "margin")
    assert {name: share.value for name, share in found.items()} == pytest.approx({"a": 0.5, "b": 1})
    # Together: .1 + .1 of .2 + .1, where the mean of the shares would be .75.
    assert Share.over(found).value == pytest.approx(2 / 3)
    assert Share.over(found).interval is None  # of two settings
    assert shares(settings, "random") == shares(settings, ORACLE) == {}


def test_a_share_has_fiellers_interval() -> None:
    share = Share(np.array([0.1, 0.2, 0.3]), np.full(3, 0.4))
    half = 4.302653 * 0.1 / 3**0.5
    assert share.interval == pytest.approx(((0.2 - half) / 0.4, (0.2 + half) / 0.4))


def test_of_several_upper_references_the_best_counts(tmp_path: Path) -> None:
    for seed in range(2):
        write_run(tmp_path, f"random-{seed}", [0.4, 0.4], seed=seed)
        write_run(tmp_path, f"margin-{seed}", [0.4, 0.5], strategy="margin", seed=seed)
        for tries, end in ((1, 0.6), (20, 0.8)):
            name, options = f"{tries}-{seed}", {"tries": tries}
            write_run(tmp_path, name, [0.4, end], strategy=ORACLE, options=options, seed=seed)
    settings, _ = group(read_runs([tmp_path])[0])
    assert len(settings[0].references) == 2
    assert shares(settings, "margin")["digits"].value == pytest.approx(0.25)


def test_the_summary_has_a_line_for_each_strategy(tmp_path: Path) -> None:
    settings = made(tmp_path, GAINED)
    table = summary(settings, ["random", "margin", ORACLE])
    margin, random, reference = (dict(zip(table.header, row, strict=True)) for row in table.rows)
    # Two seeds are too few to win anything by; features and scores took half a second.
    assert [*margin.values()][:6] == ["margin", 1, 0, 0, 0, 3]
    assert margin["gain over random"] == pytest.approx(0.1)
    assert margin["95 % interval"] == pytest.approx((0.1, 0.1))
    assert margin["share of the reference's gain"] == pytest.approx(2 / 3)
    assert margin["final minus random"] == pytest.approx(0.2)  # twice as much in the end
    assert [*margin.values()][-4:] == [3, 2, 2, pytest.approx(0.5)]
    assert [*random.values()][:-4] == ["random", 2, *[None] * 8]
    assert [*reference.values()][:6] == [ORACLE, *[None] * 5]
    assert reference["share of the reference's gain"] is None
    assert table.bold == []  # nothing is shown of three settings


def test_settings_are_won_and_the_first_stand_out_where_that_is_shown(tmp_path: Path) -> None:
    # Margin is better than random by six seeds of each of six settings, badge is as good as it.
    ends = {"random": 0.4, "margin": 0.5, "badge": 0.4}
    areas = {
        place: {
            name: [end + seed / 100 + (name == "badge") * (-1) ** seed / 50 for seed in range(8)]
            for name, end in ends.items()
        }
        for place in "abcdefg"
    }
    table = summary(made(tmp_path, areas), ["random", "margin", "badge"])
    assert [row[:6] for row in table.rows] == [
        ["margin", 1, 7, 0, 0, 0],
        ["random", 2.5, *[None] * 4],
        ["badge", 2.5, 0, 7, 0, 0],
    ]
    assert table.bold == [0]


def test_gains_in_each_setting_are_warm_above_random_and_cold_below(three: list[Setting]) -> None:
    table = by_setting(three, ["random", "margin", "badge"])
    assert table.header == ["strategy", "a", "b", "c"]
    assert [row[0] for row in table.rows] == ["margin", "badge"]
    assert table.rows[0][1:] == pytest.approx([0.02, 0.04, 0.06])
    assert table.rows[1][1:] == pytest.approx([-0.01] * 3)
    # The largest gain has all of the colour, a loss of a sixth of it the other one.
    page = table.html()
    assert "color-mix(in srgb,var(--c0) 50%,transparent)" in page
    assert page.count("color-mix(in srgb,var(--c1) 8%,transparent)") == 3


def test_the_summary_tells_of_how_many_seeds_the_ranks_are(tmp_path: Path) -> None:
    areas = {
        "a": {"random": [0.4] * 4, "margin": [0.5] * 4, "badge": [0.6] * 3},
        "b": {"random": [0.4] * 5, "margin": [0.5] * 5, "badge": [0.6] * 2},
    }
    table = summary(made(tmp_path, areas), ["random", "margin", "badge"])
    place = table.header.index("seeds ranked")
    seeds = table.header.index("seeds")
    assert [(row[0], row[seeds], row[place]) for row in table.rows] == [
        ("badge", 2, 2),
        ("margin", 4, 2),
        ("random", 4, 2),
    ]


def test_runs_that_query_nothing_take_no_seconds(tmp_path: Path) -> None:
    write_run(tmp_path, "a", [0.5])
    settings, _ = group(read_runs([tmp_path])[0])
    assert summary(settings, ["random"]).rows == [["random", *[None] * 9, 1, 1, None, None]]


ACROSS = ("summary", "gains_by_setting", "across_random", "across_best", "shares")


def names_of(settings: Sequence[Setting]) -> list[str]:
    """Of the tables over all settings, as they follow each other on the page."""
    found = sections(settings, [])
    return [table.name for section in found for table in section.tables if table.name in ACROSS]


def test_differences_over_all_settings_are_shown_where_there_are_several(tmp_path: Path) -> None:
    settings = made(tmp_path, GAINED)
    assert names_of(settings) == [*ACROSS]
    assert sections(settings, [])[0].title == "All settings at a glance"
    assert names_of(settings[:1]) == ["shares"]
    assert names_of(settings[2:]) == []


def drawing_of(settings: Sequence[Setting]) -> str:
    """Of the gains over random."""
    figure = gained("Gains", over_all(settings, "random"), "area minus random")
    assert figure is not None
    return figure.svg


def test_the_gains_are_drawn(three: list[Setting]) -> None:
    """A ring for each setting, a spot for the mean, and the interval from end to end."""
    drawn = drawing_of(three)
    assert all(f"{name}: {mean:+.4f}" in drawn for name, mean in (("a", 0.02), ("margin", 0.04)))
    assert drawn.count("<circle") == 2 * (3 + 1)
    assert drawn.count("<polyline") == 2 * 2
    assert "area minus random" in drawn


def test_gains_without_intervals_are_spots_alone(three: list[Setting]) -> None:
    drawn = drawing_of(three[:1])
    assert drawn.count("<polyline") == 2  # of further seeds
    assert drawn.count("<circle") == 2 * 2


def test_the_axis_reaches_both_ends_of_every_interval(three: list[Setting]) -> None:
    ends = [
        float(point.partition(",")[0])
        for points in re.findall(r'<polyline points="([^"]*)"', drawing_of(three))
        for point in points.split()
    ]
    left = width_of(["margin"]) + 16
    assert len(ends) == 2 * 2 * 2
    # The widest of the intervals is wider than all of the gains, and so its ends are the axis's.
    assert (min(ends), max(ends)) == pytest.approx((left, left + WIDTH), abs=0.01)


def test_without_gains_nothing_is_drawn() -> None:
    assert gained("Gains", [], "area minus random") is None


def test_shares_are_told_together_and_one_by_one(tmp_path: Path) -> None:
    table = shares_table(made(tmp_path, GAINED), ["random", "margin", ORACLE])
    assert [row[:4] for row in table.rows] == [
        ["margin", "all settings", 2, None],
        ["margin", "a", None, 2],
        ["margin", "b", None, 2],
    ]


def test_the_share_of_one_setting_is_told_once(tmp_path: Path) -> None:
    table = shares_table(made(tmp_path, {"a": GAINED["a"]}), ["margin"])
    assert [row[1] for row in table.rows] == ["a"]
