"""The labelling page in a real browser, against a small server that speaks like the real one."""

import re
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from PIL import Image

from tests import accessible
from tests.browser import chromium, opened
from tests.people.fake import PAGE, Fake, Json, picture_card, served
from tests.people.window import Window

PROGRAM = str(chromium())
pytestmark = pytest.mark.skipif(not chromium(), reason="no Chromium on PATH or in AUTOAL_CHROMIUM")

CLASSES = {"cat": "1", "dog": "2", "owl": "3"}
MANY = {f"{place} {animal}": "" for place in ("city", "sea") for animal in map(str, range(20))}
SIZES = ((32, 32), (300, 120), (90, 260), (900, 600))
PICTURES = [
    Image.new("RGB", size, colour)
    for size, colour in zip(SIZES, ("red", "green", "blue", "grey"), strict=True)
]
PICTURE_CARDS = [picture_card(row, PICTURES[row % 4]) for row in range(8)]
TEXTS: list[Json] = [
    {
        "kind": "text",
        "name": f"row {n}",
        "texts": [["title", f"text {n}"], ["body", "and more " * 300]],
    }
    for n in range(8)
]
CELLS: list[Json] = [
    {
        "kind": "cells",
        "name": f"row {n}",
        "cells": [["age", str(n)], ["a-rather-long-name" * 3, "x" * 80]],
    }
    for n in range(8)
]
NOTHING: Json = {"tasks": []}

# What is asked of the browser.
BOX = "document.querySelector(%r).getBoundingClientRect()"
PICTURE = f"(({{width, height}}) => [width, height])({BOX % '#card img'})"
COLOURS = """[document.body, document.querySelector('#stage')].map(getComputedStyle)
  .flatMap(style => [style.color, style.backgroundColor])"""
FOCUS = """(() => { const part = document.activeElement, shown = part.closest('#card') || part;
  const {outlineStyle, outlineWidth} = getComputedStyle(shown);
  return [part.closest('dialog')?.id, part === document.body || part.matches('dialog')
    || outlineStyle === 'solid' && parseFloat(outlineWidth) >= 2]; })()"""
WANTED = """document.querySelectorAll('button, input, [tabindex="0"]').forEach(part =>
  part.checkVisibility() && part.setAttribute('data-wanted', ''))"""
SEEN = """Object.defineProperty(document, 'hidden', {value: %s, configurable: true});
  document.dispatchEvent(new Event('visibilitychange'))"""

Started = Callable[..., Fake]


@pytest.fixture(scope="module")
def window(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Window]:
    with opened(PROGRAM, tmp_path_factory.mktemp("profile")) as browser:
        yield Window(browser)


@pytest.fixture
def another(tmp_path: Path) -> Iterator[Window]:
    with opened(PROGRAM, tmp_path / "profile") as browser:
        yield Window(browser)


@pytest.fixture
def start(window: Window) -> Iterator[Started]:
    """A server with eight pictures, or as the test wants it."""
    running = []

    def begin(
        cards: list[Json] = PICTURE_CARDS, classes: dict[str, str] = CLASSES, **options: Any
    ) -> Fake:
        context = served(Fake(cards, classes, **{"pictures": PICTURES, **options}))
        running.append(context)
        return context.__enter__()

    window.size(1280, 800)
    window.dark(False)
    yield begin
    window.offline(False)
    window.get("sessionStorage.clear()")
    for context in running:
        context.__exit__(None, None, None)


def given(fake: Fake, *names: str) -> list[Any]:
    """The requests that the server received, in order."""
    posts = [[post.get(name) for name in names] for post in fake.posts]
    return [post[0] for post in posts] if len(names) == 1 else posts


# ---- Labelling ----


