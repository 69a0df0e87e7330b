"""The report in a real browser: every figure is drawn, and nothing is fetched."""

from pathlib import Path

import pytest

from autoal.report.write import write_report
from tests.browser import chromium, opened
from tests.report.made import write_defects, write_run

PROGRAM = chromium()
FIGURES = """
[...document.querySelectorAll('svg')].map(svg => {
  const around = svg.getBoundingClientRect(), inner = svg.getBBox();
  return {
    name: svg.getAttribute('aria-label'),
    parts: svg.querySelectorAll('rect, polyline, circle, use').length,
    fits: inner.width > 0 && inner.height > 0 && inner.x >= -1 && inner.y >= -1
      && inner.x + inner.width <= around.width + 1 && inner.y + inner.height <= around.height + 1,
  };
})
"""
CROSSING = """
[...document.querySelectorAll('svg')].filter(svg => {
  const names = [...svg.querySelectorAll('text')].map(text => text.getBoundingClientRect());
  return names.some((one, at) => names.slice(at + 1).some(other =>
    one.left < other.right && other.left < one.right
    && one.top + 3 < other.bottom && other.top + 3 < one.bottom));
}).map(svg => svg.getAttribute('aria-label'))
"""
PAPER = "getComputedStyle(document.body).backgroundColor"
INK = "getComputedStyle(document.querySelector('svg text')).fill"


@pytest.mark.skipif(not PROGRAM, reason="no Chromium on PATH or in AUTOAL_CHROMIUM")
def test_a_browser_draws_every_figure_and_fetches_nothing(tmp_path: Path) -> None:
    write_defects(tmp_path / "runs")
    for place in range(6):  # more than can have bands in one chart, and all end in the same place
        values = [0.4, 0.6 + place / 1000]
        write_run(tmp_path / "runs", f"many-{place}", values, strategy=f"s{place}", rounds=1)
    page = write_report([tmp_path / "runs"], tmp_path / "out")
    with opened(str(PROGRAM), tmp_path / "profile") as browser:
        for domain in ("Network", "Page", "Log", "Runtime"):
            browser.call(f"{domain}.enable")
        browser.call("Page.navigate", url=page.as_uri())
        browser.wait("Page.loadEventFired")
        figures, crossing = browser.evaluate(FIGURES), browser.evaluate(CROSSING)
        light = (browser.evaluate(PAPER), browser.evaluate(INK))
        dark = {"name": "prefers-color-scheme", "value": "dark"}
        browser.call("Emulation.setEmulatedMedia", features=[dark])
        assert (browser.evaluate(PAPER), browser.evaluate(INK)) != light
        narrow = {"width": 400, "height": 800, "deviceScaleFactor": 1, "mobile": True}
        browser.call("Emulation.setDeviceMetricsOverride", **narrow)
        assert browser.evaluate("document.documentElement.scrollWidth") <= 400
    asked = [
        event["params"]["request"]["url"]
        for event in browser.events
        if event["method"] == "Network.requestWillBeSent"
    ]
    assert asked == [page.as_uri()]
    assert [event for event in browser.events if event["method"] == "Log.entryAdded"] == []
    # Three settings with curves and seconds, a chart for each of many strategies, gains, weights.
    assert len(figures) >= 14
    assert crossing == []
    assert [each for each in figures if not each["fits"] or not each["parts"]] == []
