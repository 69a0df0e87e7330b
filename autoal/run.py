"""One run: builds its parts, does and keeps its rounds, shows its results."""

from __future__ import annotations

import sys
from contextlib import closing, nullcontext
from functools import partial
from pathlib import Path
from typing import Any, NamedTuple

import torch

from autoal.blame import blaming, refused
from autoal.building import TARGET, build, demand_class, located
from autoal.costing import costs_of, demand_counted, demand_labels, demand_told
from autoal.cycle import startfile
from autoal.cycle.experiment import Experiment
from autoal.cycle.hooks import GrowthRule, StopRule
from autoal.cycle.plan import Plan
from autoal.cycle.rounds import demand_fit, go_on, rounds
from autoal.data.contract import Data
from autoal.data.rows import Rows
from autoal.encoders.encoded import Encoded
from autoal.encoders.encoder import Encoder
from autoal.errors import UserError
from autoal.exported.model import export
from autoal.exported.place import is_model_of
from autoal.exported.texts import printable
from autoal.growth.annotator import answering, inside
from autoal.language.client import Client
from autoal.language.section import client_of
from autoal.model.learner import Learner
from autoal.model.ranks import Ranks
from autoal.model.trained import learner_of
from autoal.model.training import Training
from autoal.oracles.asks import Asks
from autoal.oracles.priced import Priced
from autoal.oracles.question import Oracle, asks_people, layers
from autoal.oracles.truth import TrueLabels
from autoal.plugins import STRATEGIES, parameters
from autoal.progress import hidden, shown_by
from autoal.query import registry
from autoal.query.strategy import QueryStrategy
from autoal.record.failure import keep_failure
from autoal.record.finished import finished_rounds
from autoal.record.folder import RunFolder
from autoal.record.layout import MODEL, POOL
from autoal.record.memory import keep_peaks
from autoal.record.sink import Sink, Sinks
from autoal.record.sweep import Sweep
from autoal.record.terminal import Terminal, summary
from autoal.record.versions import versions
from autoal.report.finished import show_results, write_results
from autoal.screen import Screen
from autoal.settings import FEATURES, Settings

HUMAN = "human"  # in an oracle's section: who answers in its place
TRUTH = {TARGET: "autoal.oracles.truth.TrueLabels"}


class Parts(NamedTuple):
    """The parts of a run."""

    experiment: Experiment
    oracle: Oracle
    language: Client | None


def run(settings: Settings, *, keep_refusals: bool = False) -> None:
    """Build the parts, do the remaining rounds, and show the results.

    Args:
        settings: completed.
        keep_refusals: write a refusal into the run's folder, for the report on a sweep; a single
            refused run leaves nothing.
    """
    ranks = _ranks(settings)
    if ranks is not None and not ranks.first:
        with shown_by(hidden):
            ranks.follow()
        return
    console = Screen(markup=False)  # brackets in names are not markup
    path = Path(settings["out"], settings["name"])
    try:
        with blaming(settings):
            if keep_refusals and ranks is not None and not ranks.started_outside:
                raise UserError(
                    "a sweep uses one device per run: leave out -m, or trainer.devices="
                )
            built = parts(settings)
            if keep_refusals and asks_people(built.oracle):
                raise UserError("only one run at a time can ask people: leave out -m")
            _demand_server(built, path)
    except Exception as error:
        if keep_refusals:
            keep_failure(path, error)
        raise
    about = {**versions(), "strategy": STRATEGIES.origin(settings["strategy"]["name"])}
    leading = nullcontext() if ranks is None else ranks.lead()
    with RunFolder(path, settings, about) as folder, blaming(settings), leading:
        if built.language:
            built.language.paid_by(folder.id)
        demand_fit(built.experiment, folder)
        if remembered := built.experiment.data.remembered():
            folder.renew(folder.path / POOL, remembered)
        if built.experiment.plan.over(len(folder.rounds)):
            _keep_model(built, folder)
        else:
            _go_on(built, folder, console)
        write_results(folder)
        if sweep := Sweep.current():
            told = f"{sweep.add(path)}  {path.name}  {summary(folder.rounds[-1])}"
            console.print(told, highlight=False, soft_wrap=True)
        else:
            show_results(console, folder)
        _list_declined(console, built.experiment.rows, folder)


