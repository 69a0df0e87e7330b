from pathlib import Path

import pytest

from autoal.data import memory
from autoal.data.memory import free_memory, on_disk


def test_rows_are_held_that_take_up_to_a_quarter_of_the_free_memory(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(memory, "free_memory", lambda: 4000)
    assert [on_disk("auto", size) for size in (1000, 1001)] == [False, True]
    assert [on_disk("ram", size) for size in (0, 10**15)] == [False, False]
    assert [on_disk("disk", size) for size in (0, 10**15)] == [True, True]


def test_the_free_memory_is_part_of_the_machine_s() -> None:
    total = Path("/proc/meminfo").read_text().splitlines()[0].split()[1]
    assert 0 < free_memory() < int(total) * 1024
