"""The report is sound HTML, and everybody can read it."""

import json
from io import BytesIO
from pathlib import Path

import pytest
from PIL import Image
from PIL.PngImagePlugin import PngInfo

from autoal.report.write import write_report
from tests import accessible
from tests.browser import chromium, opened
from tests.report.made import TWO, keep_pictures, keep_tables, write_defects, write_run

PROGRAM = chromium()


@pytest.fixture
def page(tmp_path: Path) -> Path:
    """Everything that a report may have: defects, small charts, pictures and rows of queries."""
    write_defects(tmp_path / "runs")
    for place, name in enumerate(("random", "entropy", "badge", "coreset", "uherding", "bald")):
        values = [0.5, 0.6 + place / 100, 0.7]
        run = write_run(tmp_path / "many", name, values, strategy=name, data={"name": "many"})
        keep_pictures(run, *(real_png(name, number) for number in range(3)))
    told = [{"columns": ["round", "row"], "data": [[number, "<b>"]]} for number in range(3)]
    keep_tables(run, *map(json.dumps, told), kind="rows")
    return write_report([tmp_path / "runs", tmp_path / "many"], tmp_path / "out")


def real_png(*words: object) -> bytes:
    """Two grey pictures side by side, and framed, as a browser can show them."""
    drawn = BytesIO()
    Image.new("L", TWO, 99).save(drawn, "png", pnginfo=told_in(repr(words)))
    return drawn.getvalue()


def told_in(words: str) -> PngInfo:
    info = PngInfo()
    info.add_text("words", words)
    return info


def test_the_report_is_sound_html(page: Path) -> None:
    text = page.read_text("utf-8")
    assert accessible.faults(text) == []
    assert text.count('class="crop"') > 0


@pytest.mark.skipif(not PROGRAM, reason="no Chromium on PATH or in AUTOAL_CHROMIUM")
def test_the_report_is_read_and_scrolled_by_everybody(page: Path, tmp_path: Path) -> None:
    with opened(str(PROGRAM), tmp_path / "profile") as browser:
        browser.call("Page.enable")
        assert accessible.barred(browser, page.as_uri()) == []
