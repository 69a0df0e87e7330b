"""People who are asked about words beside rows."""

from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from threading import Thread
from typing import Any

import pytest
import torch

from autoal import Arrays, Data, Question, Round
from autoal.data.word import Word
from autoal.people.asked import asked_words
from autoal.people.cards import card_of
from autoal.people.desk import Desk
from autoal.people.people import People
from autoal.people.server import Server
from autoal.people.standing import Standing
from autoal.people.state import state_of
from autoal.people.tasks import Outcome
from autoal.people.wording import evidence_of, take_up, word_again
from tests.browser import chromium, opened
from tests.people.made import CLASSES, asked_of, correct, desk_of, doing, say, take_back
from tests.people.served import Start
from tests.people.simulated import Simulated
from tests.people.window import Window

PROGRAM = chromium()
AWFUL, FILM = Word("awful", ("An awful, AWFUL film", "lawful and awful")), Word("film")
CAT, NOTHING = [1.0, 0.0, 0.0], [0.0, 0.0, 0.0]


def question_of(number: int = 1, **parts: Any) -> Question:
    """About a row, and two words if no others are told."""
    return Question(number, torch.tensor([5]), CLASSES, **{"words": (AWFUL, FILM), **parts})


@pytest.fixture
def desk(tmp_path: Path) -> Desk:
    """Ann is asked about a row and two words."""
    desk = desk_of(tmp_path)
    desk.open(1, [*asked_of([5]), *asked_words(question_of())])
    return desk


def outcome_of(desk: Desk) -> Outcome:
    """The result if Ann knows a word, and says that the other speaks for no class."""
    say(desk, "ann", 5, "dog", seconds=1.0)
    say(desk, "ann", AWFUL.number, "cat", seconds=2.0)
    say(desk, "ann", FILM.number, None, kind="unsure", seconds=3.0)
    return desk.hand_over()


def test_a_word_is_a_card_with_texts_in_which_it_is_marked() -> None:
    (task, _) = asked_words(question_of())
    card = card_of(task, "")
    assert (card["kind"], card["name"]) == ("word", "awful")
    assert card["examples"] == [
        ["An ", "awful", ", ", "AWFUL", " film"],
        ["lawful and ", "awful", ""],
    ]
    assert task.why.startswith("number 1 of the 2 words that tell most")


def test_what_is_said_of_words_is_told_apart_from_rows(desk: Desk) -> None:
    outcome = outcome_of(desk)
    assert evidence_of(outcome, question_of()) == {"awful": CAT, "film": NOTHING}
    rows = outcome.of_rows()
    assert (rows.labels, rows.timed, rows.corrected) == ({5: "dog"}, {5: 1.0}, {})
    assert rows.people == {"ann": {"labels": 2, "seconds": 6.0}}


def test_an_answer_about_a_word_can_be_taken_back(desk: Desk) -> None:
    say(desk, "ann", AWFUL.number, "cat")
    take_back(desk, "ann")
    assert AWFUL.number in {task.row for task in doing(desk, "ann")}


def test_words_are_not_counted_among_rows_that_have_labels(desk: Desk, tmp_path: Path) -> None:
    outcome_of(desk)
    state = state_of(desk, Standing.of(tmp_path, []), "ann")
    assert (state["labels"], state["declined"]) == (1, 0)


def test_another_start_knows_the_words_and_lets_them_be_corrected(
    desk: Desk, tmp_path: Path
) -> None:
    outcome_of(desk)
    again = desk_of(tmp_path)
    again.agenda.asked = {event.row: word_again(event) for event in again.ledger.counting()}
    done = Round(1, 1, [5], [1], {}, {}, 0, words={"awful": CAT, "film": NOTHING})
    take_up(again, done, CLASSES)
    assert again.known == {AWFUL.number: "cat"}
    assert again.agenda.declined == {FILM.number}
    correct(again, "ann", AWFUL.number, "eel")
    again.open(2, [])
    later = question_of(2, words=(), evidence=done.words)
    assert evidence_of(again.hand_over(), later) == {"awful": [0.0, 0.0, 1.0]}


class Labelled(People):
    """Is answered by somebody at its page."""

    def _invite(self, server: Server) -> None:
        Simulated(server.url(self.people[0]), _says).start()


def _says(task: Any) -> Any:
    knows = task["card"]["name"] != "film"
    return {"kind": "label", "label": "cat"} if knows else {"kind": "unsure", "label": None}


@pytest.fixture
def data() -> Data:
    data = Arrays((torch.zeros(9, 1), [0] * 9), classes=CLASSES)
    data.setup()
    return data


def test_the_page_asks_about_words_and_the_same_ones_only_once(data: Data, tmp_path: Path) -> None:
    (tmp_path / "rounds.jsonl").touch()
    with closing(Labelled(data, tmp_path, port=0, open=False)) as page:
        answers = page(question_of())
        assert (answers.rows.tolist(), answers.labels.tolist()) == ([5], [0])
        assert answers.words == {"awful": CAT, "film": NOTHING}
    with closing(People(data, tmp_path, port=0, open=False)) as again:  # after a kill
        assert again(question_of()).words == answers.words  # without anybody there


# In a real browser


@pytest.fixture
def window(tmp_path: Path) -> Iterator[Window]:
    if not PROGRAM:
        pytest.skip("no Chromium on PATH or in AUTOAL_CHROMIUM")
    with opened(PROGRAM, tmp_path / "profile") as browser:
        yield Window(browser)


def test_words_by_the_keyboard(server: Start, window: Window) -> None:
    served, outcomes = server(asked=()), []
    asks = Thread(target=lambda: outcomes.append(served.ask(1, asked_words(question_of()), {})))
    asks.start()
    window.open(served.url("ann"))
    window.shows("For which class does this word speak, if for any?", "awful", "lawful", "No class")
    assert window.get("[...document.querySelectorAll('mark')].map((each) => each.textContent)") == [
        *("awful", "AWFUL", "awful")
    ]
    window.answer("2")
    window.press("u")
    asks.join(timeout=60)
    assert evidence_of(outcomes[0], question_of()) == {"awful": [0.0, 1.0, 0.0], "film": NOTHING}
    assert window.complaints() == []
