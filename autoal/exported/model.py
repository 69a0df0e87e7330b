"""A trained model without its run: it predicts new rows without the data set."""

from __future__ import annotations

import json
from collections.abc import Collection, Mapping, Sequence
from hashlib import sha256
from pathlib import Path
from typing import Any, NamedTuple

import torch
from torch import Tensor, nn

from autoal.building import TARGET, build, demand_class, demand_trusted
from autoal.data.contract import Data
from autoal.data.reader import Reader, rebuilt
from autoal.data.rows import Rows
from autoal.encoders.encoded import Encoded, encoded_rows
from autoal.encoders.encoder import Encoder
from autoal.errors import UserError
from autoal.exported.place import model_folder
from autoal.exported.preprocessing import preprocessing_of, preprocessing_state
from autoal.exported.readme import readme
from autoal.exported.texts import in_utf8
from autoal.model.estimator import SklearnLearner
from autoal.model.learner import Learner
from autoal.model.own import LightningLearner, TorchLearner
from autoal.model.prompted import Prompted
from autoal.model.task import Task
from autoal.model.trained import Trained, learner_of
from autoal.model.training import Training
from autoal.model.weights import weights_follow
from autoal.record.layout import MODEL_FACTS as FACTS
from autoal.record.layout import MODEL_README as README
from autoal.record.layout import MODEL_WEIGHTS as WEIGHTS
from autoal.record.states import packed, unpacked
from autoal.record.whole import write_whole, writing
from autoal.seeding import seeded
from autoal.settings import Settings, plain

FORMAT = 1  # of the folder; this version may not understand later ones


class Predictions(NamedTuple):
    """A model's predictions for named rows."""

    names: list[str]
    probs: Tensor  # (n, classes)


class Model:
    """A trained model, and the processing of new rows on their way to it.

    Args:
        classes: their names.
        reader: reads new rows.
        learner: predicts them.
        encoder: encodes them in between; None leaves them unchanged.
        device: where the encoder runs.
    """

    def __init__(
        self,
        classes: Sequence[str],
        reader: Reader,
        learner: Learner,
        encoder: Encoder | None = None,
        device: torch.device | None = None,
    ) -> None:
        self.classes = tuple(classes)
        self.reader = reader
        self.learner = learner
        self.encoder = encoder
        self.device = device or torch.device("cpu")

    @classmethod
    def of(cls, data: Data, learner: Learner) -> Model:
        """The current model of an experiment."""
        encoder = data.encoder if isinstance(data, Encoded) and data.encoder.new_rows else None
        device = data.device if isinstance(data, Encoded) else None
        return cls(data.classes, data.reader(), learner, encoder, device)

    @classmethod
    def read(
        cls, path: Path | str, training: Training | None = None, *, trust: Collection[str] = ()
    ) -> Model:
        """The model of a finished run.

        Of everything that its files name, only classes of tasks, learners, encoders and networks
        are called, and only from AutoAL, installed plugins or already imported modules.

        Args:
            path: of the run's folder, or of its folder `model`, wherever that was copied.
            training: how predictions use the machine; by default whatever is available.
            trust: further packages that may be imported, such as your own.
        """
        folder = model_folder(Path(path).expanduser())
        with seeded(0, "read"), weights_follow():
            try:
                facts, kept = _content(folder)
                for group in ("task", "encoder"):
                    demand_trusted(facts[group] or {}, group, trust)
                _demand_kinds(facts)
                return _built(facts, kept, training or Training())
            except (KeyError, TypeError, AttributeError, RuntimeError) as error:
                raise UserError(f"{folder} does not fit together: {error!r}") from error

    def predict(self, inputs: Any) -> Tensor:
        """Class probabilities of new rows, (n, classes).

        Args:
            inputs: a tensor, an array, a data frame or a list of rows like those of the data.
        """
        return self.predict_rows(self.reader.of(inputs))

    def predict_files(self, paths: Path | str | Sequence[Path | str]) -> Predictions:
        """Class probabilities of all rows in files and folders, with the rows' names."""
        every = [paths] if isinstance(paths, Path | str) else paths
        rows = self.reader.read([Path(path) for path in every])
        return Predictions(rows.named(torch.arange(len(rows))), self.predict_rows(rows))

    def predict_rows(self, rows: Rows) -> Tensor:
        """Class probabilities of rows as the data set stores them, (n, classes)."""
        return self.predict_encoded(self.encoded(rows))

    def encoded(self, rows: Rows) -> Rows:
        """Rows after the encoder, if there is one."""
        if self.encoder is None or not len(rows):
            return rows
        return encoded_rows(self.encoder, rows, self.device)

    def predict_encoded(self, rows: Rows) -> Tensor:
        """Class probabilities of rows that have already passed the encoder, if there is one."""
        if not len(rows):
            return torch.zeros(0, len(self.classes))
        rows = self.learner.place(rows)
        return self.learner.look(rows, torch.arange(len(rows)), 0).probs.cpu()