def test_two_rounds_are_labelled_by_the_keyboard_alone(window: Window, start: Started) -> None:
    fake = start()
    window.open(fake.address())
    rows = [window.answer(key) for key in "1231"]
    window.shows("Round 1 of 1")
    rows += [window.answer(key) for key in "122"]
    window.press("3")
    window.shows("All rounds are done", "8 labels", "runs/photos/labels.jsonl")
    assert rows == list(range(7))
    assert given(fake, "label") == ["cat", "dog", "owl", "cat", "cat", "dog", "dog", "owl"]
    assert given(fake, "shown") == [False] * 4 + [True] * 4  # nothing is guessed at the start
    assert len(set(given(fake, "id"))) == 8
    assert min(given(fake, "seconds")) >= 0
    assert window.complaints() == []
    assert {address.split("/")[2] for address in window.asked()} == {f"127.0.0.1:{fake.port}"}


def test_what_cannot_be_labelled_is_set_aside(window: Window, start: Started) -> None:
    fake = start()
    window.open(fake.address())
    window.answer("u")
    window.answer("x")
    window.sent()
    assert given(fake, "row", "kind", "label") == [[0, "unsure", None], [1, "broken", None]]


def test_enter_takes_the_guess(window: Window, start: Started) -> None:
    fake = start()
    fake.round = 1
    window.open(fake.address())
    window.shows("Take the guess: dog")
    window.answer("Enter")
    window.sent()
    assert given(fake, "label", "shown") == [["dog", True]]


def test_a_hidden_guess_is_not_taken_and_stays_hidden(window: Window, start: Started) -> None:
    fake = start()
    fake.round = 1
    window.open(fake.address())
    window.press("g")
    window.shows("The guess is hidden")
    window.press("Enter")
    window.open(fake.address())
    assert "60" not in window.text()
    window.answer("1")
    window.press("g")
    window.shows("Take the guess: dog")
    window.sent()
    assert given(fake, "row", "label", "shown") == [[4, "cat", False]]


def test_a_row_that_was_made_says_so_and_no_other_does(window: Window, start: Started) -> None:
    fake = start([TEXTS[0] | {"made": True}, *TEXTS[1:]])
    window.open(fake.address())
    window.until("document.querySelector('#kind').checkVisibility()")
    assert window.get("document.querySelector('#kind').innerText") == "Made by the computer"
    window.answer("1")
    assert not window.get("document.querySelector('#kind').checkVisibility()")
    assert "made by the computer" not in window.text().lower()


def test_a_key_that_is_held_down_is_one_answer(window: Window, start: Started) -> None:
    fake = start()
    window.open(fake.address())
    window.press("1", held=True)
    window.until("document.body.dataset.row === '1'")
    window.sent()
    assert given(fake, "row") == [0]


def test_keys_that_classes_own_are_theirs(window: Window, start: Started) -> None:
    fake = start(classes={"noughts": "o", "crosses": "x", "Upper": "U"})
    window.open(fake.address())
    window.answer("x")
    window.press("x", alt=True)
    window.until("document.body.dataset.row === '2'")
    window.answer("u")
    window.sent()
    assert given(fake, "kind", "label") == [
        ["label", "crosses"],
        ["broken", None],
        ["unsure", None],
    ]


def test_buttons_do_all_of_it_too(window: Window, start: Started) -> None:
    fake = start()
    fake.round = 1
    window.open(fake.address())
    for row, selector in enumerate((".class:nth-child(3)", "#take", "#unsure"), start=4):
        window.click(selector)
        window.until(f"document.body.dataset.row === '{row + 1}'")
    window.press("Enter")  # takes the guess, and does not press the last button again
    window.sent()
    assert given(fake, "kind", "label") == [
        ["label", "owl"],
        ["label", "dog"],
        ["unsure", None],
        ["label", "dog"],
    ]


def test_a_button_with_the_focus_is_pressed_by_enter(window: Window, start: Started) -> None:
    fake = start()
    fake.round = 1
    window.open(fake.address())
    window.get("document.querySelector('.class').focus()")
    window.answer("Enter")
    window.sent()
    assert given(fake, "label") == ["cat"]


# ---- Undo, going away, coming back ----


