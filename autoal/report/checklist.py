"""Demands on a trustworthy benchmark, and whether a set of runs meets them.

The demands are those of the literature on how active learning is compared; what a run folder does
not tell is said to be unknown, never assumed.
"""

from collections.abc import Callable, Iterable, Sequence

from autoal.report.comparisons import against_baseline
from autoal.report.groups import CHEATS, HARDWARE, Setting
from autoal.report.statistics import can_show
from autoal.report.tables import Cell, Table

Verdict = tuple[bool | None, str]  # met, or unknown; and why
LOW = 10  # labels per class that still count as a low budget
SINGLE, MIX = "all single candidates", "uniform mix"
SELECTORS = ("uherding",)  # the strongest one that chooses between regimes by a rule


def checklist(settings: Sequence[Setting]) -> Table:
    """A row for each demand: whether it is met, and by what."""
    rows: list[list[Cell]] = []
    for demand, check in DEMANDS.items():
        met, why = check(settings)
        rows.append([{True: "✓ yes", False: "✗ no", None: "? unknown"}[met], demand, why])
    return Table(
        "checklist", "Demands of the literature", ["met", "demand", "seen in the runs"], rows
    )


def _values(settings: Sequence[Setting], key: str) -> list[str]:
    return sorted({str(setting.config.get(key)) for setting in settings})


def _strategies(setting: Setting) -> set[str]:
    return {run.strategy for run in setting.runs}


def _listed(names: Iterable[str]) -> str:
    return ", ".join(names) or "none"


def _data_sets(settings: Sequence[Setting]) -> Verdict:
    names = sorted({setting.data for setting in settings})
    thinned = any(setting.config.get("data.imbalance", "none") != "none" for setting in settings)
    detail = "one made imbalanced" if thinned else "none made imbalanced"
    return len(names) > 1 and thinned, f"{_listed(names)}; {detail}"


def _start_budgets(settings: Sequence[Setting]) -> Verdict:
    found = _values(settings, "start.size")
    return len(found) >= 2, f"start={_listed(found)}"


def _query_sizes(settings: Sequence[Setting]) -> Verdict:
    found = _values(settings, "budget")
    return len(found) >= 3, f"budget={_listed(found)}"


def _tuned(_: Sequence[Setting]) -> Verdict:
    return None, "a run folder does not tell how its settings were found"


def _pretrained(settings: Sequence[Setting]) -> Verdict:
    targets = {str(setting.config.get("encoder._target_") or "") for setting in settings} - {""}
    names = sorted(target.rpartition(".")[2] for target in targets)
    return bool(names), f"frozen encoders: {_listed(names)}; no semi-supervised training"


def _baselines(settings: Sequence[Setting]) -> Verdict:
    lacking = [
        f"{name} in {setting.name}"
        for setting in settings
        for name in ("random", "margin")
        if name not in _strategies(setting)
    ]
    detail = f"missing: {_listed(lacking)}" if lacking else "in every setting, trained alike"
    return not lacking, detail


def _seeds(settings: Sequence[Setting]) -> Verdict:
    compared = [comparison for setting in settings for comparison in against_baseline(setting)]
    if not compared:
        return False, "nothing to compare with random"
    fewest = min(compared, key=lambda comparison: comparison.seeds)
    enough = all(can_show(comparison.seeds, comparison.factor) for comparison in compared)
    amount = "enough" if enough else "too few"
    return enough, f"at least {fewest.seeds} in pairs with random: {amount} for the corrected test"


def _pairs(settings: Sequence[Setting]) -> Verdict:
    uneven = [setting.name for setting in settings if not _paired(setting)]
    if uneven:
        return False, f"other seeds or start sets for some strategies in: {_listed(uneven)}"
    return True, "every strategy of a setting has the same seeds and start sets"


def _paired(setting: Setting) -> bool:
    beginnings = {
        frozenset((run.seed, run.start) for run in runs) for runs in setting.contenders.values()
    }
    return len(beginnings) == 1


