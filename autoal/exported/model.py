"""A trained model apart from its run: it predicts new rows without the data set."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from hashlib import sha256
from io import BytesIO
from pathlib import Path
from pickle import UnpicklingError
from typing import Any, NamedTuple

import torch
from torch import Tensor, nn

from autoal.building import TARGET, build, located
from autoal.data.contract import Data
from autoal.data.reader import Reader, rebuilt
from autoal.data.rows import Rows
from autoal.encoders.encoded import Encoded, encoded_rows
from autoal.encoders.encoder import Encoder
from autoal.errors import UserError
from autoal.exported.place import model_folder
from autoal.exported.preprocessing import preprocessing_of, preprocessing_state
from autoal.exported.readme import readme
from autoal.model.estimator import SklearnLearner
from autoal.model.learner import Learner
from autoal.model.own import LightningLearner, TorchLearner
from autoal.model.task import Task
from autoal.model.trained import learner_of
from autoal.model.training import Training
from autoal.model.weights import weights_follow
from autoal.record.layout import MODEL_FACTS as FACTS
from autoal.record.layout import MODEL_README as README
from autoal.record.layout import MODEL_WEIGHTS as WEIGHTS
from autoal.record.whole import write_whole, writing
from autoal.seeding import seeded

FORMAT = 1  # of the folder; a later one may not be understood by this version


class Predictions(NamedTuple):
    """What a model says of rows that have names."""

    names: list[str]
    probs: Tensor  # (n, classes)


class Model:
    """A trained model, and what new rows go through on their way to it.

    Args:
        classes: their names.
        reader: reads new rows.
        learner: predicts them.
        encoder: encodes them in between; None leaves them as they are.
        device: on which the encoder does.
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
        """The model of an experiment, as it is now."""
        encoder = data.encoder if isinstance(data, Encoded) and data.encoder.new_rows else None
        device = data.device if isinstance(data, Encoded) else None
        return cls(data.classes, data.reader(), learner, encoder, device)

    @classmethod
    def read(cls, path: Path | str, training: Training | None = None) -> Model:
        """The model of a finished run.

        Nothing that its files name is imported or called but classes of tasks, learners, encoders
        and networks.

        Args:
            path: of the run's folder, or of the folder `model` in it, wherever that was copied.
            training: the machine that predicts; the default takes what is there.
        """
        folder = model_folder(Path(path).expanduser())
        with seeded(0, "read"), weights_follow():
            try:
                return _built(*_content(folder), training or Training())
            except (KeyError, TypeError, AttributeError, RuntimeError) as error:
                raise UserError(f"{folder} does not fit together: {error!r}") from error

    def predict(self, inputs: Any) -> Tensor:
        """Class probabilities of new rows, (n, classes).

        Args:
            inputs: a tensor, an array, a data frame or a list of rows like those of the data.
        """
        return self.predict_rows(self.reader.of(inputs))

    def predict_files(self, paths: Sequence[Path | str]) -> Predictions:
        """Class probabilities of all rows in these files and folders, with the rows' names."""
        rows = self.reader.read([Path(path) for path in paths])
        return Predictions(rows.named(torch.arange(len(rows))), self.predict_rows(rows))

    def predict_rows(self, rows: Rows) -> Tensor:
        """Class probabilities of rows as the data set stores them, (n, classes)."""
        if self.encoder is not None and len(rows):
            rows = encoded_rows(self.encoder, rows, self.device)
        return self.predict_encoded(rows)

    def predict_encoded(self, rows: Rows) -> Tensor:
        """Class probabilities of rows that the encoder, if there is one, has seen already."""
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
    """Write a trained model down, so that `Model.read` finds all that it needs.

    Args:
        folder: where to; what is of a model in there is replaced.
        data: what the learner was taught.
        learner: trained.
        task: the section of the settings that builds such a learner.
        encoder: the section that builds the encoder of the data, if there is one.
        about: what else is worth knowing: rounds, labels, metrics, versions.
    """
    model = Model.of(data, learner)
    if isinstance(learner, TorchLearner | LightningLearner | SklearnLearner):
        raise UserError(
            f"a {type(learner).__name__} is built by code of yours, and not by a section: keep its "
            "state_dict(), or take experiment.model(), which predicts as long as the program runs"
        )
    _demand_class("task", task, (Task, Learner))
    if model.encoder is not None:
        _demand_class("encoder", encoder or {}, (Encoder,))
    kept = {
        "learner": learner.state_dict(),
        "encoder": {} if model.encoder is None else model.encoder.state_dict(),
        "preprocess": preprocessing_state(data.preprocess()),
        "reader": model.reader.state_dict(),
    }
    content = BytesIO()
    torch.save(kept, content)
    weights = content.getvalue()
    facts = {
        "format": FORMAT,
        "classes": model.classes,
        "shape": data.train.shape,
        "task": task,
        "encoder": None if model.encoder is None else encoder,
        **(about or {}),
        "weights": sha256(weights).hexdigest(),
    }
    with writing(folder / FACTS):
        (folder / FACTS).unlink(missing_ok=True)  # a model is there whole, or not at all
    write_whole(folder / WEIGHTS, weights)
    write_whole(folder / README, readme(facts).encode())
    write_whole(folder / FACTS, json.dumps(facts, indent=2).encode())


def _content(folder: Path) -> tuple[dict[str, Any], dict[str, Any]]:
    """The facts and the weights, which belong to each other."""
    try:
        facts = json.loads((folder / FACTS).read_bytes())
        weights = (folder / WEIGHTS).read_bytes()
        if facts["format"] != FORMAT:
            raise UserError(f"{folder} is of format {facts['format']}, and this reads {FORMAT}")
        if sha256(weights).hexdigest() != facts["weights"]:
            raise UserError(f"{folder / WEIGHTS} is damaged, or of another {FACTS}: copy it again")
        return facts, torch.load(BytesIO(weights), weights_only=True, map_location="cpu")
    except UnpicklingError as error:
        raise UserError(f"{folder / WEIGHTS} holds more than tensors and plain values") from error
    except OSError as error:
        raise UserError(f"cannot read {error.filename}: {error.strerror}") from error
    except (ValueError, KeyError, TypeError, RecursionError) as error:
        if isinstance(error, UserError):
            raise
        raise UserError(f"{folder / FACTS} does not describe a model: {error!r}") from error


def _built(facts: Mapping[str, Any], kept: Mapping[str, Any], training: Training) -> Model:
    _demand_class("task", facts["task"], (Task, Learner))
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
        _demand_class("encoder", facts["encoder"], (Encoder,))
        encoder = build(facts["encoder"])
        encoder.load_state_dict(kept["encoder"])
    return Model(facts["classes"], rebuilt(kept["reader"]), learner, encoder, training.device)


def _demand_class(group: str, section: Mapping[str, Any], kinds: tuple[type, ...]) -> None:
    """Refuse a section by which anything else would be called than a class of these kinds."""
    name = str(section.get(TARGET, ""))
    found = located(name)
    if not (isinstance(found, type) and issubclass(found, kinds)):
        wanted = " or ".join(kind.__name__ for kind in kinds)
        raise UserError(f"{group}: {name} is no class of the kind {wanted}, and is not called")
    for key, value in section.items():
        if isinstance(value, Mapping) and TARGET in value:
            _demand_class(f"{group}.{key}", value, (nn.Module,))