def export(
    folder: Path,
    data: Data,
    learner: Learner,
    *,
    task: Mapping[str, Any],
    encoder: Mapping[str, Any] | None = None,
    about: Mapping[str, Any] | None = None,
) -> None:
    """Write a trained model to disk, with everything that `Model.read` needs.

    Args:
        folder: where to; a model in there is replaced.
        data: the data that the learner was taught.
        learner: the trained learner.
        task: the section of the settings that builds such a learner.
        encoder: the section that builds the encoder of the data, if there is one.
        about: further facts: rounds, labels, metrics, versions.
    """
    model = Model.of(data, learner)
    if isinstance(learner, TorchLearner | LightningLearner | SklearnLearner):
        raise UserError(
            f"a {type(learner).__name__} is built by your code, not by a section: keep its "
            "state_dict(), or take experiment.model(), which predicts as long as the program runs"
        )
    if isinstance(learner, Prompted):
        raise UserError(
            "task=prompt has no model of its own, as the language model is asked at every "
            "prediction: from Python, experiment.model() predicts as long as the program runs"
        )
    kept = {
        "learner": learner.state_dict(),
        "encoder": {} if model.encoder is None else model.encoder.state_dict(),
        "preprocess": preprocessing_state(_preprocess(data, learner)),
        "reader": model.reader.state_dict(),
    }
    weights = packed(kept)
    facts = plain(
        {
            "format": FORMAT,
            "classes": model.classes,
            "shape": data.train.shape,
            "task": task,
            "encoder": None if model.encoder is None else encoder or {},
            **(about or {}),
            "weights": sha256(weights).hexdigest(),
        }
    )
    _demand_kinds(facts)
    with writing(folder / FACTS):
        (folder / FACTS).unlink(missing_ok=True)  # a model is complete or absent
    write_whole(folder / WEIGHTS, weights)
    write_whole(folder / README, in_utf8(readme(facts)))
    write_whole(folder / FACTS, json.dumps(facts, indent=2).encode())


def _content(folder: Path) -> tuple[dict[str, Any], dict[str, Any]]:
    """The facts and the weights, checked to belong together."""
    try:
        facts = json.loads((folder / FACTS).read_bytes())
        weights = (folder / WEIGHTS).read_bytes()
        if facts["format"] != FORMAT:
            raise UserError(f"{folder} is of format {facts['format']}, and this reads {FORMAT}")
        if sha256(weights).hexdigest() != facts["weights"]:
            raise UserError(
                f"{folder / WEIGHTS} is damaged, or belongs to another {FACTS}: copy it again"
            )
        return facts, unpacked(weights, folder / WEIGHTS)
    except OSError as error:
        raise UserError(f"cannot read {error.filename}: {error.strerror}") from error
    except (ValueError, KeyError, TypeError, RecursionError) as error:
        if isinstance(error, UserError):
            raise
        raise UserError(f"{folder / FACTS} does not describe a model: {error!r}") from error


def _built(facts: Mapping[str, Any], kept: Mapping[str, Any], training: Training) -> Model:
    learner = learner_of(
        facts["task"],
        shape=tuple(facts["shape"]),
        classes=len(facts["classes"]),
        preprocess=preprocessing_of(kept["preprocess"]),
        training=training,
    )
    learner.load_state_dict(kept["learner"])
    encoder = None
    if facts["encoder"] is not None:
        encoder = build(facts["encoder"])
        encoder.load_state_dict(kept["encoder"])
    return Model(facts["classes"], rebuilt(kept["reader"]), learner, encoder, training.device)


def _preprocess(data: Data, learner: Learner) -> nn.Module:
    """The preprocessing of rows before training: a task's own, or else recomputed by the data."""
    return learner.task.preprocess if isinstance(learner, Trained) else data.preprocess()


def _demand_kinds(facts: Mapping[str, Any]) -> None:
    """Refuse facts that would call anything but the parts of a model."""
    _demand_classes(facts["task"], "task", Task, Learner)
    if facts["encoder"] is not None:
        _demand_classes(facts["encoder"], "encoder", Encoder)


def _demand_classes(section: Settings, where: str, *kinds: type) -> None:
    """Refuse a section of another kind, and inner sections that are not networks."""
    demand_class(section, where, *kinds)
    for key, value in section.items():
        if isinstance(value, dict) and TARGET in value:
            _demand_classes(value, f"{where}.{key}", nn.Module)
