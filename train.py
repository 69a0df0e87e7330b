"""Run one active-learning experiment, or go on with it: `python train.py --help`."""

# Nothing that brings torch is imported up here, so that a misspelt option is refused at once.
import sys
from contextlib import closing
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

from autoal.command import build, in_sweep, main, refused
from autoal.errors import unknown
from autoal.record.failure import keep_failure
from autoal.settings import Settings

if TYPE_CHECKING:
    from rich.console import Console

    from autoal import ImageData, Training
    from autoal.record.folder import RunFolder

CONFIGS = Path(__file__).resolve().parent / "configs"


def experiment(settings: Settings) -> None:
    """Build the parts, do the rounds that are not done yet, and show the results."""
    from rich.console import Console

    from autoal import registry
    from autoal.record.folder import RunFolder
    from autoal.record.results import show_results, write_results
    from autoal.record.versions import versions

    console = Console(markup=False)  # a name with brackets is a name
    path = Path(settings["out"], settings["name"])
    try:
        parts = build_parts(settings)
    except Exception as error:
        if in_sweep():  # where the report tells it; a single run that is refused leaves nothing
            keep_failure(path, error)
        raise
    about = {**versions(), "strategy": registry.origin(settings["strategy"]["name"])}
    with RunFolder(path, settings, about) as folder:
        if len(folder.rounds) <= settings["rounds"]:
            go_on(parts, folder, console)
        write_results(folder)
        show_results(console, folder)


def build_parts(settings: Settings) -> dict[str, Any]:
    """The arguments of `rounds`; all that can be refused is refused here."""
    from autoal import Plan, TrueLabels, registry
    from autoal.cheating import Cheating
    from autoal.oracles.model import labeler

    with refused():
        plan = Plan(settings["start"], settings["budget"], settings["rounds"])
        strategy = registry.build(settings["strategy"])
        labels = labeler(settings["labeler"], strategy)
        training = build(settings["trainer"])
        task = dict(settings["task"])
        data = seen(build(settings["data"]), task, training)
        data.setup()
        plan.check(len(data.train))
        strategy.check(validation=data.validation.labels if data.validation else None)
        if isinstance(strategy, Cheating):
            strategy.check_pool(len(data.train))
    return {
        "data": data,
        "task": build(
            task,
            shape=data.shape,
            classes=len(data.classes),
            preprocess=data.preprocess(),
        ),
        "strategy": strategy,
        "oracle": TrueLabels(data.train.labels),
        "labeler": labels,
        "plan": plan,
        "seed": settings["seed"],
        "training": training,
    }


def seen(data: "ImageData", task: Settings, training: "Training") -> "ImageData":
    """The data set as the task's frozen backbone sees it; as it is, if the task has none."""
    from autoal.encoders.encoded import FrozenData

    name, known = task.pop("backbone", None), task.pop("backbones", {})
    if name is None:
        return data
    if name not in known:
        raise unknown("backbone", name, known)
    return FrozenData(data, build(known[name]), training.device)


def go_on(parts: dict[str, Any], folder: "RunFolder", console: "Console") -> None:
    """Go on after the last finished round, and keep every round before it is told."""
    from autoal import rounds
    from autoal.record.sink import Sinks
    from autoal.record.terminal import Terminal

    data, logger = parts["data"], folder.config["logger"]
    lasting = {"network": parts["task"].network, "strategy": parts["strategy"]}
    history = folder.rounds
    if history:
        state = folder.state()
        for name, part in lasting.items():
            part.load_state_dict(state[name])
    with closing(Sinks()) as sinks:
        sinks.add(Terminal(console, folder.path.name, parts["plan"].rounds, history))
        if logger:
            sinks.add(
                build(
                    logger,
                    folder=folder,
                    data=data,
                    tell=partial(console.print, highlight=False, soft_wrap=True),
                )
            )
        for done in rounds(**parts, history=history, sink=sinks):
            folder.add(done, {name: part.state_dict() for name, part in lasting.items()})
            sinks.end(done)


if __name__ == "__main__":
    sys.exit(main(experiment, CONFIGS))