def test_undo_brings_the_last_row_back(window: Window, start: Started) -> None:
    fake = start()
    window.open(fake.address())
    window.answer("1")
    window.answer("2")
    assert window.answer("Backspace") == 2
    assert window.answer("3") == 1
    window.sent()
    assert given(fake, "what", "row") == [
        ["answer", 0],
        ["answer", 1],
        ["undo", None],
        ["answer", 1],
    ]
    assert [fake.answers[row]["label"] for row in (0, 1)] == ["cat", "owl"]


def test_undo_reaches_back_beyond_the_batch_and_the_visit(window: Window, start: Started) -> None:
    fake = start()
    window.open(fake.address())
    for key in "1111":
        window.answer(key)
    window.sent()
    window.open(fake.address())
    assert window.answer("Backspace") == 4
    assert window.answer("2") == 3
    window.sent()
    assert fake.answers[3]["label"] == "dog"


def test_nothing_to_take_back_is_told(window: Window, start: Started) -> None:
    window.open(start().address())
    window.press("Backspace")
    window.shows("there is nothing to take back")


def test_one_goes_on_in_another_browser(window: Window, another: Window, start: Started) -> None:
    fake = start()
    window.open(fake.address())
    window.answer("1")
    window.answer("2")
    window.sent()
    another.open(fake.address())
    assert another.row() == 2
    another.shows("2 of 4")


def test_two_people_share_a_batch(window: Window, another: Window, start: Started) -> None:
    fake = start(people=("ann", "ben"), trains_at_once=False)
    window.open(fake.address("ann"))
    another.open(fake.address("ben"))
    assert (window.row(), another.row()) == (0, 1)
    assert [window.answer("1"), another.answer("2"), window.row(), another.row()] == [0, 1, 2, 3]
    window.press("1")
    window.shows("The others have the rest", "with ben")
    another.press("2")
    window.shows("The model is learning")
    fake.trained()
    window.until("document.body.dataset.row")
    assert given(fake, "by", "row") == [["ann", 0], ["ben", 1], ["ann", 2], ["ben", 3]]


# ---- Trouble ----


def test_answers_are_kept_while_the_connection_is_lost(window: Window, start: Started) -> None:
    fake = start()
    window.open(fake.address())
    window.until(
        "performance.getEntriesByType('resource').length > 6"
    )  # pictures to come are there
    window.offline(True)
    window.answer("1")
    window.answer("2")
    window.shows("Connection lost. 2 answers kept here")
    assert fake.posts == []
    window.offline(False)
    window.until("document.querySelector('#lost').hidden")
    window.sent()
    assert given(fake, "row", "label") == [[0, "cat"], [1, "dog"]]


def test_answers_that_cannot_be_written_down_are_kept_when_the_page_is_loaded_again(
    window: Window, start: Started
) -> None:
    fake = start()
    window.open(fake.address())
    fake.trouble = "fail"
    window.answer("1")
    window.answer("2")
    window.shows("the disk is full. 2 answers kept here")
    window.reload()
    window.shows("2 answers kept here")
    fake.trouble = ""
    window.sent()
    assert given(fake, "row", "label") == [[0, "cat"], [1, "dog"]]
    window.until("document.body.dataset.row === '2'")


def test_an_answer_whose_reply_was_lost_counts_once(window: Window, start: Started) -> None:
    fake = start()
    window.open(fake.address())
    fake.trouble = "forget"
    window.answer("1")
    window.answer("2")
    window.sent()
    assert given(fake, "row") == [0, 1]


def test_a_row_that_is_not_open_any_more_is_told(window: Window, start: Started) -> None:
    fake = start()
    window.open(fake.address())
    fake.answers[0] = {"by": "ben", "label": "dog"}
    window.press("1")
    window.shows("row 0 is not open any more")
    window.until("document.body.dataset.row === '1'")
    assert fake.answers[0]["by"] == "ben"


def test_a_server_that_was_started_anew_is_followed(window: Window, start: Started) -> None:
    fake = start()
    fake.version = 900
    window.open(fake.address())
    window.offline(True)
    window.press("1")
    window.shows("Connection lost")
    fake.version = 1
    window.offline(False)
    window.sent()
    window.shows("1 of 4")
    assert fake.opened == 1  # to find it again is not to act, which may be somebody who has left


