"""What stands in the report: the sections in their order."""

from collections.abc import Iterator, Mapping, Sequence

from autoal.palette import places
from autoal.report import behaviour, crowds, figures, growing, mixtures, outcomes, spending, wording
from autoal.report.beside import side_by_side
from autoal.report.checklist import checklist
from autoal.report.comparisons import against_baseline
from autoal.report.faults import Fault
from autoal.report.groups import Setting, by_baseline
from autoal.report.measures import Curve
from autoal.report.metric import ACCURACY, words
from autoal.report.overview import differences, left_to_gain, overview
from autoal.report.page import Charts, Section, Statement
from autoal.report.pictures import queried
from autoal.report.svg import Figure
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
        Section("A benchmark to be trusted", [checklist(settings)]),
    ]
    first = [overview(settings, names)] if several else []
    return [*first, verdict(settings, against, faults), *_full(found)]


def _full(found: Sequence[Section]) -> list[Section]:
    """Those that have something to show; why the others have nothing is told at the end."""
    empty = [Statement(section.title, section.nothing) for section in found if section.nothing]
    last = [Section("Not in these runs", [*empty])] if empty else []
    return [*(section for section in found if not section.nothing), *last]


def contender_names(settings: Sequence[Setting]) -> list[str]:
    """All contenders, each once, in the order in which they are shown everywhere."""
    return sorted({name for setting in settings for name in setting.contenders}, key=by_baseline)


def _notes(faults: Sequence[Fault]) -> Section:
    if not faults:
        return Section("Notes", ["Every run was read, is finished and fits the others."])
    rows: list[list[Cell]] = [[fault.kind, fault.where, fault.what] for fault in faults]
    return Section("Notes", [Table("faults", "Notes", ["kind", "where", "what"], rows)])


def _curves(settings: Sequence[Setting], colours: figures.Colours) -> Section:
    text = (
        f"The mean {settings[0].metric} over the labelled rows, and a band of one standard "
        "deviation over the seeds; below it over money, where labels do not all cost one, and over "
        "the seconds that they took, where that is told. What gave it stands at its axis."
    )
    drawn = [figure for setting in settings for figure in _drawn(setting, colours)]
    return Section("Learning curves", [text, *drawn])


def _drawn(setting: Setting, colours: figures.Colours) -> Iterator[Figure | Charts]:
    """The curves over labels, and over what they cost where that says something else."""
    yield _charts(setting, setting.name, curves(setting), colours, figures.LABELS)
    for what, spent in costly_curves(setting).items():
        yield _charts(setting, f"{setting.name}, over {what}", spent, colours, what)


def _charts(
    setting: Setting, title: str, found: Mapping[str, Curve], colours: figures.Colours, below: str
) -> Figure | Charts:
    """One chart of all curves, the best first; of many, each beside it as well."""
    best_first = {name: found[name] for name in setting.ranked}
    beside = f"{setting.metric}, {setting.judges}"
    whole = figures.learning_curves(title, best_first, colours, beside, below)
    each = figures.one_by_one(title, best_first, colours)
    return Charts(whole, each) if each else whole


def costly_curves(setting: Setting) -> dict[str, dict[str, Curve]]:
    """The curves over money and over seconds, as far as they say something else than labels do."""
    kinds = (
        (figures.MONEY, spending.priced(setting), Curve.over_money),
        (figures.TIME, spending.timed(setting), Curve.over_time),
    )
    return {
        what: {name: over(runs) for name, runs in setting.contenders.items()}
        for what, told, over in kinds
        if told
    }


def curves(setting: Setting) -> dict[str, Curve]:
    """The curve of every contender."""
    return {name: Curve.of(runs) for name, runs in setting.contenders.items()}


def cost_table(settings: Sequence[Setting]) -> Table:
    """The points of all learning curves over money and over seconds."""
    rows: list[list[Cell]] = [
        [setting.name, name, what, spent, spread]
        for setting in settings
        for what, found in costly_curves(setting).items()
        for name, curve in found.items()
        for spent, spread in zip(curve.along.tolist(), curve.spreads, strict=True)
    ]
    header = ["setting", "strategy", "over", "spent", _metric(settings)]
    return Table("curves_over_costs", "Learning curves over costs", header, rows)


def _metric(settings: Sequence[Setting]) -> str:
    return settings[0].metric if settings else words(ACCURACY)


def curve_table(settings: Sequence[Setting]) -> Table:
    """The points of all learning curves."""
    rows: list[list[Cell]] = [
        [setting.name, name, labelled, spread]
        for setting in settings
        for name, curve in curves(setting).items()
        for labelled, spread in zip(curve.along.tolist(), curve.spreads, strict=True)
    ]
    header = ["setting", "strategy", "labelled", _metric(settings)]
    return Table("curves", "Learning curves", header, rows)
