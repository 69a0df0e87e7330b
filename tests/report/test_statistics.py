from itertools import product

import numpy as np
import pytest
from scipy import stats

from autoal.report.statistics import (
    bootstrap,
    can_show,
    cliques,
    critical_difference,
    fieller,
    fixed_interval,
    friedman,
    holm,
    least_p,
    pairs_needed,
    ranks,
    t_interval,
    t_test,
    typical,
    typical_interval,
    wilcoxon,
)


def brute_force(differences: list[float]) -> float:
    """By trying all signs."""
    sizes = stats.rankdata(np.abs(differences))
    sums = [np.dot(signs, sizes) for signs in product((0, 1), repeat=len(sizes))]
    seen = float(np.dot(np.array(differences) > 0, sizes))
    tail = min(np.mean([s <= seen for s in sums]), np.mean([s >= seen for s in sums]))
    return float(min(1.0, 2 * tail))


@pytest.mark.parametrize("count", [3, 8, 20])
def test_the_signed_rank_test_is_that_of_scipy_without_ties(count: int) -> None:
    differences = np.random.default_rng(count).normal(0.5, 1, count)
    expected = stats.wilcoxon(differences, method="exact").pvalue
    assert wilcoxon(differences) == pytest.approx(expected)


def test_ties_are_exact_too() -> None:
    differences = [0.1, 0.1, -0.1, 0.2, 0.2, 0.3, -0.4]
    assert wilcoxon(np.array(differences)) == pytest.approx(brute_force(differences))


def test_zeros_are_dropped_and_nothing_but_zeros_shows_nothing() -> None:
    assert wilcoxon(np.array([0.0, 1.0, 2.0])) == wilcoxon(np.array([1.0, 2.0])) == 0.5
    assert wilcoxon(np.zeros(4)) == 1.0


@pytest.mark.parametrize(("pairs", "expected"), [(0, 1), (1, 1), (3, 0.25), (6, 0.03125)])
def test_the_least_p_value_is_that_of_equal_signs(pairs: int, expected: float) -> None:
    assert least_p(pairs) == expected
    assert wilcoxon(np.arange(1.0, pairs + 1)) == expected


@pytest.mark.parametrize(("comparisons", "fewest"), [(1, 6), (2, 7), (3, 7), (4, 8), (20, 10)])
def test_fewer_pairs_can_show_nothing_of_more_comparisons(comparisons: int, fewest: int) -> None:
    assert can_show(fewest, comparisons)
    assert not can_show(fewest - 1, comparisons)
    # One difference tells no spread, and equal ones have none.
    for differences in ([0.1], [0.1, 0.1, 0.1]):
        assert pairs_needed(np.array(differences), comparisons) == fewest


def test_the_pairs_needed_are_those_worked_by_hand() -> None:
    # Mean 1, deviation 2: ((1.95996 + .84162) 2)^2 = 31.396 and 1.95996^2 / 2 = 1.921 are 33.316,
    # of which a paired t-test needs 34; times pi / 3 it is 34.89.
    assert pairs_needed(np.array([-1.0, 1.0, 3.0]), 1) == 35
    # Shared by four comparisons: z is 2.49771; (44.607 + 3.119) pi / 3 = 49.98.
    assert pairs_needed(np.array([-1.0, 1.0, 3.0]), 4) == 50
    assert pairs_needed(np.array([-1.0, 1.0]), 1) is None


def test_so_many_pairs_show_the_difference_four_times_of_five() -> None:
    drawn = np.random.default_rng(0).normal(0.5, 1, (2000, 35))
    shown = np.mean([wilcoxon(differences) <= 0.05 for differences in drawn])
    assert shown == pytest.approx(0.8, abs=0.03)


def test_holm_multiplies_by_what_is_left_and_never_falls() -> None:
    # Sorted: .01 x 4, .02 x 3, .03 x 2, .5 x 1.
    assert holm([0.03, 0.01, 0.5, 0.02]) == pytest.approx([0.06, 0.04, 0.5, 0.06])
    assert holm([0.9, 0.8]) == [1.0, 1.0]
    assert holm([]) == []


def test_the_bootstrap_interval_agrees_with_scipy_and_repeats() -> None:
    values = np.random.default_rng(1).normal(0.2, 1, 30)
    expected = stats.bootstrap((values,), np.mean, method="percentile").confidence_interval
    assert bootstrap(values) == pytest.approx((expected.low, expected.high), abs=0.03)
    assert bootstrap(values) == bootstrap(values)
    assert bootstrap(np.full(4, 0.25)) == (0.25, 0.25)


def test_students_interval_and_test_are_those_worked_by_hand() -> None:
    # The mean is 2, its error 1 / sqrt(3); with two degrees of freedom t is 4.302653 at .975,
    # and the p-value 1 - t / sqrt(t^2 + 2) of t = 2 sqrt(3).
    half = 4.302653 / 3**0.5
    assert t_interval(np.array([1.0, 2.0, 3.0])) == pytest.approx((2 - half, 2 + half))
    assert t_test(np.array([3.0, 1.0, 2.0])) == pytest.approx(1 - (12 / 14) ** 0.5)
    assert t_test(np.array([-3.0, -1.0, -2.0])) == pytest.approx(1 - (12 / 14) ** 0.5)


