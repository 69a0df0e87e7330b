"""The report in a real browser: every figure is drawn, and nothing is fetched."""

from pathlib import Path

import pytest

from autoal.report.write import write_report
from tests.browser import chromium, opened
from tests.report.made import write_defects

PROGRAM = chromium()
FIGURES = """
[...document.querySelectorAll('svg')].map(svg => {
  const around = svg.getBoundingClientRect(), inner = svg.getBBox();
  return {
    name: svg.getAttribute('aria-label'),
    parts: svg.querySelectorAll('rect, polyline, circle').length,
    fits: inner.width > 0 && inner.height > 0 && inner.x >= -1 && inner.y >= -1
      && inner.x + inner.width <= around.width + 1 && inner.y + inner.height <= around.height + 1,
  };
})
"""
PAPER = "getComputedStyle(document.body).backgroundColor"
INK = "getComputedStyle(document.querySelector('svg text')).fill"


@pytest.mark.skipif(not PROGRAM, reason="no Chromium on PATH or in AUTOAL_CHROMIUM")
def test_a_browser_draws_every_figure_and_fetches_nothing(tmp_path: Path) -> None:
    write_defects(tmp_path / "runs")
    page = write_report([tmp_path / "runs"], tmp_path / "out")
    with opened(str(PROGRAM), tmp_path / "profile") as browser:
        for domain in ("Network", "Page", "Log", "Runtime"):
            browser.call(f"{domain}.enable")
        browser.call("Page.navigate", url=page.as_uri())
        browser.wait("Page.loadEventFired")
        figures = browser.evaluate(FIGURES)
        light = (browser.evaluate(PAPER), browser.evaluate(INK))
        dark = {"name": "prefers-color-scheme", "value": "dark"}
        browser.call("Emulation.setEmulatedMedia", features=[dark])
        assert (browser.evaluate(PAPER), browser.evaluate(INK)) != light
    asked = [
        event["params"]["request"]["url"]
        for event in browser.events
        if event["method"] == "Network.requestWillBeSent"
    ]
    assert asked == [page.as_uri()]
    assert [event for event in browser.events if event["method"] == "Log.entryAdded"] == []
    # Two settings with curves, classes and seconds; weights and ranks beside them.
    assert len(figures) >= 8
    assert [each for each in figures if not each["fits"] or not each["parts"]] == []