def parts(settings: Settings) -> Parts:
    """The experiment and its oracle; everything refusable is refused here."""
    with refused(settings):
        path = Path(settings["out"], settings["name"])
        plan = Plan.of(settings)
        language = client_of(settings)
        strategy = _strategy(settings, "strategy", language)
        training = _training(settings)
        _demand_hidden_labels(settings)
        known = RunFolder.remembered(path, settings)
        data = encoded(settings, data_set(settings, known), training.device)
        learner = _learner(settings, data, training, language)
        facts = {"data": data, "plan": plan, "folder": path, "language": language}
        growth = _growth(settings, training=training, **facts)
        costs, stop = costs_of(settings), _stop(settings)
        experiment = Experiment(
            data,
            learner,
            strategy,
            plan,
            start=_start(settings, data, language),
            stop=stop,
            growth=growth,
            costs=costs,
            seed=settings["seed"],
        )
        oracle = _oracle(
            settings["oracle"],
            "oracle",
            growth is not None,
            settings["seed"],
            labels=data.train.labels,
            strategy=strategy,
            data=data,
            folder=path,
            language=language,
            learner=learner,
        )
        oracle = _asking(
            settings, oracle, learner=learner, strategy=strategy, data=data, seed=settings["seed"]
        )
        if growth is not None:
            oracle = answering(oracle, growth, data, training)
        if costs is not None:
            demand_told(costs, oracle, grows=growth is not None)
            oracle = Priced(oracle, costs)
        demand_counted(stop, costs, oracle)
        demand_labels(plan, oracle)
    return Parts(experiment, oracle, language)


def resumed(path: Path | str) -> Parts:
    """The experiment of a run folder, after its last finished round, and its oracle."""
    with closing(RunFolder.reopened(Path(path))) as folder:
        built = parts(folder.config)
        go_on(built.experiment, folder)
    return built


def _training(settings: Settings) -> Training:
    with refused(settings):
        demand_class(settings["trainer"], "trainer", Training)
        training: Training = build(settings["trainer"], "trainer")
    return training


def _ranks(settings: Settings) -> Ranks | None:
    """The processes that compute a run together; None for a single one."""
    training = _training(settings)
    return training.ranks() if training.several else None


def _strategy(settings: Settings, group: str, language: Client | None) -> QueryStrategy:
    section = settings[group]
    options = {key: value for key, value in section.items() if key not in ("name", "size")}
    return registry.build(section["name"], group, language, **options)


def _start(
    settings: Settings, data: Data, language: Client | None
) -> QueryStrategy | list[int] | None:
    """The chooser of the start, or its rows; None means a plain random draw."""
    section = settings["start"]
    if section["name"] == "random":
        return None
    if section["name"] == startfile.NAME:
        path = Path(section["path"]).expanduser()
        names = data.train.named(torch.arange(len(data.train)))
        return startfile.rows_of(path, startfile.read(path), names)
    return _strategy(settings, "start", language)


def _oracle(section: Settings, where: str, growing: bool, seed: int, **facts: Any) -> Oracle:
    """The oracle; one with another inside it receives the one that its section names.

    Args:
        section: the one that names it.
        where: the section stands.
        growing: whether it is also asked about made rows.
        seed: for its draws, unless its section sets one.
        facts: what the engine knows.
    """
    human = _human(section)
    options = {name: value for name, value in section.items() if name != HUMAN}
    if options.get("seed", seed) is None:
        options["seed"] = seed
    inner = _oracle(human, f"{where}.{HUMAN}", growing, seed, **facts) if human else None
    if growing and inner is not None:
        inner = inside(inner)
    oracle: Oracle = build(options, where, oracle=inner, **facts)
    if not callable(oracle):
        raise UserError(f"{where}: {section[TARGET]} must be called with a Question")
    return oracle


def _asking(settings: Settings, oracle: Oracle, **facts: Any) -> Oracle:
    """The oracle, asked in the way that `questions` says."""
    if not settings.get("questions"):  # older runs have no such section
        return oracle
    demand_class(settings["questions"], "questions", Asks)
    asking: Asks = build(settings["questions"], "questions", oracle=oracle, **facts)
    return asking


def _human(section: Settings) -> Settings:
    """The section inside an oracle: as named there, or else the truth; {} for nobody."""
    inside_it = "oracle" in parameters(located(section.get(TARGET, "")))
    return section.get(HUMAN, TRUTH) if inside_it else {}


def _demand_hidden_labels(settings: Settings) -> None:
    """Refuse to simulate with data whose labels are known from the beginning."""
    data, section = located(settings["data"].get(TARGET, "")), settings["oracle"]
    while human := _human(section):
        section = human
    if located(section[TARGET]) is TrueLabels and getattr(data, "labels_count", False):
        raise UserError(
            "oracle=truth needs labels that a data set hides, and those of this one count from "
            "the beginning: let people answer, or simulate with data=folder, npz or table"
        )


