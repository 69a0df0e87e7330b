"""The opening of a report: how the contenders did, and what can and cannot be concluded."""

from collections import Counter
from collections.abc import Mapping, Sequence
from itertools import count, islice
from math import ceil
from statistics import fmean

from autoal.costs.units import LABELS
from autoal.report.axis import AXES, counted
from autoal.report.comparisons import Comparison
from autoal.report.faults import Fault
from autoal.report.groups import BASELINE, Setting, by
from autoal.report.metric import ACCURACY, lower_is_better
from autoal.report.outcomes import Against, saving
from autoal.report.page import Command, Folded, Part, Section, Statement
from autoal.report.statistics import LEVEL, POWER, pairs_needed
from autoal.report.tables import short

SHOWN = 5  # contenders in a sentence
MOST = 1000  # most seeds that anybody would be advised to run

_NEEDED = (
    "How many seeds would suffice is a guess from the differences so far, which say little if they "
    "are few: this many show a difference as large as their mean with a probability of "
    f"{100 * POWER:g} % (docs/report.md has the formula). Each command stands for the one that "
    "made these runs, with its other options unchanged; finished runs are not repeated."
)


def verdict(settings: Sequence[Setting], against: Against, faults: Sequence[Fault]) -> Section:
    """A paragraph per setting on the results and conclusions; then the tests."""
    told = [
        Statement(setting.name, f"{standing(setting)} {conclusion(setting, against[setting.name])}")
        for setting in settings
    ]
    lacking = {setting.name: more_seeds(setting, against[setting.name]) for setting in settings}
    basis = _basis(settings, faults)
    return Section("What the runs show", [*told, *_all_more_seeds(lacking), basis])


def _all_more_seeds(lacking: Mapping[str, Sequence[Part]]) -> list[Part]:
    """The number of seeds that would suffice: shown for one setting, folded for several."""
    needed = [(name, part) for name, parts in lacking.items() for part in parts]
    if not needed:
        return []
    if len(lacking) == 1:
        return [*(part for _, part in needed), _NEEDED]
    named = [Statement(name, part) if isinstance(part, str) else part for name, part in needed]
    return [
        Folded("How many seeds would suffice, and the commands that add them", [*named, _NEEDED])
    ]


def _basis(settings: Sequence[Setting], faults: Sequence[Fault]) -> str:
    runs = sum(len(setting.runs) for setting in settings)
    kinds = Counter(fault.kind for fault in faults)
    noted = "; ".join(f"{kind}: {number}" for kind, number in kinds.items()) or "nothing"
    metric = settings[0].runs[0].metric
    minus = f"For {metric} less is better: it is negated here, so that more is. "
    return (
        f"Finished runs: {runs}; settings: {len(settings)}. Notes: {noted}. "
        f"{minus if lower_is_better(metric) else ''}The tests are "
        "two-sided Wilcoxon signed-rank tests of the area under the curve, paired by seed and "
        f"start set, corrected by Holm within each setting, at the level {LEVEL:g}."
    )


def standing(setting: Setting) -> str:
    """The results of the best at a common amount, and the saving of the best one."""
    found = {name: fmean(run.final for run in runs) for name, runs in setting.contenders.items()}
    ranked = sorted(setting.honest, key=lambda name: -found[name])
    shown = ranked[:SHOWN]
    if setting.baseline and setting.baseline not in shown:
        shown[-1] = setting.baseline
    rest = f" (and {len(ranked) - len(shown)} more)" if len(ranked) > len(shown) else ""
    told = ", ".join(f"{name} {short(found[name])}" for name in shown or setting.references)
    above = ", ".join(f"{name} {short(found[name])}" for name in setting.references)
    reference = f" (upper reference: {above})" if above and shown else ""
    where = (
        f"{rest}{_of(setting)} at {counted(setting.reach)} {AXES[setting.over].amount}{reference}"
    )
    return f"{told}{where}{_saved(setting, ranked)}."


