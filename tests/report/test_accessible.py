"""The report is sound HTML, and everybody can read it."""

from pathlib import Path

import pytest

from autoal.report.write import write_report
from tests import accessible
from tests.browser import chromium, opened
from tests.report.made import write_defects

PROGRAM = chromium()


@pytest.fixture
def page(tmp_path: Path) -> Path:
    write_defects(tmp_path / "runs")
    return write_report([tmp_path / "runs"], tmp_path / "out")


def test_the_report_is_sound_html(page: Path) -> None:
    assert accessible.faults(page.read_text("utf-8")) == []


@pytest.mark.skipif(not PROGRAM, reason="no Chromium on PATH or in AUTOAL_CHROMIUM")
def test_the_report_is_read_and_scrolled_by_everybody(page: Path, tmp_path: Path) -> None:
    with opened(str(PROGRAM), tmp_path / "profile") as browser:
        browser.call("Page.enable")
        assert accessible.barred(browser, page.as_uri()) == []
