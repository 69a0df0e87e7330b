"""The oracle that asks people: `oracle=people` opens a page, and waits until they have answered."""

from __future__ import annotations

import getpass
import os
import webbrowser
from collections.abc import Mapping, Sequence
from pathlib import Path
from threading import Thread

import torch
from torch import Tensor

from autoal import bounds
from autoal.data.contract import Data
from autoal.data.rows import Rows
from autoal.data.word import is_word
from autoal.errors import UserError
from autoal.model.fitstep import FitStep
from autoal.oracles.blind import demand_blind
from autoal.oracles.question import Answers, Asking, Question, Said
from autoal.oracles.truth import truth_of
from autoal.oracles.votes import MAJORITY, METHODS
from autoal.people.agreeing import agreeing
from autoal.people.asked import AskedRow, asked, asked_words
from autoal.people.desk import Desk
from autoal.people.events import Ledger
from autoal.people.fitting import demand_same_rows
from autoal.people.gate import is_loopback
from autoal.people.server import Server
from autoal.people.standing import Standing
from autoal.people.state import Doubts
from autoal.people.tasks import Outcome
from autoal.people.tokens import Tokens
from autoal.people.wording import evidence_of, take_up, word_again
from autoal.query.strategy import QueryStrategy
from autoal.record.finished import finished_rounds
from autoal.record.layout import LABELS
from autoal.record.round import Round
from autoal.record.sink import Sink

SCREENS = ("BROWSER", "DISPLAY", "WAYLAND_DISPLAY")  # one of them is set if a browser can open


class People(Asking, Sink):
    """Asks people on a page in their browsers; answers are on disk before they count.

    Args:
        data: the data set of the rows.
        folder: of the run.
        host: of the page; any but this machine's own needs `people`.
        port: of the page; 0 takes any free one.
        open: open the page in a browser.
        people: their names; empty: one person, under the login name.
        votes: how many of them are asked about a row.
        consensus: of their answers, as in a `Crowd`.
        second: the share of rows to show to one more person.
        guess: show what the model takes a row for.
        strategy: the one that chooses the rows; refused if it sees true outcomes.
        labels: the true labels of all rows, if known, only for the record.
    """

    offers = True

    def __init__(
        self,
        data: Data,
        folder: Path,
        host: str = "127.0.0.1",
        port: int = 8123,
        open: bool = True,
        people: Sequence[str] = (),
        votes: int = 1,
        consensus: str = MAJORITY,
        second: float = 0.0,
        guess: bool = True,
        strategy: QueryStrategy | None = None,
        labels: Tensor | None = None,
    ) -> None:
        demand_blind("people", strategy)
        bounds.text("host", host)
        bounds.switch("open", open)
        bounds.switch("guess", guess)
        bounds.whole("port", port, least=0, most=65535)
        bounds.whole("votes", votes, least=1)
        bounds.choice("consensus", consensus, METHODS)
        bounds.number("second", second, least=0, most=1)
        _demand_people(people, host)
        self.data = data
        self.folder = folder
        self.host = host
        self.port = port
        self.open = open
        self.people = [*people] or [_login()]
        if votes > len(self.people):
            raise UserError(
                f"oracle.votes={votes} asks {votes} people about each row, and oracle.people= "
                f"names {len(people)}: name more, or ask fewer"
            )
        self.votes = votes
        self.consensus = consensus
        self.second = second
        self.guess = guess
        self.labels = labels
        self.server: Server | None = None  # from the first question on
        self._done = False  # all rounds are finished

    def __call__(self, question: Question) -> Answers:
        server = self.server = self.server or self._opened(question)
        agree = agreeing(question, self.consensus)
        everything = [*asked(question), *asked_words(question)]
        outcome = server.ask(question.number, everything, _doubts(question), agree)
        batch = outcome.of_rows()
        numbers = {name: number for number, name in enumerate(question.classes)}
        rows = torch.tensor([*batch.labels], dtype=torch.long)
        return Answers(
            rows,
            torch.tensor([numbers[label] for label in batch.labels.values()], dtype=torch.long),
            by=", ".join(batch.people),
            cost=torch.tensor([self._cost(batch, row) for row in batch.labels]),
            truth=truth_of(self.labels, rows),
            corrected={row: numbers[label] for row, label in batch.corrected.items()},
            people=batch.people,
            timed=batch.timed,
            ruled_out={
                row: tuple(numbers[name] for name in names)
                for row, names in batch.ruled_out.items()
            },
            said=_new(batch.said, numbers, question.said),
            words=evidence_of(outcome, question),
        )

    def step(self, step: FitStep) -> None:
        if self.server is not None:
            self.server.step(step)

    def end(self, finished: Round) -> None:
        if self.server is not None:
            self.server.end(finished)

    def done(self) -> None:
        self._done = True

    def close(self) -> None:
        if self.server is not None:
            self.server.close("done" if self._done else "stopped")
            self.server = None

    def _cost(self, batch: Outcome, row: int) -> float:
        """The cost of a label: the answers that led to it, without second opinions."""
        given = sum(row in labels for labels in batch.said.values())
        return float(min(self.votes, max(1, given)))

    def _opened(self, question: Question) -> Server:
        """The page, with everything said and done before."""
        rows = self.data.train if question.pool is None else question.pool
        ledger, classes = Ledger(self.folder / LABELS), question.classes
        ledger.demand_classes(classes)
        demand_same_rows(ledger, rows)
        _, history = finished_rounds(self.folder)
        desk = Desk(ledger, self.people, classes, self.votes, self.second, self.guess)
        desk.agenda.asked = {
            event.row: word_again(event)
            if is_word(event.row)
            else _again(rows, question, event.row)
            for event in ledger.counting()
        }
        for done in history:
            desk.known |= {row: classes[label] for row, label in done.told.items()}
            desk.agenda.declined.update(done.declined)
            take_up(desk, done, classes)
        desk.said.settle(desk.known)
        tokens = Tokens.kept(self.folder, self.people)
        judges = self.data.checked if self.data.test is None else 0
        standing = Standing.of(self.folder, history, judges)
        server = Server(desk, standing, tokens, self.host, self.port)
        self._invite(server)
        return server

    def _invite(self, server: Server) -> None:
        if not is_loopback(self.host):
            print("this page is not encrypted: anyone on the network can read along")
        for person in self.people:
            whose = f" ({person})" if len(self.people) > 1 else ""
            print(f"label at {server.url(person)}{whose}", flush=True)
        if self.open and any(name in os.environ for name in SCREENS):
            # Opening some browsers blocks.
            Thread(target=webbrowser.open, args=(server.url(self.people[0]),), daemon=True).start()


