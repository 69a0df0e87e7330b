"""The colours of pages and figures."""

import re

import pytest

from autoal.document import PALETTE

LIGHT, DARK = (
    dict(re.findall(r"--(\w+): (#[0-9a-f]+)", part)) for part in PALETTE.split("@media", 1)
)


def luminance(colour: str) -> float:
    """As WCAG 2.2 defines it."""
    digits = colour.lstrip("#")
    pairs = [digit * 2 for digit in digits] if len(digits) == 3 else re.findall("..", digits)
    parts = [int(pair, 16) / 255 for pair in pairs]
    red, green, blue = (
        part / 12.92 if part <= 0.04045 else ((part + 0.055) / 1.055) ** 2.4 for part in parts
    )
    return 0.2126 * red + 0.7152 * green + 0.0722 * blue


def contrast(one: str, other: str) -> float:
    dark, light = sorted(map(luminance, (one, other)))
    return (light + 0.05) / (dark + 0.05)


def test_the_contrast_is_that_of_the_standard() -> None:
    assert contrast("#fff", "#000") == pytest.approx(21)
    assert contrast("#777777", "#ffffff") == pytest.approx(4.48, abs=0.005)


@pytest.mark.parametrize("colours", [LIGHT, DARK], ids=["light", "dark"])
def test_words_and_lines_stand_out_from_the_paper(colours: dict[str, str]) -> None:
    drawn = [f"c{place}" for place in range(8)]
    assert {"ink", "quiet", *drawn} <= set(colours)
    for name in ("ink", "quiet", *drawn):  # names of lines are written in their colours
        assert contrast(colours[name], colours["paper"]) >= 4.5, name
