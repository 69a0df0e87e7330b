"""People answer in Label Studio, in their own project or in one made for the run."""

from __future__ import annotations

import json
import sys
import time
from pathlib import Path
from uuid import uuid4

from autoal.bounds import switch, text, whole
from autoal.data.contract import Data
from autoal.data.seen import seen
from autoal.errors import UserError, Waiting, about
from autoal.oracles.blind import demand_blind
from autoal.oracles.question import Answers, Asking, Question
from autoal.people.intake import Intake
from autoal.people.label_studio_api import Api, understood
from autoal.people.label_studio_form import MODEL, config, field_of
from autoal.people.label_studio_project import Project
from autoal.query.strategy import QueryStrategy
from autoal.record.kinds import MAPPING, TEXT, WHOLE
from autoal.record.layout import LABEL_STUDIO
from autoal.record.whole import write_whole

EVERY = 3  # seconds between checks for answers
LONGEST = 50  # characters of a title


class LabelStudio(Asking):
    """Asks through the tasks of a Label Studio project, and reads their annotations as answers.

    Of several annotations of a task the last one counts; a skipped task declines its row. Pictures
    are uploaded. The server's key is read from the environment, and is stored nowhere.

    Args:
        data: the data set of the rows.
        folder: of the run, which remembers the project.
        url: of the server.
        project: number of an existing one; null: make one.
        wait: for answers; otherwise the command ends, and the same command goes on once they are
            there.
        strategy: the one that chooses the rows; refused if it sees true outcomes.
    """

    def __init__(
        self,
        data: Data,
        folder: Path,
        url: str = "http://127.0.0.1:8080",
        project: int | None = None,
        wait: bool = True,
        strategy: QueryStrategy | None = None,
    ) -> None:
        demand_blind("label_studio", strategy)
        text("url", url)
        if project is not None:
            whole("project", project, least=1)
        switch("wait", wait)
        self.data = data
        self.folder = folder
        self.url = url
        self.number = project
        self.wait = wait

    def __call__(self, question: Question) -> Answers:
        intake = Intake(self.folder, self.data, question)
        project = self._project(intake)
        tasks = project.tasks()
        project.take(tasks, intake)
        project.add([each for each in intake.unanswered if each.row not in tasks])
        if intake.unanswered:
            self._await(project, intake)
        return intake.answers()

    def _await(self, project: Project, intake: Intake) -> None:
        """Take answers until they are complete."""
        left = f"{len(intake.unanswered)} rows of round {intake.question.number}"
        request = f"{left} are to be labelled at {project.page}"
        if not self.wait:
            raise Waiting(f"{request}\n  then the same command goes on")
        print(request, file=sys.stderr)
        while intake.unanswered:
            time.sleep(EVERY)
            tasks = project.tasks()
            project.demand(tasks, intake.unanswered)
            project.take(tasks, intake)

    def _project(self, intake: Intake) -> Project:
        """The project of the run, made if necessary."""
        api = Api(self.url)
        api.reach()
        path = self.folder / LABEL_STUDIO
        if not path.exists():
            number = self.number or self._made(api, intake)
            noted = {"project": number, "run": uuid4().hex}
            write_whole(path, json.dumps(noted).encode() + b"\n")
        return Project(api, *_noted(path), intake.question.classes)

    def _made(self, api: Api, intake: Intake) -> int:
        """The number of a new project, which asks about rows in the strategy's order."""
        rows = [*intake.asked.values()]
        settings = {
            "title": f"AutoAL {self.folder.name}"[:LONGEST],
            "label_config": config(field_of(seen(rows[0].shown)), intake.question.classes),
            "model_version": MODEL,
            "sampling": "Sequential sampling",
            "enable_empty_annotation": False,
        }
        with understood(api.url):
            return int(api.post("/api/projects/", settings)["id"])


def _noted(path: Path) -> tuple[int, str]:
    """The number of a project, and the mark of its tasks."""
    with about(path):
        try:
            noted = json.loads(path.read_bytes())
        except (OSError, ValueError, RecursionError) as error:
            raise UserError(f"it cannot be read: {error}") from error
        MAPPING.demand("it", noted)
        WHOLE.demand("project", noted.get("project"))
        TEXT.demand("run", noted.get("run"))
    return noted["project"], noted["run"]