def test_who_is_done_is_not_told_that_the_command_has_ended(window: Window, start: Started) -> None:
    fake = start()
    fake.stopped = True
    window.open(fake.address(), ready="document.body.innerText.includes('Stopped for today')")
    window.offline(True)
    fake.version += 1
    while not window.complaints():  # of a request in vain
        window.get("0")
    assert "Connection lost" not in window.text()
    fake.stopped, fake.version = False, 99  # the same command goes on
    window.offline(False)
    window.until("document.body.dataset.row === '0'")


def test_a_stranger_is_told(window: Window, start: Started) -> None:
    window.open(
        start().address("eve"), ready="document.body.innerText.includes('This token is not known')"
    )
    window.shows("This address does not open the page")


def test_a_picture_that_is_gone_can_be_set_aside(window: Window, start: Started) -> None:
    fake = start(pictures=())
    window.open(fake.address())
    window.shows("This picture cannot be shown")
    window.answer("x")
    window.sent()
    assert given(fake, "kind") == ["broken"]


# ---- Time ----


def test_the_time_counts_while_the_row_is_seen(window: Window, start: Started) -> None:
    fake = start()
    window.open(fake.address())
    window.get("let time = 5000; performance.now = () => time")
    window.answer("1")
    for passed, hidden in ((1500, "true"), (60_000, "false"), (750, "false")):
        window.get(f"time += {passed}; {SEEN % hidden}")
    window.answer("1")
    window.sent()
    assert fake.posts[1]["seconds"] == 2.25


def test_nothing_is_answered_before_it_was_seen(window: Window, start: Started) -> None:
    fake = start()
    window.open(fake.address())
    window.get(
        "HTMLImageElement.prototype.decode = () => new Promise(done => window.arrive = done)"
    )
    fake.round = 1
    fake.version += 1
    window.until("window.arrive")
    window.press("1", "2")
    assert fake.posts == []


# ---- Many classes ----


def test_many_classes_are_found_by_their_letters(window: Window, start: Started) -> None:
    fake = start(classes=MANY)
    window.open(fake.address())
    window.press(*"sea 17")
    window.answer("Enter")
    window.press("e", "a", "ArrowDown", "ArrowDown", "ArrowUp")
    window.answer("Enter")
    window.press(*"city 190", "Backspace")
    window.answer("Enter")
    window.sent()
    assert given(fake, "label") == ["sea 17", "sea 1", "city 19"]


def test_with_many_classes_nothing_is_taken_that_was_not_meant(
    window: Window, start: Started
) -> None:
    fake = start(classes=MANY)
    fake.round = 1
    window.open(fake.address())
    window.press(*"zzz", "Enter")
    window.shows("No class is called so")
    window.press("Escape", "g", "Backspace")
    window.press("g", alt=True)
    window.press("Enter")
    assert fake.posts == []
    window.press("g", alt=True)
    window.answer("Enter")
    window.press("u", alt=True)
    window.sent()
    assert given(fake, "kind", "label") == [["label", "city 1"], ["unsure", None]]


# ---- What is shown ----


@pytest.mark.parametrize(
    ("state", "words"),
    [
        (
            {"phase": "train", "training": {"step": 30, "steps": 60}, **NOTHING},
            ("The model is learning", "0 labels"),
        ),
        (
            {"phase": "wait", "people": ["ann", "ben"], **NOTHING},
            ("The others have the rest", "with ben"),
        ),
        ({"phase": "stopped", "labels": 7, **NOTHING}, ("Stopped for today", "7 labels so far")),
        (
            {"phase": "done", **NOTHING},
            ("All rounds are done", "python -m autoal.labels runs/photos --format csv"),
        ),
        ({"plan": None, "rounds": None, "round": 3}, ("Round 3", "0\nlabels")),
        (
            {"judged": "cross-validation", "curve": [{"labels": 4, "accuracy": 0.5}]},
            ("50", "cross-validation: biased"),
        ),
        (
            {"advice": {"rule": "kappa", "value": 0.9914276, "reason": "they agree (rule 0.99)"}},
            ("More labels may not be worth it: they agree (rule 0.99)\n",),
        ),
    ],
)
def test_each_state_says_what_it_is(
    state: Json, words: tuple[str, ...], window: Window, start: Started
) -> None:
    fake = start()
    fake.extra = state
    window.open(fake.address(), ready="document.querySelector('#run').textContent === 'photos'")
    window.shows(*words)


