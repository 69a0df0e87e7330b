"""The page that shows what was asked in each round, and what was answered."""

import base64
import html
import re
from collections.abc import Callable
from io import BytesIO
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

from autoal import Data, Round
from autoal.data.texts import Text
from autoal.data.thumbnail import SIDE
from autoal.exported.batches import batches
from autoal.exported.gallery import CELLS, LETTERS, as_gallery
from autoal.labels import main
from tests.browser import chromium, opened
from tests.exported.made import COUNT, EVENTS, HISTORY, files, labelled, pets, pixels

PROGRAM = chromium()


def page(data: Data, **parts: Any) -> str:
    options = {"events": EVENTS, "start": "kmeans", "strategy": "margin", **parts}
    return as_gallery("pets", batches(data, labelled(data), HISTORY, **options))


def words(part: str) -> str:
    """The text that a person reads."""
    return " ".join(html.unescape(re.sub("<[^>]+>", " ", part)).split())


def cards(text: str) -> list[str]:
    return re.findall("<li.*?</li>", text, re.DOTALL)


def pictures(text: str) -> list[Image.Image]:
    found = re.findall('src="data:image/[a-z]+;base64,([^"]+)"', text)
    return [Image.open(BytesIO(base64.b64decode(content))) for content in found]


def test_each_card_tells_what_was_answered_by_whom_and_what_the_model_took_it_for() -> None:
    assert [words(card) for card in cards(page(pets(pixels())))] == [
        "cat 1 of 2 ann, 1.2 s train[5]",
        "dog 2 of 2 first cat, corrected later ben train[1]",
        "dog ann, 3.0 s train[2]",
        "cat ann, 4.0 s train[7]",
        "dog 1 of 2 the model's guess: cat ben, 0.5 s train[6]",
        "cat 2 of 2 model agreed, unseen ben, 60.0 s train[0]",
        "unsure the model's guess: dog ann, 9.0 s train[3]",
    ]


def test_only_another_class_than_the_answer_is_marked_as_a_wrong_guess() -> None:
    marked = [card for card in cards(page(pets(pixels()))) if card.startswith("<li class=wrong")]
    assert [words(card)[-8:] for card in marked] == ["train[6]"]


def test_rounds_say_why_their_rows_were_asked_about() -> None:
    text = page(pets(pixels()))
    assert [words(part) for part in re.findall("<h[23]>.*?</h[23]>", text)] == [
        "Round 0",
        "Chosen by kmeans, most wanted first",
        "Drawn at random, to judge the model without bias",
        "Round 1",
        "Chosen by margin, most wanted first",
        "Declined",
    ]
    assert "4 labelled · accuracy 0.5000 (0.25 to 0.75) afterwards, on the check rows" in text
    assert "2 labelled · 1 came labelled with the data · 1 corrected from earlier rounds" in text
    assert "the model agreed in 1 of 2" in text
    assert "7 rows were asked about in 2 rounds · cat: 3 · dog: 3 · declined: 1" in text


def test_a_random_start_and_a_simulated_run_say_what_they_know() -> None:
    text = page(pets(pixels()), events=[], start="random")
    assert "<h3>Drawn at random</h3>" in text
    assert "Named in a file" in page(pets(pixels()), start="file")
    assert "declined ann" not in words(text)
    assert "model" not in "".join(map(words, cards(text)))
    assert "checkbox" not in text


@pytest.mark.parametrize("channels", [1, 3, 5])
def test_tiny_pictures_come_as_they_are(channels: int) -> None:
    first, *others = pictures(page(pets(pixels(channels))))
    assert len(others) == 6
    assert first.format == "PNG"
    assert first.mode == ("L" if channels == 1 else "RGB")
    assert np.asarray(first).shape[:2] == (4, 4)
    assert np.asarray(first).min() == np.asarray(first).max() == 5 * 20


