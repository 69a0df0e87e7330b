from pathlib import Path
from typing import Any

import pytest
import torch

from autoal.data.seen import picture_in, seen, texts_in, visible
from autoal.data.texts import Text

PATH = Path("a.jpg")
PIXELS = torch.zeros(3, 4, 6, dtype=torch.uint8)


@pytest.mark.parametrize(
    ("shown", "picture"),
    [
        (PATH, PATH),
        (PIXELS, PIXELS),
        ({"taken": 2024, "file": PATH}, PATH),
        ({"taken": 2024}, None),
        ("a text", None),
        (None, None),
    ],
)
def test_the_picture_of_a_row_is_found(shown: Any, picture: Any) -> None:
    assert picture_in(shown) is picture


@pytest.mark.parametrize(
    ("shown", "parts"),
    [
        ({"file": PATH, "taken": 2024}, (PATH, {"taken": "2024"}, {})),
        (PATH, (PATH, {}, {})),
        ("a text", (None, {}, {"text": "a text"})),
        (Text.of(["q", "a"], ["Who?", "a: b\nq: c"]), (None, {}, {"q": "Who?", "a": "a: b\nq: c"})),
        (None, (None, {}, {})),
    ],
)
def test_a_row_may_have_a_picture_and_cells_beside_it_or_texts(shown: Any, parts: Any) -> None:
    assert seen(shown) == parts


@pytest.mark.parametrize(
    ("shown", "text"),
    [
        ("one\ntwo", "one\ntwo"),
        (Text.of(["q", "a"], ["Who?", "I."]), "q: Who?\n\na: I."),
        (None, ""),
    ],
)
def test_all_texts_of_a_row_stand_below_each_other(shown: Any, text: str) -> None:
    assert seen(shown).text == text


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("a bell \x07, an escape \x1b[31m", r"a bell \x07, an escape \x1b[31m"),
        ("\x00 \x7f \x93 \udcff", r"\x00 \x7f \x93 \udcff"),
        ("is \u202egpj.exe", r"is \u202egpj.exe"),
        (
            "\u202aa\u202bb\u202c \u2066c\u2067d\u2068e\u2069",
            r"\u202aa\u202bb\u202c \u2066c\u2067d\u2068e\u2069",
        ),
        ("no\u200bt \u2060g\ufeffood", r"no\u200bt \u2060g\ufeffood"),
        ("one\u2028two\u2029", r"one\u2028two\u2029"),
        ("tab\tline\r\nline\n", "tab\tline\r\nline\n"),
        ("over\rwritten", r"over\rwritten"),
        ("\u05d0\u200f, \u0646\u200c\u0627, \U0001f468\u200d\U0001f469", None),
    ],
    ids=[
        "controls",
        "bytes",
        "override",
        "turns",
        "widthless",
        "separators",
        "lines",
        "return",
        "scripts",
    ],
)
def test_what_has_no_sign_is_written_and_no_letter_changes_its_place(
    text: str, shown: str | None
) -> None:
    assert visible(text) == (shown or text)
    assert seen({text: text}).cells == {visible(text): visible(text)}


def test_a_list_of_texts_is_seen_one_by_one() -> None:
    assert texts_in(["why", "because"]) == {"text 1": "why", "text 2": "because"}
