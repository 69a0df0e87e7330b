from pathlib import Path

import pytest
import torch

from autoal import Arrays
from autoal.data.rows import Rows
from autoal.seeding import generator
from benchmarks.quality import sets


@pytest.fixture(autouse=True)
def folder(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Path:
    monkeypatch.setenv("AUTOAL_BENCH", str(tmp_path / "bench"))
    monkeypatch.setenv("AUTOAL_DATA", str(tmp_path))
    sets.whole.cache_clear()
    return tmp_path


def write(path: Path, rows: int, last: float = 0.0) -> None:
    cells = [f"{row},{row % 7},{row % 2}" for row in range(rows)]
    path.write_text("\n".join([*cells, f"{last},0,0", ""]))


def test_features_are_kept_until_their_file_is_another(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    write(folder / "a.csv", 40)
    first = sets.table("a.csv")
    with monkeypatch.context() as broken:
        broken.setattr(sets, "packed", pytest.fail)
        again = sets.table("a.csv")
    assert torch.equal(first.train.inputs, again.train.inputs)
    assert first.classes == again.classes == ("0", "1")
    write(folder / "a.csv", 40, last=5.0)
    assert not torch.equal(sets.table("a.csv").train.inputs, first.train.inputs)


def test_rows_are_kept_as_a_head_reads_them(folder: Path) -> None:
    write(folder / "a.csv", 40)
    data = sets.table("a.csv", encoder=sets.Fourier(count=5))
    inputs = data.train.inputs
    assert torch.equal(data.preprocess()(inputs), inputs)
    torch.testing.assert_close(inputs.mean(0), torch.zeros(5), atol=1e-5, rtol=0)
    torch.testing.assert_close(inputs.var(0).mean(), torch.tensor(1.0))


def test_random_features_tell_how_near_rows_are() -> None:
    pair = torch.tensor([[0.0, 0.0, 0.0, 0.0], [1.0, 2.0, 0.0, -1.0]])
    one, other = sets.Fourier(200_000, width=1.5).encode(Rows.of(pair), torch.device("cpu"))
    near = torch.tensor(6 / 4 / 1.5**2 / 2).neg().exp()  # squared distance 6, in 4 columns
    torch.testing.assert_close(2 * (one * other).mean(), near, atol=0.01, rtol=0)


def test_a_seed_draws_its_own_pool(monkeypatch: pytest.MonkeyPatch) -> None:
    rows = torch.arange(30.0)[:, None]
    monkeypatch.setitem(sets.SETS, "thirty", lambda: Arrays((rows, torch.arange(30) % 2)))
    pools = [sets.pool_of("thirty", seed, 10).train.inputs for seed in (0, 0, 1)]
    assert torch.equal(pools[0], pools[1])
    assert not torch.equal(pools[0], pools[2])
    assert len(pools[0]) == 10
    assert len(sets.pool_of("thirty", 0, 100).train) == 30


def test_a_tail_is_the_pools_and_not_the_tests(monkeypatch: pytest.MonkeyPatch) -> None:
    rows = (torch.randn(400, 2), torch.arange(400) % 4)
    monkeypatch.setitem(sets.SETS, "mnist-tailed", lambda: Arrays(rows, rows))
    data = sets.pool_of("mnist-tailed", 0)
    assert data.train.labels.bincount().tolist() == [100, 27, 7, 2]
    assert data.test is not None
    assert data.test.labels.bincount().tolist() == [100] * 4


def test_one_class_against_the_others_is_half_of_the_test() -> None:
    rows = (torch.arange(50.0)[:, None], torch.arange(50) % 10)
    data = sets.against_others(Arrays(rows, rows), 8)
    assert data.classes == ("others", "class 8")
    assert data.train.labels.bincount().tolist() == [45, 5]
    assert data.test is not None
    assert data.test.labels.bincount().tolist() == [5, 5]
    assert set((data.test.inputs[data.test.labels == 1] % 10).flatten().tolist()) == {8.0}


def test_most_of_a_pool_with_copies_are_copies_of_a_tenth_of_it() -> None:
    rows = Rows(torch.randn(200, 30, generator=generator(0)), torch.arange(200))
    made = sets.copied(rows, generator(1))
    assert len(made) == 200
    times = made.labels.bincount(minlength=200)  # how often each of the rows stands there
    assert times.bincount().tolist() == [140, 40, *[0] * 6, 20]
    apart = (made.inputs - rows.inputs[made.labels]).std(0) / rows.inputs.std(0)
    torch.testing.assert_close(apart, torch.full((30,), sets.BLUR), rtol=0.3, atol=0)


def test_a_pool_with_copies_is_a_seeds_own_and_has_the_penalty_of_its_set(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    rows = (torch.randn(100, 3, generator=generator(0)), torch.arange(100) % 4)
    monkeypatch.setitem(sets.SETS, "mnist-copied", lambda: Arrays(rows, rows))
    first, again, other = (sets.pool_of("mnist-copied", seed).train.inputs for seed in (0, 0, 1))
    assert torch.equal(first, again)
    assert not torch.equal(first, other)
    assert sets.l2_of("mnist-copied") == sets.l2_of("mnist")


@pytest.mark.parametrize("name", [name for name in sets.SETS if name != "digits"])
def test_every_set_has_a_penalty(name: str) -> None:
    assert sets.l2_of(name) > 0
