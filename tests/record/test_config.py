"""What may differ from the config of a run that goes on."""

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