def _of(setting: Setting) -> str:
    """The metric, if it is not the one that people expect."""
    return "" if setting.metric == ACCURACY else f" of {setting.metric}"


def _saved(setting: Setting, ranked: Sequence[str]) -> str:
    """The best honest contender's amount for random's final result, if it is less."""
    if setting.baseline is None or ranked[0] == setting.baseline:
        return ""
    best = ranked[0]
    (needed, share), (given, _) = (saving(setting, name) for name in (best, setting.baseline))
    if not (share and share > 0):
        return ""
    if not (isinstance(needed, float) and isinstance(given, float)):  # some were not bought
        return ""
    whole = ceil(needed - 1e-9) if setting.over == LABELS else needed
    amount = f"{counted(whole)} {AXES[setting.over].amount}"
    return f"; {best} needs {amount} for what {setting.baseline} needs {counted(given)}"


def conclusion(setting: Setting, compared: Sequence[Comparison]) -> str:
    """Those shown to be better and worse than random, and the reason if nobody is."""
    if not compared:
        return f"No verdict against random: there is {_lacking(setting)} among the runs."
    found: dict[tuple[str, str], list[str]] = {}
    for comparison in compared:
        found.setdefault(_around(comparison), []).append(comparison.first)
    return " ".join(
        f"{before}{', '.join(names)}{after}." for (before, after), names in found.items()
    )


def _lacking(setting: Setting) -> str:
    """The reason why nobody can be compared with random."""
    if setting.baseline:
        return "only random"
    several = any(runs[0].strategy == BASELINE for runs in setting.contenders.values())
    return "no single random" if several else "no random"


def _around(comparison: Comparison) -> tuple[str, str]:
    """The parts of a sentence before and after its contenders."""
    if comparison.decided:
        better = comparison.differences.mean() > 0
        return f"Shown to be {'better' if better else 'worse'} than {comparison.second}: ", ""
    if comparison.seeds and not comparison.shortage:
        return f"No difference from {comparison.second} shown, though there may be one: ", ""
    return "Nothing can be concluded about ", f": {comparison.verdict}"


def more_seeds(setting: Setting, compared: Sequence[Comparison]) -> list[Part]:
    """If seeds are too few, the number that would suffice, and the command that adds them."""
    needed = {
        comparison.first: pairs_needed(comparison.differences, len(compared))
        for comparison in compared
        if comparison.shortage
    }
    if not needed:
        return []
    within = {name: pairs for name, pairs in needed.items() if pairs and pairs <= MOST}
    beyond = [name for name in needed if name not in within]
    by_number = sorted(by(within, within.__getitem__).items())
    told = [f"{pairs} for {', '.join(names)}" for pairs, names in by_number]
    told += [f"more than {MOST} for {', '.join(beyond)}"] if beyond else []
    sentence = f"Seeds that would suffice: {'; '.join(told)}."
    sentence += " The command adds the fewest of these." if len(told) > 1 and within else ""
    return [sentence, _command(setting, min(within.values()))] if within else [sentence]


def _command(setting: Setting, pairs: int) -> Command:
    """The options that give a setting this many seeds, as far as its runs record them."""
    there = {run.seed for run in setting.runs}
    fresh = islice((seed for seed in count() if seed not in there), max(0, pairs - len(there)))
    names = [runs[0].strategy for runs in setting.contenders.values()]
    chosen = f"strategy={','.join(names)} " if names == [*setting.contenders] else ""
    return Command(f"python train.py -m ... {chosen}{_seeds(sorted([*there, *fresh]))}")


def _seeds(seeds: Sequence[int]) -> str:
    """In the syntax of a sweep."""
    if len(seeds) > SHOWN and [*seeds] == [*range(len(seeds))]:
        return f"'seed=range(0,{len(seeds)})'"
    return f"seed={','.join(map(str, seeds))}"
