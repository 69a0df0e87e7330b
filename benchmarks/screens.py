"""Pictures of what people see, for the documentation: labelling page, report, terminal, site.

python -m benchmarks.screens [--out FOLDER] [--only label report terminal site]
"""

import argparse
import fcntl
import os
import pty
import struct
import subprocess
import sys
import termios
from collections.abc import Callable, Iterator
from html import escape
from pathlib import Path
from tempfile import TemporaryDirectory

import pyte
from PIL import Image
from pyte.screens import Char

from autoal.report.write import write_report
from benchmarks.label_page import READY, Scene, Staged
from tests.browser import chromium, opened
from tests.people.fake import served
from tests.people.window import Window

ROOT = Path(__file__).resolve().parent.parent
PICTURES = ROOT / "docs" / "pictures"
COLOURS = 192  # of a picture; few keep it small
WIDE, NARROW = 1280, 400
POSES = {"light": (WIDE, False), "dark": (WIDE, True), "narrow": (NARROW, False)}
HEIGHTS = {"label": 800, "report": 1500, "site": 900}
RUN = ("task=logistic", "strategy=margin", "rounds=4", "name=my-run")
SWEEP = ("-m", "task=logistic", "strategy=autoal,margin,random", "seed=0,1,2,3", "rounds=6")
QUIETLY = ("logger=none", "hydra/launcher=basic")  # options that the pictures do not show
SIZE = "(text => [text.offsetWidth, text.offsetHeight])(document.querySelector('pre'))"
SETTLED = """new Promise(done => { document.getAnimations().forEach(each => each.finish());
  requestAnimationFrame(() => requestAnimationFrame(done)); })"""
LINES, LAST = 400, 30  # rows of a terminal: more than any command prints, and those shown
# The colours of a terminal, by pyte's names.
PALETTE = {
    **{"default": "#e6edf3", "black": "#6e7681", "red": "#ff7b72", "green": "#56d364"},
    **{"brown": "#e3b341", "blue": "#79c0ff", "magenta": "#d2a8ff", "cyan": "#56d4dd"},
    "white": "#ffffff",
}
TERMINAL = """<!DOCTYPE html><html lang="en"><title>terminal</title><style>
body {{ margin: 0; background: #0d1117; }}
pre {{ display: inline-block; margin: 0; padding: 16px 20px; font: 14px/1.35 "DejaVu Sans Mono",
  monospace; color: #e6edf3; min-width: {columns}ch; }} b {{ font-weight: 700; }}
</style><pre>{shown}</pre>"""


def typed(words: tuple[str, ...], columns: int, folder: Path) -> str:
    """A page with the final screen of the command on a terminal of this many columns."""
    screen = pyte.Screen(columns, LINES)
    stream = pyte.ByteStream(screen)
    ours, theirs = pty.openpty()
    fcntl.ioctl(theirs, termios.TIOCSWINSZ, struct.pack("HHHH", LINES, columns, 0, 0))
    command = [sys.executable, "-m", "autoal", *words, *QUIETLY]
    environment = {**os.environ, "TERM": "xterm-256color", "PYTHONPATH": str(ROOT)}
    for name in ("COLUMNS", "LINES"):
        environment.pop(name, None)
    process = subprocess.Popen(
        command, cwd=folder, env=environment, stdin=theirs, stdout=theirs, stderr=theirs
    )
    os.close(theirs)
    for content in _read(ours):
        stream.feed(content)
    assert process.wait() == 0, screen.display
    lines = [_line([screen.buffer[place][at] for at in range(columns)]) for place in range(LINES)]
    lines = "\n".join(lines).rstrip().split("\n")
    begun = [f"<b>$ autoal {escape(' '.join(words))}</b>", *(["…"] if len(lines) > LAST else [])]
    return TERMINAL.format(columns=columns, shown="\n".join([*begun, *lines[-LAST:]]))


def _read(end: int) -> Iterator[bytes]:
    """Everything written until the other end closes, which Linux reports as an error."""
    try:
        while content := os.read(end, 1 << 16):
            yield content
    except OSError:
        pass
    os.close(end)


def _line(cells: list[Char]) -> str:
    return "".join(map(_cell, cells)).rstrip()


def _cell(cell: Char) -> str:
    if cell.data == " ":
        return " "
    colour = PALETTE.get(cell.fg, f"#{cell.fg}")
    shown = escape(cell.data) if cell.fg == "default" else _coloured(escape(cell.data), colour)
    return f"<b>{shown}</b>" if cell.bold else shown


def _coloured(letter: str, colour: str) -> str:
    return f'<span style="color:{colour}">{letter}</span>'


def label(window: Window, scratch: Path) -> Iterator[str]:
    """The labelling page, in the middle of a round."""
    with served(Staged(Scene())) as page:
        window.open(page.address(), ready=READY)
        yield from POSES


def report(window: Window, scratch: Path) -> Iterator[str]:
    """The top of the report on a sweep."""
    typed(SWEEP, 140, scratch)
    window.browser.load(write_report([scratch / "runs"], scratch).as_uri())
    yield from POSES


def terminal(window: Window, scratch: Path) -> Iterator[str]:
    """A run, and on a wider terminal a sweep."""
    for columns, words in {80: RUN, 140: SWEEP}.items():
        page = scratch / f"{columns}.html"
        page.write_text(typed(words, columns, scratch))
        window.browser.load(page.as_uri())
        window.size(*window.get(SIZE))
        yield str(columns)


def site(window: Window, scratch: Path) -> Iterator[str]:
    """The home page of the site."""
    command = [sys.executable, "-m", "sphinx", "-q", str(ROOT / "docs"), str(scratch)]
    subprocess.run(command, check=True)
    window.browser.load((scratch / "index.html").as_uri())
    yield from POSES


SCREENS: dict[str, Callable[[Window, Path], Iterator[str]]] = {
    each.__name__: each for each in (label, report, terminal, site)
}


def pose(window: Window, height: int, width: int, dark: bool) -> None:
    """Show the page at another size, light or dark, and wait until nothing moves."""
    window.size(width, height)
    window.dark(dark)
    window.browser.call("Runtime.evaluate", expression=SETTLED, awaitPromise=True)


def take(window: Window, path: Path) -> None:
    """Keep a picture of the window, with few colours so that the file is small."""
    window.save(path)
    with Image.open(path) as taken:
        few = taken.convert("RGB").quantize(COLOURS)
    few.save(path, optimize=True)
    print(f"{path}  {path.stat().st_size // 1000} kB")


def main(arguments: list[str]) -> None:
    """Take the pictures of these screens, or of all."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--out", type=Path, default=PICTURES, metavar="FOLDER")
    parser.add_argument("--only", nargs="*", choices=SCREENS, default=list(SCREENS))
    chosen = parser.parse_args(arguments)
    chosen.out.mkdir(parents=True, exist_ok=True)
    with TemporaryDirectory() as scratch, opened(str(chromium()), Path(scratch, "us")) as browser:
        window = Window(browser)
        browser.call("Emulation.setScrollbarsHidden", hidden=True)
        for name in chosen.only:
            place = Path(scratch, name)
            place.mkdir()
            for kind in SCREENS[name](window, place):
                if name in HEIGHTS:
                    pose(window, HEIGHTS[name], *POSES[kind])
                take(window, chosen.out / f"{name}-{kind}.png")


if __name__ == "__main__":
    main(sys.argv[1:])