def test_the_model_and_the_curve_with_its_interval_are_shown(
    window: Window, start: Started
) -> None:
    fake = start()
    fake.round = 1
    window.open(fake.address())
    window.shows(
        "Judged by 20 check rows; between 40 and 90", "Model of round 0: 4 labels", "1.5 s"
    )
    assert window.get("document.querySelectorAll('#curve .band').length") == 1
    assert (
        window.get("document.querySelector('#curve').ariaLabel")
        == "Accuracy by labels: 75\u00a0% with 4"
    )


def test_opinions_stand_side_by_side_without_a_guess(window: Window, start: Started) -> None:
    fake = start()
    opinions = [{"by": "ann", "label": "cat"}, {"by": "ben", "label": "dog"}]
    fake.extra = {
        "tasks": [
            fake.task(0, kind="adjudicate", opinions=opinions, guess=[{"label": "owl", "p": 0.9}])
        ]
    }
    window.open(fake.address())
    window.shows("Opinions differ: which is right?", "cat\nann", "dog\nben")
    assert "90" not in window.text()
    window.press("Enter")
    window.press("2")
    window.sent()
    assert given(fake, "label", "shown") == [["dog", False]]


def test_labels_given_earlier_are_corrected(window: Window, start: Started) -> None:
    fake = start()
    window.open(fake.address())
    window.answer("1")
    window.answer("2")
    window.sent()
    window.click("#to-list")
    window.shows("2 rows. Choose one to correct it.")
    window.click("#rows li:nth-child(2) button")
    window.shows("Labelled cat")
    window.press("3")
    window.shows("cat is owl now")
    window.press("Escape")
    window.until("document.body.dataset.view === 'list'")
    window.press("Escape")
    window.until("document.body.dataset.view === 'label'")
    window.sent()
    assert given(fake, "what", "row", "label")[2:] == [["correct", 0, "owl"]]
    assert any(address.endswith("/api/labelled?suspected=1") for address in window.asked())


def test_stopping_is_asked_about_once(window: Window, start: Started) -> None:
    fake = start()
    window.open(fake.address())
    window.click("#to-stop")
    window.press("1")  # a dialog takes no answers
    window.press("Escape")
    assert fake.posts == []
    window.click("#to-stop")
    window.click("#stop-now")
    window.shows("Stopped for today")
    assert given(fake, "what") == ["stop"]


def test_help_tells_the_keys(window: Window, start: Started) -> None:
    window.open(start().address())
    window.press("?")
    window.shows("take the last answer back")
    window.press("Escape")
    window.until("!document.querySelector('dialog[open]')")


def test_what_comes_from_outside_is_text(window: Window, start: Started) -> None:
    trap = "<img src=x onerror=document.title='caught'>"
    card: Json = {"kind": "text", "name": trap, "texts": [[trap, trap], ["b", trap]]}
    fake = start([card] * 8, {trap: "1", "dog": "2"}, people=("ann",))
    fake.extra = {"run": trap}
    window.open(fake.address())
    window.shows(trap)
    assert window.get("document.querySelectorAll('img').length") == 0
    assert window.get("document.title") != "caught"
    assert not re.search(
        r"innerHTML|outerHTML|insertAdjacent|eval\(", (PAGE / "page.js").read_text()
    )


# ---- Looks ----


def test_it_follows_the_system_into_the_dark(window: Window, start: Started) -> None:
    window.open(start().address())
    light = window.get(COLOURS)
    window.dark()
    assert not set(window.get(COLOURS)) & set(light)


