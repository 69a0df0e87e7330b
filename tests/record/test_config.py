"""Differences that the config of a run that goes on may have."""

from typing import Any

import pytest

from autoal.record.config import changes


@pytest.mark.parametrize(
    ("there", "here", "changed"),
    [
        ({"people": ["ann"], "port": 1}, {"people": ["ann", "ben"], "port": 2}, False),
        ({"people": []}, {"people": ["ann"]}, False),
        ({"people": 5}, {"people": 7}, True),
        ({"human": {"people": ["ann"]}}, {"human": {"people": []}}, False),
    ],
)
def test_more_people_may_open_the_page_and_a_crowd_stays_as_large(
    there: dict[str, Any], here: dict[str, Any], changed: bool
) -> None:
    assert bool(changes({"oracle": there}, {"oracle": here})) is changed


@pytest.mark.parametrize(
    ("given", "changed"), [({"devices": 1, "strategy": "auto"}, False), ({"devices": 2}, True)]
)
def test_a_run_from_before_there_were_several_devices_goes_on_with_one(
    given: dict[str, Any], changed: bool
) -> None:
    assert (
        bool(changes({"trainer": {"compile": True}}, {"trainer": {"compile": True, **given}}))
        is changed
    )


def test_where_rows_are_held_is_open_and_an_older_run_has_features_in_single_precision() -> None:
    older = {"data": {"size": 8}}
    newer = {"data": {"size": 8, "memory": "disk"}, "features": "single"}
    assert changes(older, newer) == {}
    assert changes(newer, {**newer, "data": {"size": 8, "memory": "ram"}}) == {}
    assert changes(older, {**newer, "features": "half"}) == {"features": ("nothing", "half")}
