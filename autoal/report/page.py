"""One page of HTML that holds all it shows: no script, no file beside it, no network."""

from collections.abc import Sequence
from dataclasses import dataclass, field

from autoal.escape import escaped
from autoal.report.pictures import Pictures
from autoal.report.svg import PALETTE, STROKES, Figure
from autoal.report.tables import Table

Part = Table | Figure | Pictures | str  # a text is a paragraph


@dataclass(frozen=True)
class Section:
    """A heading and what stands below it."""

    title: str
    parts: list[Part] = field(default_factory=list)


# The policy makes sure of it: a browser refuses to fetch anything for this page.
_POLICY = "default-src 'none'; style-src 'unsafe-inline'; img-src data:"

_STYLE = """
body { font: 15px/1.5 system-ui, sans-serif; color: var(--ink); background: var(--paper);
  max-width: 1100px; margin: 2rem auto; padding: 0 1rem; }
h2 { margin-top: 2.5rem; border-bottom: 1px solid var(--line); }
p { max-width: 46rem; }
.wide { overflow-x: auto; margin: 1rem 0; }
table { border-collapse: collapse; font-size: 13px; }
caption, figcaption { text-align: left; font-weight: 600; padding: .3rem 0; }
th, td { border-bottom: 1px solid var(--line); padding: .2rem .6rem; text-align: left;
  vertical-align: top; }
.number { text-align: right; white-space: nowrap; font-variant-numeric: tabular-nums; }
figure { margin: 1rem 0; overflow-x: auto; }
.pair { display: flex; gap: 1rem; flex-wrap: wrap; } .pair img { max-width: 100%; }
a { color: var(--c0); }
"""


def page(title: str, sections: Sequence[Section]) -> str:
    """The whole document."""
    links = " · ".join(
        f'<a href="#part-{number}">{escaped(section.title)}</a>'
        for number, section in enumerate(sections)
    )
    body = "\n".join(_section(number, section) for number, section in enumerate(sections))
    return (
        '<!DOCTYPE html>\n<html lang="en">\n<head>\n<meta charset="utf-8">\n'
        f'<meta http-equiv="Content-Security-Policy" content="{_POLICY}">\n'
        '<meta name="viewport" content="width=device-width, initial-scale=1">\n'
        f"<title>{escaped(title)}</title>\n<style>{PALETTE}{STROKES}{_STYLE}</style>\n</head>\n<body>\n"
        f"<h1>{escaped(title)}</h1>\n<nav>{links}</nav>\n{body}\n</body>\n</html>\n"
    )


def _section(number: int, section: Section) -> str:
    parts = "\n".join(map(_part, section.parts))
    return f'<section id="part-{number}">\n<h2>{escaped(section.title)}</h2>\n{parts}\n</section>'


def _part(part: Part) -> str:
    if isinstance(part, Table):
        return part.html()
    if isinstance(part, Figure):
        return f"<figure><figcaption>{escaped(part.title)}</figcaption>{part.svg}</figure>"
    if isinstance(part, Pictures):
        return _pictures(part)
    return f"<p>{escaped(part)}</p>"


def _pictures(part: Pictures) -> str:
    images = "".join(
        f'<div><img src="{address}" alt="{escaped(f"{part.contender}: {when} query")}">'
        f"<br>{when} query</div>"
        for when, address in (("first", part.first), ("last", part.last))
    )
    title = escaped(f"{part.setting}, {part.contender} ({part.run})")
    return f'<figure><figcaption>{title}</figcaption><div class="pair">{images}</div></figure>'
