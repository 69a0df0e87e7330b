from pathlib import Path

import pytest

from autoal.report.behaviour import learners
from autoal.report.groups import group
from autoal.report.runs import read_runs
from autoal.report.tables import Table
from tests.report.made import write_run


def test_what_learners_chose_is_a_table_of_means_over_the_seeds(tmp_path: Path) -> None:
    for seed, l2 in enumerate((1.0, 3.0)):
        write_run(tmp_path, f"random-{seed}", [0.5, 0.7], seed=seed, learner={"l2": l2})
    settings, _ = group(read_runs([tmp_path])[0])
    (_, table) = learners(settings).parts
    assert isinstance(table, Table)
    (row,) = table.rows
    assert row[1:] == ["random", "l2", *[pytest.approx(2.0)] * 4]


def test_where_no_learner_chose_anything_there_is_no_table(tmp_path: Path) -> None:
    write_run(tmp_path, "random-0", [0.5, 0.7])
    settings, _ = group(read_runs([tmp_path])[0])
    assert learners(settings).parts == ["None chose anything."]
