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


def test_what_a_container_may_have_is_all_that_is_free(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    lines = Path("/proc/self/cgroup").read_text().splitlines()
    own = next((line[3:].strip("/") for line in lines if line.startswith("0::")), None)
    if own is None:
        pytest.skip("there are no control groups of the second version here")
    monkeypatch.setattr(memory, "GROUPS", tmp_path)
    inner, outer = tmp_path / own, tmp_path
    inner.mkdir(parents=True, exist_ok=True)
    for group, limit, used in ((inner, "max", 10), (outer, "5000", 3000)):
        (group / "memory.max").write_text(f"{limit}\n")
        (group / "memory.current").write_text(f"{used}\n")
        (group / "memory.stat").write_text("anon 7\ninactive_file 800\nactive_file 200\n")
    assert free_memory() == 3000  # files that are kept in memory give way
    (outer / "memory.max").write_text("max\n")
    assert free_memory() > 2000
