"""A Label Studio project: its tasks are rows, its annotations are answers."""

from __future__ import annotations

import sys
from collections.abc import Mapping, Sequence
from typing import Any

from autoal.data.picturefile import file_of
from autoal.data.seen import Seen, seen
from autoal.errors import UserError, about
from autoal.people.asked import AskedRow
from autoal.people.events import Event
from autoal.people.intake import Intake, few
from autoal.people.label_studio_api import Api, understood
from autoal.people.label_studio_form import Form, data_of, field_of

Task = Mapping[str, Any]  # as the server exports it


class Project:
    """The tasks of one run, perhaps among others in a project.

    Args:
        api: of the server.
        number: of the project.
        run: the mark of its tasks.
        classes: those that its labelling interface must offer.
    """

    def __init__(self, api: Api, number: int, run: str, classes: Sequence[str]) -> None:
        self.api = api
        self.number = number
        self.run = run
        self.classes = classes
        self.page = f"{api.url}/projects/{number}/data"
        found = api.get(f"/api/projects/{number}/")
        with about(self.page), understood(api.url):
            self.form = Form.of(found["parsed_label_config"], classes)
        self._accounts: dict[int, str] = {}

    def tasks(self) -> dict[int, Task]:
        """The current tasks of the run, by row."""
        path = f"/api/projects/{self.number}/export?exportType=JSON&download_all_tasks=true"
        with understood(self.api.url):
            ours = [task for task in self.api.get(path) if task["meta"].get("run") == self.run]
            return {task["meta"]["row"]: task for task in ours}

    def add(self, rows: Sequence[AskedRow]) -> None:
        """Ask about these rows, in this order."""
        if rows:
            tasks = [self._task(row) for row in rows]
            self.api.post(f"/api/projects/{self.number}/import", tasks)

    def take(self, tasks: Mapping[int, Task], intake: Intake) -> None:
        """Take in the last annotation of each task; refuse invalid classes, naming the task."""
        problems = []
        found: list[Event] = []
        for row, task in tasks.items():
            try:
                found += self._events(row, task, intake)
            except UserError as error:
                problems.append(f"  task {task['id']}, {task['data'].get('name')}: {error}")
        if problems:
            raise UserError("\n".join([f"{self.page}:", *few(problems)]))
        for event in found:
            if not intake.objection(event) and intake.take(event):
                self._tell_disagreement(event, tasks[event.row])

    def demand(self, tasks: Mapping[int, Task], rows: Sequence[AskedRow]) -> None:
        """Refuse to wait for rows whose tasks are gone."""
        gone = [row.name for row in rows if row.row not in tasks]
        if gone:
            raise UserError(
                f"{len(gone)} tasks that are not answered were deleted from {self.page}, the first "
                f"that of {gone[0]}; the same command asks about their rows again"
            )

    def _task(self, row: AskedRow) -> dict[str, Any]:
        """A task for a row; run and row are stored where people need not see them."""
        found = seen(row.shown)
        data = data_of(row.name, row.why, found, self._uploaded(row, found))
        data[self.form.field] = data[field_of(found)]
        best = [self.form.prediction(*pair) for pair in row.guess[:1]]
        return {"data": data, "meta": {"run": self.run, "row": row.row}, "predictions": best}

    def _uploaded(self, row: AskedRow, found: Seen) -> str | None:
        """The place of a row's picture on the server, if there is one."""
        if found.picture is None:
            return None
        content, kind = file_of(found.picture)
        return self.api.upload(self.number, f"row-{row.row}.{kind.partition('/')[2]}", content)

    def _events(self, row: int, task: Task, intake: Intake) -> list[Event]:
        """The last annotation as an event, if any; skipping leaves others' answers alone."""
        with understood(self.api.url):
            annotations = sorted(
                task["annotations"],
                key=lambda one: (not one["was_cancelled"], str(one["updated_at"])),
            )
            last = [self.form.answer(one, self.classes) for one in annotations[-1:]]
            return [
                intake.event(
                    row, one.kind, one.label, by=self._account(one.by), seconds=one.seconds
                )
                for one in last
            ]

    def _tell_disagreement(self, event: Event, task: Task) -> None:
        """Report a task to which people gave different classes."""
        with understood(self.api.url):
            given = [self.form.labels(one["result"]) for one in task["annotations"]]
        different = sorted({label for labels in given for label in labels})
        if len(different) > 1:
            print(
                f"{event.name}: {' and '.join(different)} were said; the last counts, "
                f"{event.label or event.kind}",
                file=sys.stderr,
            )

    def _account(self, number: int) -> str:
        """The annotator, by the address that others know."""
        if number not in self._accounts:
            with understood(self.api.url):
                self._accounts = {one["id"]: one["email"] for one in self.api.get("/api/users/")}
        return self._accounts.get(number, f"account {number}")
