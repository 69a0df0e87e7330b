"""The contents of the report: its sections in order."""

from collections.abc import Sequence

from autoal.costs.units import LABELS, MONEY, SECONDS
from autoal.palette import places
from autoal.report import behaviour, crowds, figures, growing, mixtures, outcomes, spending, wording
from autoal.report.axis import AXES
from autoal.report.beside import side_by_side
from autoal.report.checklist import checklist
from autoal.report.comparisons import against_baseline
from autoal.report.faults import Fault
from autoal.report.groups import Setting, by_baseline
from autoal.report.judges import axis
from autoal.report.measures import Curve
from autoal.report.metric import ACCURACY, words
from autoal.report.overview import differences, left_to_gain, overview
from autoal.report.page import Charts, Section, Statement
from autoal.report.pictures import queried
from autoal.report.tables import Cell, Table
from autoal.report.verdict import verdict


def sections(settings: Sequence[Setting], faults: Sequence[Fault]) -> list[Section]:
    """The whole report."""
    against = {setting.name: against_baseline(setting) for setting in settings}
    names = contender_names(settings)
    colours = places(names)
    if not settings:
        return [Section("What the runs show", ["No run is finished."]), _notes(faults)]
    gallery = queried(settings)
    faults = [*faults, *gallery.faults]
    several = len(settings) > 1
    found = [
        _notes(faults),
        _curves(settings, colours),
        side_by_side(settings),
        outcomes.results(settings),
        outcomes.tests(settings, against),
        *([differences(settings)] if several else []),
        outcomes.ranks(settings, names),
        left_to_gain(settings, names),
        mixtures.weights(settings),
        behaviour.learners(settings, colours),
        behaviour.classes(settings),
        spending.sources(settings),
        crowds.answers(settings),
        growing.made(settings),
        wording.words(settings),
        behaviour.times(settings),
        behaviour.stops(settings),
        behaviour.pictures(gallery),
        Section("Can this benchmark be trusted?", [checklist(settings)]),
    ]
    first = [overview(settings, names)] if several else []
    return [*first, verdict(settings, against, faults), *_full(found)]


def _full(found: Sequence[Section]) -> list[Section]:
    """The sections with something to show; the end says why the others are empty."""
    empty = [Statement(section.title, section.nothing) for section in found if section.nothing]
    last = [Section("Not in these runs", [*empty])] if empty else []
    return [*(section for section in found if not section.nothing), *last]


def contender_names(settings: Sequence[Setting]) -> list[str]:
    """All contenders, each once, in the same order everywhere."""
    return sorted({name for setting in settings for name in setting.contenders}, key=by_baseline)


def _notes(faults: Sequence[Fault]) -> Section:
    if not faults:
        return Section("Notes", ["Every run was read, is finished and fits the others."])
    rows: list[list[Cell]] = [[fault.kind, fault.where, fault.what] for fault in faults]
    return Section("Notes", [Table("faults", "Notes", ["kind", "where", "what"], rows)])


def _curves(settings: Sequence[Setting], colours: figures.Colours) -> Section:
    axis = AXES[settings[0].over]
    text = (
        f"The mean {settings[0].metric} over {axis.title}, and a band of one standard deviation "
        "over the seeds; if there are many strategies, each has its band in a chart of its own, "
        "in front of all others in grey. The axis names the source of the results."
        f"{_costs_apart(settings)}"
    )
    return Section("Learning curves", [text, *(_drawn(setting, colours) for setting in settings)])


def _costs_apart(settings: Sequence[Setting]) -> str:
    """Other axes for comparing the runs, if labels do not tell everything."""
    timed = all(run.timed for setting in settings for run in setting.runs)
    told = {MONEY: any(map(spending.priced, settings)), SECONDS: timed}
    others = [f"--over {unit}" for unit, known in told.items() if known]
    asked = settings[0].over != LABELS
    if asked or not others:
        return ""
    return f" The cost of labels is more than their number here: see {' or '.join(others)}."


def _drawn(setting: Setting, colours: figures.Colours) -> Charts:
    """The curves of all strategies, the best first."""
    found = curves(setting)
    best_first = {name: found[name] for name in setting.ranked}
    beside, below = axis(setting.metric, setting.judges), AXES[setting.over].title
    return figures.drawn(setting.name, best_first, colours, beside, below)


def curves(setting: Setting) -> dict[str, Curve]:
    """The curve of every contender."""
    return {name: Curve.of(runs) for name, runs in setting.contenders.items()}


def curve_table(settings: Sequence[Setting]) -> Table:
    """The points of all learning curves."""
    rows: list[list[Cell]] = [
        [setting.name, name, spent, spread]
        for setting in settings
        for name, curve in curves(setting).items()
        for spent, spread in zip(curve.along.tolist(), curve.spreads, strict=True)
    ]
    metric = settings[0].metric if settings else words(ACCURACY)
    over = AXES[settings[0].over if settings else LABELS].title
    header = ["setting", "strategy", over, metric]
    return Table("curves", "Learning curves", header, rows)
