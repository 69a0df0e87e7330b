"""Questions from outside the engine: a pool whose rows have names, and rounds that are done."""

import json
from pathlib import Path

import torch

from autoal import Answers, Data, Loaded, Question, Round, Rows
from autoal.record.finished import finished_rounds

SIZE = 12  # rows of the pool
NAMES = {7: "a.jpg", 3: "b.jpg", 5: "c.jpg", 9: "d.jpg", 11: "e.jpg"}


class Called(Data):
    """Rows that are called by the names of a question, or else by others."""

    classes = ("red", "green", "blue")
    keeps_order = True

    def __init__(self, question: Question) -> None:
        super().__init__()
        own = dict(zip(question.rows.tolist(), question.names or (), strict=False))
        self.names = [own.get(row, NAMES.get(row, f"{row}.jpg")) for row in range(SIZE)]
        self.keys = dict(zip(question.rows.tolist(), question.keys or (), strict=False))

    def load(self) -> Loaded:
        rows = Rows(torch.zeros(SIZE, 1), torch.full((SIZE,), -1), names=self.names)
        return Loaded(rows)


def data_of(question: Question) -> Data:
    """The data set that a question is about."""
    data = Called(question)
    data.setup()
    return data


def learn(folder: Path, question: Question, answers: Answers) -> None:
    """Let a round be done, as the engine does it."""
    content, history = finished_rounds(folder)
    rows = answers.rows.tolist()
    done = Round(
        question.number,
        labelled=sum(len(before.queried) for before in history) + len(rows),
        queried=rows,
        labels=answers.labels.tolist(),
        metrics={},
        seconds={},
        steps=0,
        declined=[row for row in question.rows.tolist() if row not in rows],
        amended=dict(answers.corrected),
    )
    line = json.dumps(done.to_line()).encode() + b"\n"
    (folder / "rounds.jsonl").write_bytes(content + line)
