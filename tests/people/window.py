"""The labelling page in a browser, as somebody sees and uses it."""

import base64
import time
from pathlib import Path
from typing import Any

from tests.browser import Browser

CODES = {"Enter": 13, "Backspace": 8, "Escape": 27, "Tab": 9, "ArrowDown": 40, "ArrowUp": 38}
TEXTS = {"Enter": "\r"}  # what a key types, where that is not its name
MIDDLE = """(() => { const at = document.querySelector(%s).getBoundingClientRect();
  return [at.x + at.width / 2, at.y + at.height / 2]; })()"""


class Window:
    """One tab with the page."""

    def __init__(self, browser: Browser) -> None:
        self.browser = browser
        for domain in ("Network", "Page", "Log", "Runtime"):
            browser.call(f"{domain}.enable")

    def open(self, address: str, *, ready: str = "document.body.dataset.row") -> None:
        self._load(f"location.href = {address!r}")
        self.until(ready)

    def reload(self) -> None:
        self._load("location.reload()")

    def _load(self, script: str) -> None:
        """Goes there, though the page may ask to stay while answers are on their way."""
        self.browser.events.clear()
        self.get(f"setTimeout(() => {{ {script} }})")
        loaded, asked = "Page.loadEventFired", "Page.javascriptDialogOpening"
        if self.browser.wait(loaded, asked) == asked:
            self.browser.call("Page.handleJavaScriptDialog", accept=True)
            self.browser.wait(loaded)

    def get(self, expression: str) -> Any:
        return self.browser.evaluate(expression)

    def until(self, expression: str, seconds: float = 60.0) -> None:
        end = time.monotonic() + seconds
        while not self.get(f"!!({expression})"):
            assert time.monotonic() < end, f"waited in vain for: {expression}\n{self.text()}"
            time.sleep(0.005)

    def text(self) -> str:
        return str(self.get("document.body.innerText"))

    def row(self) -> int:
        return int(self.get("document.body.dataset.row"))

    def shows(self, *words: str) -> None:
        for each in words:
            self.until(f"document.body.innerText.toLowerCase().includes({each.lower()!r})")

    def press(self, *keys: str, alt: bool = False, held: bool = False) -> None:
        for key in keys:
            letter = key if len(key) == 1 else ""
            about = {
                "key": key,
                "code": f"Key{key.upper()}" if letter.isalpha() else key,
                "windowsVirtualKeyCode": CODES.get(key, ord(key.upper()) if letter else 0),
                "modifiers": 1 if alt else 0,
            }
            typed = {} if alt else {"text": TEXTS.get(key, letter)}
            for repeated in (False, True) if held else (False,):
                down = {"type": "keyDown", "autoRepeat": repeated, **about, **typed}
                self.browser.call("Input.dispatchKeyEvent", **down)
            self.browser.call("Input.dispatchKeyEvent", type="keyUp", **about)

    def answer(self, key: str) -> int:
        """Answers by a key, waits for what comes next, and tells which row it was."""
        row = self.row()
        self.press(key)
        self.until(f"document.body.dataset.row && document.body.dataset.row !== '{row}'")
        return row

    def click(self, selector: str) -> None:
        """By the mouse, at its middle."""
        self.until(f"document.querySelector({selector!r})")
        middle = self.get(MIDDLE % repr(selector))
        for kind in ("mousePressed", "mouseReleased"):
            about = {"type": kind, "button": "left", "clickCount": 1}
            self.browser.call("Input.dispatchMouseEvent", x=middle[0], y=middle[1], **about)

    def offline(self, offline: bool) -> None:
        self.browser.call(
            "Network.emulateNetworkConditions",
            offline=offline,
            latency=0,
            downloadThroughput=-1,
            uploadThroughput=-1,
        )

    def dark(self, dark: bool = True) -> None:
        feature = {"name": "prefers-color-scheme", "value": "dark" if dark else "light"}
        self.browser.call("Emulation.setEmulatedMedia", features=[feature])

    def size(self, width: int, height: int) -> None:
        self.browser.call(
            "Emulation.setDeviceMetricsOverride",
            width=width,
            height=height,
            deviceScaleFactor=1,
            mobile=width < 500,
        )

    def save(self, path: Path) -> None:
        shot = self.browser.call("Page.captureScreenshot", format="png")
        path.write_bytes(base64.b64decode(shot["data"]))

    def sent(self) -> None:
        """Waits until the server has every answer."""
        self.until("Object.values(sessionStorage).every(kept => kept === '[]')")

    def asked(self) -> list[str]:
        """The addresses that were asked for."""
        return [
            event["params"]["request"]["url"]
            for event in self.browser.events
            if event["method"] == "Network.requestWillBeSent"
        ]

    def complaints(self) -> list[dict[str, Any]]:
        """The messages on the console."""
        wrong = ("Log.entryAdded", "Runtime.exceptionThrown", "Runtime.consoleAPICalled")
        return [event for event in self.browser.events if event["method"] in wrong]
