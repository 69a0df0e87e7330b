"""What Label Studio is told of rows, and what it tells of them: its JSON, without its server."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any
from xml.sax.saxutils import quoteattr

from autoal.data.seen import Seen
from autoal.errors import UserError
from autoal.people.events import LABEL, UNSURE
from autoal.record.kinds import AMOUNT

CHOICES = "class"  # what the control is called in a project of ours
PICTURE, CELLS, TEXT = "picture", "cells", "text"  # fields of a task, by what is seen
TAGS = {PICTURE: "Image", CELLS: "Table", TEXT: "Text"}
MODEL = "AutoAL"  # whose predictions are shown


@dataclass(frozen=True)
class Form:
    """Where the class of a row stands in a project."""

    control: str
    about: str  # name of what is seen
    field: str  # of a task, with what is seen

    @classmethod
    def of(cls, parsed: Mapping[str, Any], classes: Sequence[str]) -> Form:
        """The form of a project's config, as the server has read it."""
        choices = {
            name: control for name, control in parsed.items() if control["type"] == "Choices"
        }
        for name, control in choices.items():
            if {*control["labels"]} == {*classes}:
                return cls(name, control["to_name"][0], control["inputs"][0]["value"])
        found = [", ".join(control["labels"]) for control in choices.values()]
        raise UserError(
            f"it must have Choices with the classes {', '.join(classes)}, and has "
            f"{'those of ' + ' and of '.join(found) if found else 'none'}: mend its labelling "
            "interface, or leave oracle.project= out for a new one"
        )

    def prediction(self, label: str, score: float) -> dict[str, Any]:
        """What a model says of a row."""
        return {"model_version": MODEL, "score": score, "result": [self.result(label)]}

    def result(self, label: str) -> dict[str, Any]:
        """A class as Label Studio writes it."""
        return {
            "from_name": self.control,
            "to_name": self.about,
            "type": "choices",
            "value": {"choices": [label]},
        }

    def answer(self, annotation: Mapping[str, Any], classes: Sequence[str]) -> Answer:
        """What an annotation says of a row."""
        seconds = annotation["lead_time"]
        who = annotation["completed_by"], float(seconds) if AMOUNT.holds(seconds) else None
        if annotation["was_cancelled"]:
            return Answer(UNSURE, None, *who)
        return Answer(LABEL, self._label(annotation["result"], classes), *who)

    def _label(self, result: Sequence[Mapping[str, Any]], classes: Sequence[str]) -> str:
        """The one class that a result gives; the server lets others pass."""
        labels = self.labels(result)
        if len(labels) != 1:
            told = f"the classes {', '.join(labels)}" if labels else "no class"
            raise UserError(f"it has {told}: give it one, or skip it")
        if labels[0] not in classes:
            raise UserError(f"{labels[0]!r} is none of the classes {', '.join(classes)}")
        return labels[0]

    def labels(self, result: Sequence[Mapping[str, Any]]) -> list[str]:
        """The classes that a result gives, whatever they are."""
        given = [each["value"] for each in result if each["from_name"] == self.control]
        return [str(label) for value in given for label in value["choices"]]


@dataclass(frozen=True)
class Answer:
    """What somebody answered about a row."""

    kind: str
    label: str | None
    by: int  # number of the account
    seconds: float | None


def config(field: str, classes: Sequence[str]) -> str:
    """The labelling interface of a project whose tasks are seen by this field.

    There is one such field, or the server would take no pictures; headers do not count.
    """
    choices = [f"  <Choice value={quoteattr(name)}/>" for name in classes]
    return "\n".join(
        [
            "<View>",
            '<Header value="$why" size="6"/>',
            f'<Choices name="{CHOICES}" toName="{field}" choice="single" showInline="true">',
            *choices,
            "</Choices>",  # above, since a large picture would hide them
            f'<{TAGS[field]} name="{field}" value="${field}"/>',
            '<Header value="$beside" size="6"/>',
            "</View>",
        ]
    )


def field_of(row: Seen) -> str:
    """The field of a task by which a row is seen."""
    if row.picture is not None:
        return PICTURE
    return CELLS if row.cells else TEXT


def data_of(name: str, why: str, row: Seen, picture: str | None) -> dict[str, Any]:
    """What a task has of a row.

    Args:
        name: of the row.
        why: it is asked about.
        row: what there is to see of it.
        picture: where the server has its picture, if it has one.
    """
    field = field_of(row)
    own = {PICTURE: picture or name, CELLS: row.cells, TEXT: row.text or name}
    cells = row.cells.items() if field == PICTURE else ()
    beside = "; ".join(f"{column}: {cell}" for column, cell in cells)
    return {"name": name, "why": why, "beside": beside, field: own[field]}
