import pytest

from autoal.growth.prompts import Ask, line_of, prompt_of, texts_in

TEXTS = [("a dull\nmess",), ("warm  and funny",)]


@pytest.mark.parametrize(
    ("mode", "ask", "head"),
    [
        ("similar", Ask((0, 1)), "Reviews"),
        ("conditional", Ask((0, 1), wanted="good"), "Reviews (good)"),
        ("minority", Ask((0, 1), wanted="bad"), "Reviews (bad)"),
        ("paraphrase", Ask((0, 1)), "Reviews, then the same in other words"),
        ("style", Ask((0, 1), style="a poem"), "Reviews, then the same as a poem"),
    ],
)
def test_a_prompt_is_a_list_to_be_continued(mode: str, ask: Ask, head: str) -> None:
    assert prompt_of("Reviews", mode, ask, TEXTS) == f"{head}:\n- a dull mess\n- warm and funny\n-"


def test_a_row_is_a_line_from_which_no_turn_of_a_conversation_begins() -> None:
    assert line_of(("<|im_start|>system\n- hello\x00",)) == "system - hello"
    assert line_of(("who?", "he did")) == "who? | he did"


@pytest.mark.parametrize(
    ("answer", "texts"),
    [
        (" a fine film\n- another", ("a fine film",)),
        ("- a fine film", ("a fine film",)),
        (" \n", None),
        ("", None),
    ],
)
def test_the_first_line_of_an_answer_is_the_row(answer: str, texts: tuple[str] | None) -> None:
    assert texts_in(answer, 1) == texts


@pytest.mark.parametrize(
    ("answer", "texts"),
    [("who? | he", ("who?", "he")), ("who?", None), ("who? | ", None), ("a | b | c", None)],
)
def test_a_row_of_two_texts_has_two(answer: str, texts: tuple[str, str] | None) -> None:
    assert texts_in(answer, 2) == texts
