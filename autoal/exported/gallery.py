"""A page of the questions and answers of each round, whoever answered."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from pathlib import Path

from torch import Tensor

from autoal.data.pictures import CorruptError
from autoal.data.seen import Seen, visible
from autoal.document import document
from autoal.escape import escaped
from autoal.exported.batches import Batch, Card
from autoal.exported.thumbnail import held
from autoal.record.round import CHECK, CROSS_VALIDATION, Round

Draw = Callable[[Iterable[Card]], Iterator[str]]  # makes items of a list

CELLS = 24  # most cells of a table's row
LETTERS = 600  # most letters of a text
CLASSES = 30  # most classes counted at the top
CHOSEN = {"random": "Drawn at random", "file": "Named in a file, in its order"}
JUDGED = {
    "": "on the test rows",
    CHECK: "on the check rows",
    CROSS_VALIDATION: "by cross-validation, biased",
}
FILTER = (
    '<p><label class="filter"><input type="checkbox" id="only-wrong"> '
    "only what the model predicted wrongly</label></p>"
)

_STYLE = """
nav a { white-space: nowrap; } .quiet { color: var(--quiet); }
.filter { cursor: pointer; }
h3 { font-size: 1rem; margin: 1.5rem 0 .5rem; }
ol { list-style: none; padding: 0; margin: 1rem 0; display: grid; gap: 1rem;
  grid-template-columns: repeat(auto-fill, minmax(min(9.5rem, 44%), 1fr)); }
ol.wordy { grid-template-columns: repeat(auto-fill, minmax(min(19rem, 100%), 1fr)); }
li { display: flex; flex-direction: column; min-width: 0; border: 1px solid var(--line);
  border-radius: .6rem; overflow: hidden; font-size: 13px; line-height: 1.4; }
li p { margin: 0; overflow-wrap: anywhere; }
.seen { background: color-mix(in srgb, var(--line) 30%, transparent); display: grid;
  place-items: center; flex: 1; }
.seen img { display: block; width: 100%; aspect-ratio: 1; object-fit: contain; }
.wordy img { aspect-ratio: 3 / 2; }
.seen p, .seen dl { justify-self: stretch; align-self: start; margin: 0; padding: .7rem .8rem; }
.seen .text { white-space: pre-wrap; font-size: 14px; }
.seen:has(.text) { align-content: start; }
.seen .column { color: var(--quiet); font-weight: 600; padding-bottom: 0; }
.seen .column + .text { padding-top: .1rem; }
.seen .quiet { padding: 2rem .8rem; text-align: center; align-self: center; }
dl { display: grid; grid-template-columns: auto 1fr; gap: .1rem .8rem; }
dt { color: var(--quiet); } dd { margin: 0; text-align: right; overflow-wrap: anywhere;
  font-variant-numeric: tabular-nums; }
