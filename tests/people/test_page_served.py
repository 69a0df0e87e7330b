"""The labelling page in a real browser, as the real server serves it."""

from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path
from threading import Thread

import pytest
import torch

from autoal.errors import Waiting
from autoal.people.asked import AskedRow
from autoal.people.server import Server
from autoal.people.tasks import Outcome
from tests.browser import chromium, opened
from tests.people.made import GUESS
from tests.people.served import Start
from tests.people.window import Window

PROGRAM = str(chromium())
pytestmark = pytest.mark.skipif(not chromium(), reason="no Chromium on PATH or in AUTOAL_CHROMIUM")


@pytest.fixture
def window(tmp_path: Path) -> Iterator[Window]:
    with opened(PROGRAM, tmp_path / "profile") as browser:
        yield Window(browser)


class Engine(Thread):
    """Asks people in the background about rounds of three pictures, one after the other."""

    def __init__(self, server: Server, count: int) -> None:
        super().__init__(daemon=True)
        self.server, self.count = server, count
        self.outcomes: list[Outcome] = []

    def run(self) -> None:
        with suppress(Waiting):  # somebody stopped for today
            for number in range(self.count):
                rows = range(3 * number, 3 * number + 3)
                asked = [self.asked(row, GUESS if number else ()) for row in rows]
                self.outcomes.append(self.server.ask(number, asked, {}))

    @staticmethod
    def asked(row: int, guess: tuple[tuple[str, float], ...]) -> AskedRow:
        pixels = torch.full((3, 32, 32), 20 * row, dtype=torch.uint8)
        return AskedRow(row, f"{row}.jpg", f"sha256:{row}", pixels, guess, "it is near")


def test_two_rounds_by_the_keyboard(server: Start, window: Window) -> None:
    served = server(asked=())
    engine = Engine(served, 2)
    engine.start()
    window.open(served.url("ann"))
    rows = [window.answer(key) for key in ("1", "2", "Backspace", "3", "u")]
    window.shows("Take the guess: dog")
    rows += [window.answer(key) for key in ("Enter", "x")]
    window.press("2")
    window.shows("The model is learning")
    engine.join(timeout=60)
    assert rows == [0, 1, 2, 1, 2, 3, 4]
    assert [outcome.labels for outcome in engine.outcomes] == [
        {0: "cat", 1: "eel"},
        {3: "dog", 5: "dog"},
    ]
    assert window.complaints() == []


def test_before_anything_is_known_there_is_nothing_to_take_back(
    server: Start, window: Window
) -> None:
    window.browser.call("Emulation.setScriptExecutionDisabled", value=True)
    window.browser.load(server(asked=()).url("ann"))
    window.shows("One moment")
    assert "undo" not in window.text().lower()


def test_a_correction_and_the_end_of_the_day(server: Start, window: Window) -> None:
    served = server(asked=())
    engine = Engine(served, 1)
    engine.start()
    window.open(served.url("ann"))
    window.answer("1")
    window.click("#to-list")
    window.click("#rows button")
    window.shows("Labelled cat")
    window.press("3")
    window.shows("cat is eel now")
    window.sent()
    window.press("Escape")
    window.press("Escape")
    window.click("#to-stop")
    window.click("#stop-now")
    window.shows("Stopped for today")
    assert served.desk.said.labels == {0: "eel"}