def _demand_server(built: Parts, path: Path) -> None:
    """Refuse a language model that does not answer while there are rounds to do."""
    if built.language and not built.experiment.plan.over(len(finished_rounds(path)[1])):
        built.language.check()


def _stop(settings: Settings) -> StopRule | None:
    if not settings["stop"]:
        return None
    demand_class(settings["stop"], "stop", StopRule)
    return build(settings["stop"], "stop")


def _growth(settings: Settings, **facts: Any) -> GrowthRule | None:
    if not settings.get("growth"):  # older runs have no such section
        return None
    demand_class(settings["growth"], "growth", GrowthRule)
    return build(settings["growth"], "growth", seed=settings["seed"], **facts)


def data_set(settings: Settings, known: bytes = b"") -> Data:
    """The data set of a run, before any encoder.

    Args:
        settings: of the run.
        known: what the run remembers about the rows.
    """
    with refused(settings):
        demand_class(settings["data"], "data", Data)
        data: Data = build(settings["data"], "data")
        data.known = known
        data.setup()
    return data


def encoded(settings: Settings, data: Data, device: torch.device) -> Data:
    """The data set after the run's encoder, if there is one."""
    if not settings["encoder"]:
        return data
    demand_class(settings["encoder"], "encoder", Encoder)
    encoder: Encoder = build(settings["encoder"], "encoder")
    return seen_by(encoder, data, device, settings.get("features", FEATURES[0]))


def seen_by(encoder: Encoder, data: Data, device: torch.device, features: str) -> Data:
    """The data set after this encoder; unchanged if the encoder leaves such rows.

    Args:
        encoder: encodes the rows.
        data: of the run.
        device: where it runs.
        features: the precision of stored features; older runs name none, and have single.
    """
    if encoder.leaves(data.train):
        return data
    seen = Encoded(data, encoder, device, features)
    seen.setup()
    return seen


def _learner(
    settings: Settings, data: Data, training: Training, language: Client | None
) -> Learner:
    return learner_of(
        settings["task"],
        shape=data.train.shape,
        classes=len(data.classes),
        class_names=data.classes,
        preprocess=data.preprocess(),
        training=training,
        language=language,
        words=data.words,
    )


def _keep_model(built: Parts, folder: RunFolder) -> None:
    """Write the trained model, unless the last round's is there already."""
    place, experiment, last = folder.path / MODEL, built.experiment, folder.rounds[-1]
    if is_model_of(place, folder.id, last.number):
        return
    try:
        if not experiment.history:
            go_on(experiment, folder)
        export(
            place,
            experiment.data,
            experiment.learner,
            task=folder.config["task"],
            encoder=folder.config["encoder"],
            about={
                "run": folder.id,
                "rounds": last.number,
                "labels": last.labelled,
                "metrics": last.metrics,
                "versions": versions(),
            },
        )
    except UserError as error:  # the rounds are safe, and should be shown
        print(f"{place} is not written: {error}", file=sys.stderr)


def _list_declined(console: Screen, rows: Rows, folder: RunFolder) -> None:
    """Name the rows that nobody could label."""
    declined = [row for done in folder.rounds for row in done.declined if row < len(rows)]
    if declined:
        names = printable(", ".join(rows.named(torch.tensor(declined))), console.encoding)
        console.print(f"declined: {names}", highlight=False, soft_wrap=True)


def _go_on(built: Parts, folder: RunFolder, console: Screen) -> None:
    """Do the rounds that are not in the folder yet, and report each."""
    experiment, logger = built.experiment, folder.config["logger"]
    own = bool(experiment.data.labels_count)  # rows whose labels nobody knows yet
    terminal = Terminal(
        console, folder.path.name, experiment.plan.rounds, folder.rounds, Sweep.current()
    )
    with Sinks() as sinks, shown_by(terminal.work):
        experiment.sink = sinks
        sinks.add(terminal)
        if logger:
            tell: Any = partial(console.print, highlight=False, soft_wrap=True)
            asking = asks_people(built.oracle)
            known = {"folder": folder, "experiment": experiment, "tell": tell, "asking": asking}
            sinks.add(build(logger, "logger", **known))
        for layer in layers(built.oracle):
            if isinstance(layer, Sink):
                sinks.add(layer)
        for done in rounds(experiment, built.oracle, folder):
            sinks.end(done)
            keep_peaks(folder)
            if own and done.metrics:  # people may stop at any time
                _keep_model(built, folder)
        if not own:
            _keep_model(built, folder)
        sinks.done()
