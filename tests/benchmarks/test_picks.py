"""Pictures of what strategies pick."""

from hashlib import sha256
from pathlib import Path

import torch
from autoal.strategies.uncertainty import Margin
from PIL import Image

from autoal.plugins import STRATEGIES
from benchmarks import picks


def test_the_start_has_every_class_as_often_and_none_on_the_island() -> None:
    points, labels = picks.arms()
    start = slice(0, picks.START)
    assert labels[start].bincount().tolist() == [picks.START // picks.CLASSES] * picks.CLASSES
    away = (points[start] - torch.tensor([2.5, 1.7])).norm(dim=1)
    assert float(away.min()) > 0.8


def test_a_picture_is_the_same_whenever_it_is_drawn(tmp_path: Path) -> None:
    first, again = (picks.draw("margin", Margin, tmp_path / name) for name in ("a", "b"))
    assert first.read_bytes() == again.read_bytes()
    with Image.open(first) as drawn:
        assert drawn.size == (640, 480)


def test_every_strategy_has_a_picture_and_no_two_are_the_same() -> None:
    drawn = {
        path.stem: sha256(path.read_bytes()).hexdigest() for path in picks.PICTURES.glob("*.png")
    }
    ours = {name for name in STRATEGIES.installed() if STRATEGIES.origin(name).startswith("autoal")}
    assert ours - {picks.READER} <= drawn.keys()
    assert len(set(drawn.values())) == len(drawn)
