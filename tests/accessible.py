"""Obstacles to reading a page: faults of its HTML, faint text, lost scrolling."""

import json
from collections import Counter
from pathlib import Path
from typing import Any

import html5lib

from tests.browser import Browser

CONTRASTS = (Path(__file__).parent / "contrasts.js").read_text()

# Boxes with more in them than they show, which a keyboard cannot scroll unless it gets into them;
# the options of a list follow its field, in which the arrows choose.
UNREACHED = """[...document.querySelectorAll('body *')].filter(part => {
  const style = getComputedStyle(part);
  const scrolls = /auto|scroll/.test(style.overflowX + style.overflowY) && part.checkVisibility()
    && (part.scrollWidth > part.clientWidth + 1 || part.scrollHeight > part.clientHeight + 1);
  const within = part.querySelector('a[href], button, input, summary, [tabindex="0"]');
  return scrolls && part.tabIndex < 0 && !within && part.role !== 'listbox';
}).map(part => part.outerHTML.slice(0, 100))"""


LOOKS = [(width, scheme) for width in (1280, 400) for scheme in ("light", "dark")]


def look(browser: Browser, width: int, scheme: str) -> None:
    """Show pages in a window of this width, light or dark."""
    size = {"width": width, "height": 900, "deviceScaleFactor": 1, "mobile": False}
    browser.call("Emulation.setDeviceMetricsOverride", **size)
    feature = {"name": "prefers-color-scheme", "value": scheme}
    browser.call("Emulation.setEmulatedMedia", features=[feature])


def barred(browser: Browser, address: str) -> list[str]:
    """The obstacles of a page, wide and narrow, light and dark; `Page` must be enabled."""
    found = []
    for width, scheme in LOOKS:
        look(browser, width, scheme)
        browser.load(address)
        wide = browser.evaluate("document.documentElement.scrollWidth > innerWidth")
        told = [*faint(browser), *unreached(browser), *(["it is wider than that"] if wide else [])]
        found += [f"{width} {scheme}: {each}" for each in told]
    return found


def faint(browser: Browser) -> list[str]:
    """The texts of the page that is open whose contrast is below level AA."""
    texts: list[dict[str, Any]] = json.loads(browser.evaluate(CONTRASTS))
    assert texts, "there is no text to be seen"
    lines = [f"{each['ratio']:.2f} {each['tag']} {each['text']}" for each in texts]
    return [line for line, each in zip(lines, texts, strict=True) if each["ratio"] < each["needed"]]


def unreached(browser: Browser) -> list[str]:
    """The boxes of the page that is open that scroll by the mouse alone."""
    return list(browser.evaluate(UNREACHED))


def faults(html: str) -> list[str]:
    """Where it breaks the rules of HTML, and pictures that have no words."""
    parser = html5lib.HTMLParser(namespaceHTMLElements=False)
    tree = parser.parse(html)
    found = [f"{place}: {kind} {about}" for place, kind, about in parser.errors]
    ids = Counter(part.get("id") for part in tree.iter() if part.get("id"))
    found += [f"id {name} stands {count} times" for name, count in ids.items() if count > 1]
    found += ["img without alt" for part in tree.iter("img") if part.get("alt") is None]
    found += [
        "dl without dt" for part in tree.iter("dl") if len(part) and part.find(".//dt") is None
    ]
    drawings = (part for part in tree.iter("svg") if part.get("aria-hidden") != "true")
    found += [
        f"svg without words: {part.attrib}"
        for part in drawings
        if part.get("role") != "img" or not part.get("aria-label")
    ]
    return found