def _hardware(settings: Sequence[Setting]) -> Verdict:
    runs = [run for setting in settings for run in setting.runs]
    found = {name: sorted({str(run.versions.get(name)) for run in runs}) for name in HARDWARE}
    detail = "; ".join(f"{name} {_listed(values)}" for name, values in found.items())
    return all(len(values) == 1 for values in found.values()), detail


def _starts_of_training(settings: Sequence[Setting]) -> Verdict:
    # A task without the option, such as logistic regression, starts anew.
    found = {bool(setting.config.get("task.warm_start")) for setting in settings}
    starts = _listed("warm" if warm else "cold" for warm in sorted(found))
    return len(found) == 1, f"start of training: {starts}"


def _leaks(_: Sequence[Setting]) -> Verdict:
    return True, (
        "by the engine: start sets are drawn without labels, strategies see no hidden label and "
        "no test row (but upper references, as they say), scoring is without augmentation, "
        "held-out labels count as bought"
    )


def _metrics(settings: Sequence[Setting]) -> Verdict:
    lacking = sum(not run.peaks for setting in settings for run in setting.runs)
    detail = f", but for the peak memory of {lacking} runs, which do not tell it" if lacking else ""
    return not lacking, f"all are in this report{detail}"


def _upper(settings: Sequence[Setting]) -> Verdict:
    found = set().union(*map(_strategies, settings)) & set(CHEATS)
    return bool(found), f"upper references: {_listed(sorted(found))}"


def _low_budget(settings: Sequence[Setting]) -> Verdict:
    low = [setting.name for setting in settings if _labels_a_class(setting) <= LOW]
    both = bool(low) and len(low) < len(settings)
    return both, f"start with at most {LOW} labels a class seen: {_listed(low)}"


def _labels_a_class(setting: Setting) -> float:
    classes = {label for run in setting.runs for past in run.rounds for label in past.classes}
    first = min(sum(run.rounds[0].classes.values()) for run in setting.runs)
    return first / max(1, len(classes))


def _automated(settings: Sequence[Setting]) -> Verdict:
    automated = [setting for setting in settings if "autoal" in _strategies(setting)]
    if not automated:
        return None, "no automated selection among the strategies"
    lacking = sorted({name for setting in automated for name in _lacking(setting)})
    return not lacking, f"missing: {_listed(lacking)}" if lacking else "all are there"


def _lacking(setting: Setting) -> list[str]:
    found = _strategies(setting)
    mixes = [run for run in setting.runs if run.strategy == "autoal"]
    candidates = {
        key.split(".")[2]
        for run in mixes
        for key in run.config
        if key.startswith("strategy.candidates.")
    }
    uniform = any(
        run.config.get("strategy.steps") == 0 and run.config.get("strategy.prior") == {}
        for run in mixes
    )
    absent = [name for name in SELECTORS if name not in found]
    return [
        *([] if candidates <= found else [SINGLE]),
        *([] if uniform else [MIX]),
        *absent,
    ]


DEMANDS: dict[str, Callable[[Sequence[Setting]], Verdict]] = {
    "several data sets, an imbalanced one among them": _data_sets,
    "two or more start budgets": _start_budgets,
    "three or more query sizes": _query_sizes,
    "the classifier tuned for each start budget on few validation rows, then frozen": _tuned,
    "self- or semi-supervised learners beside those trained on labels alone": _pretrained,
    "random and margin everywhere, with the same augmentation and regularisation": _baselines,
    "enough seeds for the paired, corrected test against random": _seeds,
    "the same seeds and start sets for every strategy": _pairs,
    "the same machine and versions throughout, and told": _hardware,
    "warm or cold start of the training told, and the same throughout": _starts_of_training,
    "no leaks of hidden labels or of the test set": _leaks,
    "curves, area, final accuracy, wins, label saving, query time and peak memory": _metrics,
    "an upper reference that knows the labels": _upper,
    "a low budget (1 to 10 labels a class) apart from higher ones": _low_budget,
    "automated selection beside its best candidate, a uniform mix and its rivals": _automated,
}
