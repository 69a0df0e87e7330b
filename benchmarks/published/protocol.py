"""The published protocol, on a set of the same shape that is a fraction of its size."""

from copy import copy
from dataclasses import dataclass, replace
from functools import cache
from typing import Any

import torch
from autoal.datamodules.npz import Npz
from hydra import compose, initialize_config_dir
from omegaconf import OmegaConf
from torch.nn.functional import adaptive_avg_pool2d

from autoal import Data, Experiment, Oracle, Plan, Rows, Trained, Training, TrueLabels
from autoal.config import CONFIGS, register
from autoal.model.trained import learner_of
from autoal.query import registry
from autoal.seeding import seeded
from autoal.settings import Settings
from benchmarks.published.passes import Counted
from benchmarks.quality.sets import drawn, given

PRESET = "paper_cifar10"
FILE = "cifar10_10k.npz"
PART = 25  # how much larger the published set is, and its batches
POOL = 50_000 // PART
SIDE = 32  # size of the published images


@dataclass(frozen=True)
class Scale:
    """How much of the protocol to run.

    Args:
        size: side of the images; ResNet-18 reads 8 at least.
        epochs: share of those of the learner and of the published search.
        rounds: the first so many of its queries.
    """

    size: int
    epochs: float
    rounds: int

    def __str__(self) -> str:
        return f"{POOL:,} images of {self.size} x {self.size}, {self.epochs:g} of all epochs"

    @property
    def folder(self) -> str:
        """The folder of its runs."""
        return f"{self.size}-{self.epochs:g}-{self.rounds}"

    def share(self, epochs: int) -> int:
        """This many of the epochs, but at least one."""
        return max(1, round(self.epochs * epochs))


def settings_of(strategy: str, scale: Scale) -> Settings:
    """The preset's settings for a run with this strategy, at a scale."""
    settings = preset(strategy)
    settings["start"]["size"] //= PART
    settings["budget"] //= PART
    settings["rounds"] = scale.rounds
    settings["data"]["crop"] = settings["data"]["crop"] * scale.size // SIDE
    settings["task"]["epochs"] = scale.share(settings["task"]["epochs"])
    options = settings["strategy"]
    if options.get("road") == "paper":
        options["steps"] = scale.share(options["steps"])
        options["paper"]["warmup"] = scale.share(options["paper"]["warmup"])
    return settings


def preset(strategy: str) -> Settings:
    """The published settings with this strategy."""
    register()
    with initialize_config_dir(version_base="1.3", config_dir=str(CONFIGS)):
        chosen = [f"experiment={PRESET}", f"strategy={strategy}", "logger=none"]
        composed = compose("train", chosen)
    plain: Any = OmegaConf.to_container(composed, resolve=True)
    return plain


def plan_of(settings: Settings) -> Plan:
    """The start, budget and rounds of these settings."""
    return Plan(settings["start"]["size"], settings["budget"], settings["rounds"])


def experiment(strategy: str, scale: Scale, device: str, seed: int) -> tuple[Experiment, Oracle]:
    """A run that has not begun, which notes how many images pass through networks."""
    settings = settings_of(strategy, scale)
    data = pool_of(settings["data"], scale.size, seed)
    learner = _learner(settings["task"], data, Training(accelerator=device), seed)
    name = settings["strategy"].pop("name")
    chooses = registry.build(name, **settings["strategy"])
    made = Experiment(data, learner, chooses, plan_of(settings), seed=seed)
    made.strategy = Counted(made.strategy, learner)  # not a copy, which would lose the learner
    return made, TrueLabels(data.train.labels)


def _learner(section: Settings, data: Data, training: Training, seed: int) -> Trained:
    with seeded(seed, "task"):
        learner = learner_of(
            section,
            shape=data.train.shape,
            classes=len(data.classes),
            preprocess=data.preprocess(),
            training=training,
        )
    assert isinstance(learner, Trained)
    return learner


def pool_of(section: Settings, size: int, seed: int) -> Data:
    """The images at this size with the pool that a seed draws, augmented as the section says."""
    data = copy(whole(size, section["crop"], section["flip"]))
    data.train = drawn(data.train, POOL, seed)
    return data


@cache
def whole(size: int, crop: int, flip: bool) -> Data:
    """All images of the file."""
    data = Npz(str(given(FILE)), crop=crop, flip=flip)
    data.setup()
    assert data.test is not None
    data.train, data.test = shrunk(data.train, size), shrunk(data.test, size)
    return data


def shrunk(rows: Rows, size: int) -> Rows:
    """The images at another size; a pixel is the mean of those it replaces."""
    pixels = adaptive_avg_pool2d(rows.inputs.float(), size)
    return replace(rows, inputs=pixels.round().to(torch.uint8))