@pytest.mark.parametrize("cards", [PICTURE_CARDS, TEXTS, CELLS], ids=["pictures", "texts", "cells"])
@pytest.mark.parametrize("classes", [CLASSES, MANY], ids=["few", "many"])
def test_nothing_is_wider_than_a_phone(
    cards: list[Json], classes: dict[str, str], window: Window, start: Started
) -> None:
    fake = start(cards, classes)
    window.size(390, 844)
    window.open(fake.address())
    for key in ("Enter", "1", "?"):
        window.press(key)
        assert window.get("document.documentElement.scrollWidth") == 390
    window.press("Escape")
    window.click("#to-list")
    window.shows("Go on labelling")
    assert window.get("document.documentElement.scrollWidth") == 390


def test_nothing_moves_from_row_to_row(window: Window, start: Started) -> None:
    window.open(start().address())
    parts = ("#stage", "#chooser", "#card", "#progress")
    places = f"JSON.stringify([{', '.join(BOX % part for part in parts)}])"
    before = window.get(places)
    for _ in range(3):
        window.answer("1")
        assert window.get(places) == before


@pytest.mark.parametrize(("row", "size"), [(0, (448, 448)), (1, (450, 180)), (2, (155, 448))])
def test_small_pictures_are_enlarged_within_reason(
    row: int, size: tuple[int, int], window: Window, start: Started
) -> None:
    window.open(start([picture_card(0, PICTURES[row])] * 8, pictures=[PICTURES[row]]).address())
    assert tuple(map(round, window.get(PICTURE))) == size


def test_a_large_picture_fits_and_keeps_its_shape(window: Window, start: Started) -> None:
    window.open(start([PICTURE_CARDS[3]] * 8, pictures=[PICTURES[3]]).address())
    width, height = window.get(PICTURE)
    assert width <= window.get("document.querySelector('#card').clientWidth")
    assert width / height == pytest.approx(1.5, rel=0.01)


@pytest.mark.parametrize("classes", [CLASSES, MANY], ids=["few", "many"])
def test_every_control_has_a_name_and_is_reached_by_the_keyboard(
    classes: dict[str, str], window: Window, start: Started
) -> None:
    fake = start(TEXTS, classes)
    fake.round = 1
    window.open(fake.address())
    window.get(WANTED)
    wanted = window.get("document.querySelectorAll('[data-wanted]').length")
    for _ in range(wanted + 2):
        window.press("Tab")
        window.get("document.activeElement.removeAttribute('data-wanted')")
    assert wanted >= 10
    assert (
        window.get("[...document.querySelectorAll('[data-wanted]')].map(part => part.outerHTML)")
        == []
    )
    nodes = window.browser.call("Accessibility.getFullAXTree")["nodes"]
    roles = ("button", "combobox", "listbox", "option", "progressbar", "article", "image", "region")
    parts = [node for node in nodes if node.get("role", {}).get("value") in roles]
    assert [node for node in parts if not node.get("name", {}).get("value")] == []


@pytest.mark.parametrize(
    ("cards", "classes"),
    [(PICTURE_CARDS, CLASSES), (TEXTS, MANY), (CELLS, CLASSES)],
    ids=["pictures", "texts", "cells"],
)
def test_it_is_read_by_everybody(
    cards: list[Json], classes: dict[str, str], window: Window, start: Started
) -> None:
    fake = start(cards, classes)
    fake.round = 1
    fake.extra = {"advice": {"rule": "kappa", "value": 0.99, "reason": "they agree"}}
    for width, scheme in accessible.LOOKS:
        accessible.look(window.browser, width, scheme)
        window.open(fake.address())
        for key in ("Escape", "?"):
            window.press(key)
            assert accessible.faint(window.browser) == []
            assert accessible.unreached(window.browser) == []
            assert window.get("document.documentElement.scrollWidth") <= width
        html = window.get("document.documentElement.outerHTML")
        assert accessible.faults(f"<!DOCTYPE html>{html}") == []


def test_the_list_is_read_by_everybody(window: Window, start: Started) -> None:
    fake = start()
    for width, scheme in accessible.LOOKS:
        accessible.look(window.browser, width, scheme)
        window.open(fake.address())
        window.answer("1")
        window.sent()
        window.click("#to-list")
        window.until("document.querySelector('#rows button')")
        assert accessible.faint(window.browser) == []