@pytest.mark.parametrize("beside", [False, True])
def test_large_ones_become_small_and_keep_their_shape(beside: bool, tmp_path: Path) -> None:
    paths = files(tmp_path / "pets", size=(1000, 500))
    shown = [{"picture": path, "born": f"in {2000 + n}"} for n, path in enumerate(paths)]
    text = page(pets(shown if beside else paths))
    assert {picture.size for picture in pictures(text)} == {(SIDE, SIDE // 2)}
    assert len(text) < 7 * 10_000
    assert ("born in 2005" in words(cards(text)[0])) == beside


def test_a_picture_that_is_gone_leaves_a_note(tmp_path: Path) -> None:
    paths = files(tmp_path / "pets")
    paths[5].unlink()
    paths[1].write_bytes(b"no picture")
    text = page(pets(paths))
    assert text.count("the picture is no longer readable") == 2
    assert len(pictures(text)) == 5


def test_rows_of_tables_and_texts_are_shown_up_to_a_length() -> None:
    cells = {f"column {number}": f"{number}" for number in range(CELLS + 3)}
    first = words(cards(page(pets([cells] * COUNT)))[0])
    assert f"column {CELLS - 1} {CELLS - 1} 3 more" in first
    first = cards(page(pets(["word " * 1000] * COUNT)))[0]
    assert first.count("word") == LETTERS // len("word ")
    assert "…" in first


def test_texts_stand_below_the_names_of_their_columns_where_there_are_several() -> None:
    one = page(pets(["Who?\nI."] * COUNT))
    assert '<p class="text" dir="auto">Who?\nI.</p>' in one
    assert 'class="column"' not in one
    pair = page(pets([Text.of(["question", "answer"], ["Who?", "\u202eI."])] * COUNT))
    assert words(cards(pair)[0]).startswith(r"question Who? answer \u202eI.")


@pytest.mark.parametrize(
    "form",
    [lambda evil: {evil: evil}, str, lambda evil: Text.of([evil, "b"], [evil, ""])],
    ids=["cells", "text", "texts"],
)
def test_nothing_that_others_wrote_is_anything_but_text(form: Callable[[str], Any]) -> None:
    evil = '<script>alert("x")</script>\0'
    data = pets([form(evil)] * COUNT, names=[evil] * COUNT)
    data.classes = (evil, "dog")
    text = as_gallery(
        evil, batches(data, labelled(data), HISTORY, EVENTS, start=evil, strategy=evil)
    )
    assert "<script" not in text
    assert "\0" not in text
    assert text.count("&lt;script&gt;") >= 30


def test_rounds_without_rows_are_told() -> None:
    data, empty = pets(), [Round(0, 0, [], [], {}, {}, 0)]
    text = as_gallery("none", batches(data, labelled(data), empty, start="random", strategy="x"))
    assert "0 rows were asked about in one round" in text


def test_a_simulated_run_has_a_gallery(mlp: Path, tmp_path: Path) -> None:
    out = tmp_path / "gallery.html"
    assert main([str(mlp), "--format", "gallery", "--out", str(out)]) == 0
    text = out.read_text()
    assert len(cards(text)) == len(pictures(text)) == 20
    assert "Chosen by margin" in text
    assert "<h1>run: what was asked, and answered</h1>" in text


@pytest.mark.usefixtures("kept")
def test_a_run_of_people_has_one(photos: Path, tmp_path: Path) -> None:
    out = tmp_path / "gallery.html"
    assert main([str(photos), "--format", "gallery", "--out", str(out)]) == 0
    text = out.read_text()
    assert len(cards(text)) == len(pictures(text)) == 14
    assert "unsure" in words(text)
    assert "4 of 4 the model" in words(text)


WIDE = "document.documentElement.scrollWidth > document.documentElement.clientWidth"
BROKEN = "[...document.images].filter(image => !image.complete || !image.naturalWidth).length"
SEEN = "[...document.querySelectorAll('li')].filter(item => item.offsetHeight > 0).length"
PAPER = "getComputedStyle(document.body).backgroundColor"


@pytest.mark.skipif(not PROGRAM, reason="no Chromium on PATH or in AUTOAL_CHROMIUM")
def test_a_browser_shows_it_wide_and_narrow_light_and_dark_and_fetches_nothing(
    tmp_path: Path,
) -> None:
    shown = [
        {"picture": path, "note": "word" * 40} for path in files(tmp_path / "pets", size=(300, 100))
    ]
    file = tmp_path / "gallery.html"
    file.write_text(page(pets(shown, names=["name" * 40] * COUNT)))
    with opened(str(PROGRAM), tmp_path / "profile") as browser:
        for domain in ("Network", "Page", "Log", "Runtime"):
            browser.call(f"{domain}.enable")
        browser.call("Page.navigate", url=file.as_uri())
        browser.wait("Page.loadEventFired")
        for width in (1280, 390):
            screen = {"width": width, "height": 800, "deviceScaleFactor": 1, "mobile": False}
            browser.call("Emulation.setDeviceMetricsOverride", **screen)
            assert not browser.evaluate(WIDE)
        assert browser.evaluate(BROKEN) == 0
        assert browser.evaluate(SEEN) == 7
        browser.evaluate("document.querySelector('#only-wrong').checked = true")
        assert browser.evaluate(SEEN) == 1
        light = browser.evaluate(PAPER)
        dark = {"name": "prefers-color-scheme", "value": "dark"}
        browser.call("Emulation.setEmulatedMedia", features=[dark])
        assert browser.evaluate(PAPER) != light
    told = [event for event in browser.events if event["method"] == "Log.entryAdded"]
    asked = [event for event in browser.events if event["method"] == "Network.requestWillBeSent"]
    urls = {event["params"]["request"]["url"] for event in asked}
    assert told == []
    assert {url for url in urls if not url.startswith("data:")} == {file.as_uri()}
