"""Pictures of a terminal."""

import pytest

pytest.importorskip("pyte", reason="no extra `benchmarks`")

import pyte

from benchmarks import screens


def test_a_terminal_is_shown_as_it_stands_in_the_end() -> None:
    screen = pyte.Screen(12, 3)
    pyte.Stream(screen).feed("working\r\x1b[2K\x1b[1ma<b\x1b[0m \x1b[32m1\x1b[0m\r\nplain")
    lines = [screens._line([screen.buffer[row][at] for at in range(12)]) for row in range(3)]
    green = screens.PALETTE["green"]
    assert lines == [
        f'<b>a</b><b>&lt;</b><b>b</b> <span style="color:{green}">1</span>',
        "plain",
        "",
    ]
