"""Label Studio's JSON for rows and answers, without its server."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any
from xml.sax.saxutils import quoteattr

from autoal.data.seen import Seen
from autoal.errors import UserError
from autoal.people.events import LABEL, UNSURE
from autoal.record.kinds import AMOUNT

CHOICES = "class"  # the control's name in our projects
PICTURE, CELLS, TEXT = "picture", "cells", "text"  # fields of a task, by content
TAGS = {PICTURE: "Image", CELLS: "Table", TEXT: "Text"}
MODEL = "AutoAL"  # author of the predictions shown


@dataclass(frozen=True)
class Form:
    """Where a project puts the class of a row."""

    control: str
    about: str  # name of the object seen
    field: str  # of a task, with the content

    @classmethod
    def of(cls, parsed: Mapping[str, Any], classes: Sequence[str]) -> Form:
        """The form in a project's config, as parsed by the server."""
        choices = {
            name: control for name, control in parsed.items() if control["type"] == "Choices"
        }
        for name, control in choices.items():
            if {*control["labels"]} == {*classes}:
                return cls(name, control["to_name"][0], control["inputs"][0]["value"])
        found = [", ".join(control["labels"]) for control in choices.values()]
        raise UserError(
            f"it must have Choices with the classes {', '.join(classes)}, and has "
            f"{'those of ' + ' and of '.join(found) if found else 'none'}: fix its labelling "
            "interface, or leave oracle.project= out for a new one"
        )

    def prediction(self, label: str, score: float) -> dict[str, Any]:
        """A model's prediction for a row."""
        return {"model_version": MODEL, "score": score, "result": [self.result(label)]}

    def result(self, label: str) -> dict[str, Any]:
        """A class in Label Studio's form."""
        return {
            "from_name": self.control,
            "to_name": self.about,
            "type": "choices",
            "value": {"choices": [label]},
        }

    def answer(self, annotation: Mapping[str, Any], classes: Sequence[str]) -> Answer:
        """The answer in an annotation."""
        seconds = annotation["lead_time"]
        who = annotation["completed_by"], float(seconds) if AMOUNT.holds(seconds) else None
        if annotation["was_cancelled"]:
            return Answer(UNSURE, None, *who)
        return Answer(LABEL, self._label(annotation["result"], classes), *who)

    def _label(self, result: Sequence[Mapping[str, Any]], classes: Sequence[str]) -> str:
        """The one class in a result; the server allows others."""
        labels = self.labels(result)
        if len(labels) != 1:
            told = f"the classes {', '.join(labels)}" if labels else "no class"
            raise UserError(f"it has {told}: give it one, or skip it")
        if labels[0] not in classes:
            raise UserError(f"{labels[0]!r} is not one of the classes {', '.join(classes)}")
        return labels[0]

    def labels(self, result: Sequence[Mapping[str, Any]]) -> list[str]:
        """All classes in a result."""
        given = [each["value"] for each in result if each["from_name"] == self.control]
        return [str(label) for value in given for label in value["choices"]]


@dataclass(frozen=True)
class Answer:
    """Somebody's answer about a row."""

    kind: str
    label: str | None
    by: int  # number of the account
    seconds: float | None


def config(field: str, classes: Sequence[str]) -> str:
    """The labelling interface of a project whose tasks show this field.

    There must be only one such field, or the server would accept no pictures; headers do not count.
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
    """The field of a task that shows a row."""
    if row.picture is not None:
        return PICTURE
    return CELLS if row.cells else TEXT


def data_of(name: str, why: str, row: Seen, picture: str | None) -> dict[str, Any]:
    """The data of a row's task.

    Args:
        name: of the row.
        why: the reason for asking.
        row: its visible parts.
        picture: its place on the server, if it has one.
    """
    field = field_of(row)
    own = {PICTURE: picture or name, CELLS: row.cells, TEXT: row.text or name}
    cells = row.cells.items() if field == PICTURE else ()
    beside = "; ".join(f"{column}: {cell}" for column, cell in cells)
    return {"name": name, "why": why, "beside": beside, field: own[field]}