def test_what_does_not_vary_is_certain() -> None:
    assert t_interval(np.full(3, 0.25)) == (0.25, 0.25)
    assert (t_test(np.full(3, 0.25)), t_test(np.zeros(3))) == (0.0, 1.0)
    assert fixed_interval([np.full(2, 0.25), np.full(3, 0.75)]) == (0.5, 0.5)


def test_groups_that_are_given_add_no_chance() -> None:
    # Each mean has a variance of 2 / 2; that of their mean is (1 + 1) / 4. Degrees of freedom:
    # .5^2 / (.25^2 + .25^2) = 2.
    half = 4.302653 * 0.5**0.5
    found = fixed_interval([np.array([1.0, 3.0]), np.array([11.0, 13.0])])
    assert found == pytest.approx((7 - half, 7 + half))
    # Unequal ones: (.25 + 1)^2 / (.25^2 + 1) = 25 / 17.
    half = stats.t.ppf(0.975, 25 / 17) * 1.25**0.5
    found = fixed_interval([np.array([1.0, 3.0]), np.array([2.0, 6.0])])
    assert found == pytest.approx((3 - half, 3 + half))


def test_a_ratio_over_what_does_not_vary_has_students_interval() -> None:
    half = 4.302653 / 3**0.5
    found = fieller(np.array([1.0, 2.0, 3.0]), np.full(3, 4.0))
    assert found == pytest.approx(((2 - half) / 4, (2 + half) / 4))
    assert fieller(np.array([5.0, 5.5, 6.0]), np.array([10.0, 11.0, 12.0])) == (0.5, 0.5)


def test_fiellers_ends_are_the_ratios_that_are_just_refused() -> None:
    above, below = np.random.default_rng(3).normal([[1.0], [2.0]], 0.5, (2, 9))
    found = fieller(above, below)
    assert found is not None
    assert [t_test(above - end * below) for end in found] == pytest.approx([0.05, 0.05])
    assert found[0] < above.sum() / below.sum() < found[1]


def test_a_ratio_over_what_may_be_zero_has_no_ends() -> None:
    assert fieller(np.array([1.0, 2.0, 3.0]), np.array([-1.0, 1.0, 3.0])) is None


def test_tied_areas_share_their_rank() -> None:
    assert ranks(np.array([[0.9, 0.5, 0.9, 0.1]])).tolist() == [[1.5, 3, 1.5, 4]]


def test_friedman_is_that_of_scipy_with_ties() -> None:
    values = np.random.default_rng(2).integers(0, 5, (9, 4)).astype(float)
    expected = stats.friedmanchisquare(*values.T).pvalue
    assert friedman(ranks(values)) == pytest.approx(expected)
    assert friedman(ranks(np.ones((3, 3)))) == 1.0


def test_the_critical_difference_is_that_of_the_published_quantiles() -> None:
    # Demsar (2006): q = 2.569 for 4 classifiers, on 14 data sets.
    assert critical_difference(4, 14) == pytest.approx(2.569 * np.sqrt(20 / 84), abs=1e-3)
    assert critical_difference(2, 10) == pytest.approx(1.960 * np.sqrt(6 / 60), abs=1e-3)


def test_cliques_are_the_longest_stretches() -> None:
    assert cliques([1.0, 1.5, 2.4, 4.0], 1.0) == [(0, 1), (1, 2)]
    assert cliques([1.0, 1.5, 2.0], 1.0) == [(0, 2)]
    assert cliques([1.0, 3.0], 1.0) == []


def test_the_typical_value_is_the_median_of_pair_means() -> None:
    # Of 1, 2 and 9 the pairs have the means 1, 1.5, 2, 5, 5.5 and 9.
    assert typical(np.array([1.0, 2.0, 9.0])) == pytest.approx(3.5)


def test_its_interval_is_what_the_signed_rank_test_does_not_refuse() -> None:
    values = np.random.default_rng(0).normal(0.3, 1.0, 9)
    low, high = typical_interval(values) or (0.0, 0.0)
    for centre, refused in ((low - 1e-6, True), (low + 1e-6, False)):
        assert (wilcoxon(values - centre) < 0.05) is refused
    for centre, refused in ((high + 1e-6, True), (high - 1e-6, False)):
        assert (wilcoxon(values - centre) < 0.05) is refused


def test_six_values_have_an_interval_from_end_to_end_and_five_have_none() -> None:
    values = np.array([0.1, -0.2, 0.4, 0.5, 0.9, 0.3])
    assert typical_interval(values) == pytest.approx((-0.2, 0.9))
    assert typical_interval(values[:5]) is None