def _demand_people(people: Sequence[str], host: str) -> None:
    if isinstance(people, str) or not isinstance(people, Sequence):
        raise UserError(f"oracle.people={people} must be a list of names, as in [ann,ben]")
    for name in people:
        bounds.text("people", name)
        if not name.strip() or "," in name or not name.isprintable():
            raise UserError(
                f"oracle.people: {name!r} is not a name, which has letters and no comma"
            )
    if len(set(people)) < len(people):
        raise UserError(f"oracle.people={[*people]}: a name occurs twice")
    if not people and not is_loopback(host):
        raise UserError(
            f"oracle.host={host} lets others label: name them, as in oracle.people=[ann,ben]"
        )
    if host in ("", "0.0.0.0", "::"):
        raise UserError(
            f"oracle.host={host} is not an address that a browser can open: give the one by which "
            "others reach this machine"
        )


def _login() -> str:
    try:
        return getpass.getuser()
    except (KeyError, OSError):  # an account without a name
        return "me"


def _again(rows: Rows, question: Question, row: int) -> AskedRow:
    """A row asked about earlier."""
    place = torch.tensor([row])
    shown = None if rows.shown is None else rows.shown[row]
    key = "" if rows.keys is None else rows.keys[row]
    made = question.real is not None and row >= question.real
    return AskedRow(row, rows.named(place)[0], key, shown, (), "", made)


def _doubts(question: Question) -> Doubts:
    """The likelier classes of doubtful labelled rows, with probabilities."""
    return {
        row: (question.classes[label], round(p, 4)) for row, (label, p) in question.doubts.items()
    }


def _new(
    said: Mapping[str, Mapping[int, str]], numbers: Mapping[str, int], before: Said
) -> dict[str, dict[int, int]]:
    """People's answers not reported before, perhaps about earlier rows."""
    classes = {
        name: {row: numbers[label] for row, label in labels.items()}
        for name, labels in said.items()
    }
    new = {
        name: dict(labels.items() - before.get(name, {}).items())
        for name, labels in classes.items()
    }
    return {name: dict(sorted(labels.items())) for name, labels in sorted(new.items()) if labels}