.said { padding: .45rem .7rem .6rem; border-top: 1px solid var(--line); }
.answer { display: flex; justify-content: space-between; gap: .5rem; font-size: 15px; }
.answer span { color: var(--quiet); font-size: 13px; font-variant-numeric: tabular-nums; }
.name { color: var(--quiet); white-space: nowrap; overflow: hidden; text-overflow: ellipsis; }
li.wrong { border-color: var(--c1); } .wrong .guess { color: var(--c1); }
.checked li { border-style: dotted; border-color: var(--c0); }
.declined li { border-style: dashed; }
.declined b { font-weight: 400; font-style: italic; }
.declined img { opacity: .6; }
.before { color: var(--c3); }
body:has(#only-wrong:checked) li:not(.wrong) { display: none; }
@media print { li { break-inside: avoid; } .filter { display: none; } }
"""


def as_gallery(name: str, batches: Sequence[Batch]) -> str:
    """The page, in HTML.

    Args:
        name: of the run.
        batches: its rounds.
    """
    cards = [card for batch in batches for card in batch.cards]
    head = [_links(batches), f"<p>{escaped(_counted(cards, batches))}</p>"]
    if any(card.wrong for card in cards):
        head.append(FILTER)
    with ThreadPoolExecutor() as threads:  # decoding pictures releases the GIL
        sections = [_section(batch, partial(threads.map, _card)) for batch in batches]
    title = f"{name}: what was asked, and answered"
    return document(title, _STYLE, "\n".join([*head, *sections]))


def _links(batches: Sequence[Batch]) -> str:
    numbers = [batch.done.number for batch in batches]
    links = " · ".join(f'<a href="#round-{number}">Round {number}</a>' for number in numbers)
    return f"<nav>{links}</nav>"


def _counted(cards: Sequence[Card], batches: Sequence[Batch]) -> str:
    """The number of rows of each class."""
    of = Counter(card.label for card in cards if card.label is not None)
    declined = len(cards) - of.total()
    parts = [f"{label}: {count:,}" for label, count in of.most_common(CLASSES)]
    parts += [f"{len(of) - CLASSES:,} more classes"] if len(of) > CLASSES else []
    parts += [f"declined: {declined:,}"] if declined else []
    rounds = f"{len(batches)} rounds" if len(batches) > 1 else "one round"
    return " · ".join([f"{len(cards):,} rows were asked about in {rounds}", *parts])


def _section(batch: Batch, draw: Draw) -> str:
    """One round."""
    number = batch.done.number
    parts = [
        _list(_chosen(batch), "queried", batch.queried, draw),
        _list("Drawn at random, to judge the model without bias", "checked", batch.checked, draw),
        _list("Declined", "declined", batch.declined, draw),
    ]
    return (
        f'<section id="round-{number}">\n<h2>Round {number}</h2>\n'
        f"<p>{escaped(' · '.join(_facts(batch)))}</p>\n{''.join(parts)}</section>"
    )


def _chosen(batch: Batch) -> str:
    """Why the rows of a round were asked about."""
    name = batch.chosen_by
    return CHOSEN.get(name, f"Chosen by {name}, most wanted first")


def _facts(batch: Batch) -> Iterator[str]:
    """The facts about a round."""
    done = batch.done
    labelled = [card for card in batch.cards if card.label is not None]
    guessed = [card for card in labelled if card.guess is not None]
    yield f"{len(labelled):,} labelled"
    if done.given:
        yield f"{len(done.given):,} came labelled with the data"
    if done.amended:
        yield f"{len(done.amended):,} corrected from earlier rounds"
    if made := sum(card.made for card in batch.cards):
        yield f"{made:,} made by the computer"
    if guessed:
        right = sum(not card.wrong for card in guessed)
        yield f"the model agreed in {right:,} of {len(guessed):,}"
    if "accuracy" in done.metrics:
        yield f"accuracy {_accuracy(done)} afterwards, {JUDGED[done.judged]}"


def _accuracy(done: Round) -> str:
    metrics = done.metrics
    if "accuracy_low" not in metrics:
        return f"{metrics['accuracy']:.4f}"
    low, high = metrics["accuracy_low"], metrics["accuracy_high"]
    return f"{metrics['accuracy']:.4f} ({low:.2f} to {high:.2f})"


def _list(title: str, kind: str, cards: Sequence[Card], draw: Draw) -> str:
    """Cards below a heading; empty without cards."""
    if not cards:
        return ""
    wordy = any(card.seen.cells or card.seen.texts for card in cards)
    classes = f"{kind} wordy" if wordy else kind
    items = "\n".join(draw(cards))
    return f'<h3>{escaped(title)}</h3>\n<ol class="{classes}">\n{items}\n</ol>\n'


def _card(card: Card) -> str:
    lines = "".join(f'<p class="{kind}">{escaped(words)}</p>' for kind, words in _said(card))
    answer = escaped(card.declined or "declined" if card.label is None else card.label)
    place = f"<span>{card.place}</span>" if card.place else ""
    name = escaped(visible(card.name))
    return (
        f'<li{" class=wrong" if card.wrong else ""}><div class="seen">{_seen(card.seen)}</div>'
        f'<div class="said"><p class="answer"><b>{answer}</b>{place}</p>{lines}'
        f'<p class="name" title="{name}">{name}</p></div></li>'
    )


def _said(card: Card) -> Iterator[tuple[str, str]]:
    """The facts about an answer besides its label."""
    if card.made:
        yield "made", "made by the computer"
    if card.before is not None:
        yield "before", f"first {card.before}, corrected later"
    if card.guess is not None:
        words = f"the model's guess: {card.guess}"
        agreed = card.guess == card.label
        yield "guess", ("model agreed" if agreed else words) + ("" if card.shown else ", unseen")
    seconds = "" if card.seconds is None else f"{card.seconds:.1f} s"
    if who := ", ".join(filter(None, (card.by, seconds))):
        yield "by", who


def _seen(seen: Seen) -> str:
    """The visible parts of a row."""
    parts = []
    if seen.picture is not None:
        parts.append(_picture(seen.picture))
    if seen.cells:
        parts.append(_cells(seen.cells))
    for name, text in seen.texts.items():
        if len(seen.texts) > 1:
            parts.append(f'<p class="column">{escaped(name)}</p>')
        clipped = text[:LETTERS] + ("…" if len(text) > LETTERS else "")
        parts.append(f'<p class="text" dir="auto">{escaped(clipped)}</p>')
    return "".join(parts)


def _picture(picture: Path | Tensor) -> str:
    try:
        return f'<img src="{held(picture)}" alt="">'
    except CorruptError:
        return '<p class="quiet">the picture is no longer readable</p>'


def _cells(cells: Mapping[str, str]) -> str:
    pairs = list(cells.items())[:CELLS]
    lines = [f"<dt>{escaped(name)}</dt><dd>{escaped(cell)}</dd>" for name, cell in pairs]
    if len(cells) > CELLS:
        lines.append(f"<dt>{len(cells) - CELLS:,} more</dt><dd></dd>")
    return f"<dl>{''.join(lines)}</dl>"
