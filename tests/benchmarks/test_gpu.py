"""The benchmark of a GPU: extrapolations of short fits and queries, and parts that fail alone."""

from collections.abc import Iterator, Mapping
from dataclasses import replace
from typing import Any

import pytest
import torch

from autoal.record.round import Round
from benchmarks.gpu import protocol
from benchmarks.gpu.__main__ import row
from benchmarks.gpu.scoring import guarded
from benchmarks.gpu.setting import CLASSES, SMALL, Line, Setting

SETTING = Setting.of("cpu", replace(SMALL, labels=(20, 60), turns=(1, 2)))


def test_the_pictures_have_a_pool_a_test_set_and_rows_held_out() -> None:
    data = SETTING.data
    assert data.test is not None
    assert data.validation is not None
    assert (len(data.test), len(data.validation)) == (SMALL.test, SMALL.budget)
    assert len(data.train) == SMALL.pool - SMALL.budget
    assert data.train.shape == (3, SMALL.side, SMALL.side)
    assert set(data.train.labels.tolist()) == set(range(CLASSES))


@pytest.mark.parametrize(("count", "seconds"), [(20, 1.0), (30, 2.0), (40, 3.0), (60, 3.0)])
def test_seconds_between_counts_lie_on_straight_lines(count: int, seconds: float) -> None:
    assert protocol._between({20: 1.0, 40: 3.0, 60: 3.0}, count) == pytest.approx(seconds)


def test_all_rounds_are_summed_up(monkeypatch: pytest.MonkeyPatch) -> None:
    def fit(setting: Setting, count: int) -> tuple[float, float, float]:
        return count / 200, 1.0, 5.0  # an epoch takes a 200th second a label, a fit 1 s beside

    def queried(setting: Setting, name: str, options: Mapping[str, Any]) -> tuple[Round, float]:
        # 2 s but for the published search, whose epochs take 3 s each.
        turns = options["paper"]["warmup"] if options else 0
        seconds = {"total": 9.0 + 3 * turns, "train": 7.0}
        return Round(1, 0, [], [], {}, seconds, 0), 5.0

    monkeypatch.setattr(protocol, "_fit", fit)
    monkeypatch.setattr(protocol, "_round", queried)
    told = {line.what: line.seconds for line in protocol.lines(SETTING)}
    # A start and two rounds, of 20, 40 and 60 labels and 200 epochs: 21 + 41 + 61 s of training.
    assert told["all rounds of margin, one seed"] == pytest.approx(123 + 2 * 2)
    [drawn_out] = protocol.published(SETTING)
    assert drawn_out.seconds == pytest.approx(2 + 200 * 3)


def test_a_part_that_fails_is_a_line() -> None:
    def broken() -> Iterator[Line]:
        yield Line("rounds", "one", "found")
        raise torch.OutOfMemoryError("CUDA out of memory\nand more")

    first, second = guarded("rounds", broken)
    assert first.figure == "found"
    assert row(second) == ["rounds", "", "OutOfMemoryError: CUDA out of memory", "", ""]
