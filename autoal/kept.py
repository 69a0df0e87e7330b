"""A run in its folder, finished or not, opened for reading."""

from __future__ import annotations

from collections.abc import Callable, Collection
from copy import deepcopy
from dataclasses import replace
from functools import cached_property
from pathlib import Path

import torch
from torch import Tensor

from autoal.building import TARGET, demand_trusted
from autoal.cycle.growing import unpacked
from autoal.cycle.history import demand_same_data
from autoal.data.contract import Data
from autoal.data.rows import UNKNOWN, Rows
from autoal.data.texts import are_texts, parts_of
from autoal.errors import UserError, about
from autoal.exported.batches import Batch, batches
from autoal.exported.labelled import Labelled
from autoal.exported.model import Model
from autoal.exported.place import is_model_of
from autoal.people.deciding import deciding
from autoal.people.events import heard
from autoal.record.config import read_config
from autoal.record.finished import finished_rounds
from autoal.record.kinds import MAPPING
from autoal.record.layout import CONFIG, LABELS, MODEL, POOL, has_labels, state_of
from autoal.record.states import read_state, same_states
from autoal.run import data_set, encoded, seen_by
from autoal.settings import FEATURES, Settings

BUILT = ("data", "encoder")  # sections of its settings that are built here
TOLD = ("strategy", "start")  # sections that say who chose rows


class KeptRun:
    """The rounds of a run, its data, its labels and its model.

    Args:
        path: of its folder.
        trust: packages in the run's files that may be imported.
    """

    def __init__(self, path: Path, trust: Collection[str] = ()) -> None:
        config = read_config(path / CONFIG)
        with about(path / CONFIG):
            self.sections = {name: _section(name, config.settings) for name in BUILT + TOLD}
            self.features = config.settings.get("features", FEATURES[0])
        if TARGET not in self.sections["data"]:
            raise UserError(
                f"the run in {path} used a program's own data, which is not available here"
            )
        _, self.history = finished_rounds(path)
        if not self.history:
            raise UserError(f"no round is done yet in {path}{_begun(path)}")
        for name in BUILT:
            demand_trusted(self.sections[name], name, trust)
        self.path = path
        self.trust = trust
        self.id: str = config.about["id"]

    @cached_property
    def data(self) -> Data:
        """The data set, before any encoder, with its rows' numbers in the run.

        Made rows follow those of the data.
        """
        pool = self.path / POOL
        data = data_set(self.sections, pool.read_bytes() if pool.is_file() else b"")
        state = read_state(state_of(self.path, self.history[-1].number))
        demand_same_data(data, state.get("data"))
        for made in map(unpacked, state.get("made", [])):
            data.train = data.train.joined(_unencoded(data, made))
        return data

    @property
    def real(self) -> int:
        """How many rows are the data set's own; others were made."""
        return len(self.data.train) - sum(done.made for done in self.history)

    @cached_property
    def labelled(self) -> Labelled:
        """All rows that have a label."""
        names = dict(enumerate(self.data.classes))
        told = {row: label for done in self.history for row, label in done.told.items()}
        agreed = {row: names.get(label, "") for row, label in told.items()}
        return Labelled(self.data, self.history, deciding(self.path / LABELS, agreed), self.real)

    @property
    def unlabelled(self) -> Tensor:
        """The numbers of all other rows of the pool, ascending, including declined ones."""
        mask = torch.ones(len(self.data.train), dtype=torch.bool)
        mask[self.labelled.numbers] = False
        if self.data.labels_count:
            mask &= self.data.train.labels == UNKNOWN
        return mask.nonzero().flatten()

    @property
    def model(self) -> Model:
        """The existing model, maybe of an earlier round; refused if there is none yet."""
        return Model.read(self.path, trust=self.trust)

    @property
    def last_model(self) -> Model | None:
        """The model of the last round; None if it is missing."""
        there = is_model_of(self.path / MODEL, self.id, self.history[-1].number)
        return self.model if there else None

    @property
    def name(self) -> str:
        """The name of the run."""
        return self.path.resolve().name

    @property
    def source(self) -> Path | None:
        """The folder below which rows of the data set may be named by files."""
        path = self.sections["data"].get("path")
        if path is None:
            return None
        found = Path(path).expanduser()
        return found.parent if found.is_file() else found

    def batches(self) -> list[Batch]:
        """The questions of each round."""
        start, strategy = (
            str(self.sections[name].get("name", "")) for name in ("start", "strategy")
        )
        return batches(
            self.data,
            self.labelled,
            self.history,
            heard(self.path / LABELS),
            start=start,
            strategy=strategy,
        )

    def read_by(self, model: Model, rows_of: Callable[[Data], list[Rows]]) -> list[Rows]:
        """Some rows of the data set in the form that a model's learner reads.

        The encoder's features are in the cache. If the pool has grown since the model was trained,
        these do not fit, as the encoder learnt from the pool: then the model's own encoder is used.

        Args:
            model: of this run.
            rows_of: takes them from the data set, encoded or not.
        """
        if model.encoder is not None and len(self.data.train) > self.real:
            return [model.encoded(rows) for rows in rows_of(self.data)]  # not cached
        if model.encoder is None:
            settings = {**self.sections, "features": self.features}
            return rows_of(encoded(settings, self.data, model.device))
        encoder = deepcopy(model.encoder)
        seen = seen_by(encoder, self.data, model.device, self.features)
        if same_states(encoder.state_dict(), model.encoder.state_dict()):
            return rows_of(seen)
        return [model.encoded(rows) for rows in rows_of(self.data)]


def _unencoded(data: Data, made: Rows) -> Rows:
    """Made rows in the data set's form before any encoder."""
    if not are_texts(data.train):
        return made
    rows = data.reader().of(parts_of(made))
    return replace(rows, names=made.names, keys=made.keys)


def _begun(path: Path) -> str:
    """A hint at people's answers in the first round, if there are any."""
    return f": the answers so far are in {path / LABELS}" if has_labels(path) else ""


def _section(name: str, settings: Settings) -> Settings:
    """A section of the settings; empty if a run, such as an older one, lacks it."""
    section: Settings | None = settings.get(name)
    if section is None:
        return {}
    MAPPING.demand(name, section)
    return section