@pytest.mark.parametrize("dialog", ["help", "stop"])
def test_a_dialog_keeps_the_focus_and_gives_it_back(
    dialog: str, window: Window, start: Started
) -> None:
    window.open(start().address())
    window.get(f"document.querySelector('#to-{dialog}').focus()")
    window.press("Enter")
    window.until(f"document.querySelector('#{dialog}').open")
    for _ in range(4):
        inside, _ = window.get(FOCUS)
        assert inside == dialog or window.get("document.activeElement === document.body")
        window.press("Tab")
    window.press("Escape")
    window.until(f"document.activeElement.id === 'to-{dialog}'")


@pytest.mark.parametrize("classes", [CLASSES, MANY], ids=["few", "many"])
def test_whoever_goes_by_the_keyboard_sees_where(
    classes: dict[str, str], window: Window, start: Started
) -> None:
    window.open(start(TEXTS, classes).address())
    for _ in range(14):
        window.press("Tab")
        assert window.get(FOCUS)[1], window.get("document.activeElement.outerHTML")


def text_card(*texts: list[str]) -> list[Json]:
    return [{"kind": "text", "name": "row", "texts": [*texts]}] * 8


def test_texts_of_a_row_stand_below_the_names_of_their_columns(
    window: Window, start: Started
) -> None:
    window.open(start(text_card(["question", "Who?"], ["answer", "It is I."])).address())
    parts = window.get("[...document.querySelector('.texts').children].map(part => part.innerText)")
    assert parts == ["question", "Who?", "answer", "It is I."]


@pytest.mark.parametrize(("classes", "space"), [(CLASSES, " "), (MANY, "PageDown")])
def test_keys_read_on_in_a_long_text_and_answer_as_ever(
    classes: dict[str, str], space: str, window: Window, start: Started
) -> None:
    fake = start(text_card(["text", "and more \n" * 10_000]), classes)
    fake.round = 1
    window.open(fake.address())
    card, texts = (f"document.querySelector('{part}')" for part in ("#card", ".texts"))
    assert window.get(f"{texts}.clientHeight <= {card}.clientHeight")
    window.press(space)
    window.until(f"{texts}.scrollTop > {card}.clientHeight / 2")
    window.press("PageUp")
    window.until(f"{texts}.scrollTop === 0")
    window.answer("Enter")
    assert window.get(f"{texts}.scrollTop") == 0
    window.sent()
    assert len(fake.posts) == 1


def test_a_text_from_right_to_left_begins_at_the_right(window: Window, start: Started) -> None:
    hebrew = "\u05d6\u05d4 \u05d8\u05e7\u05e1\u05d8"
    window.open(start(text_card(["question", hebrew], ["answer", "text"])).address())
    sides = "[...document.querySelectorAll('.texts p')].map(p => getComputedStyle(p).direction)"
    assert window.get(sides) == ["rtl", "ltr"]


def test_of_a_long_text_the_list_and_the_voice_have_the_beginning(
    window: Window, start: Started
) -> None:
    fake = start(text_card(["text", "\U0001f600" * 50_000]))
    window.open(fake.address())
    assert window.get("[...document.querySelector('#live').textContent].length") < 1000
    window.answer("1")
    window.sent()
    window.click("#to-list")
    window.until("document.querySelector('#rows p')")
    listed = window.get("document.querySelector('#rows p').textContent")
    assert listed == "\U0001f600" * 300 + "…"


def test_a_label_is_listed_with_the_class_that_a_model_takes_it_for(
    window: Window, start: Started, monkeypatch: pytest.MonkeyPatch
) -> None:
    fake = start()
    doubt = {"suspected": "dog", "suspicion": 0.56}
    row = fake.task(0, kind="review", label="cat") | doubt
    monkeypatch.setattr(fake, "labelled", lambda: {"rows": [row]})
    window.open(fake.address())
    window.click("#to-list")
    window.shows("dog? 56", "1 row, 1 of them another class to the model")
