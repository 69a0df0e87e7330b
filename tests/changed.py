"""Settings of a run, and others that differ in some leaves."""

from typing import Any

from autoal.settings import Settings


def defaults() -> Settings:
    return {
        "name": None,
        "out": "runs",
        "seed": 0,
        "budget": 10,
        "strategy": {"name": "margin"},
        "task": {"learning_rate": 0.1, "network": {"hidden": [256], "dropout": 0.2}},
        "logger": {},
    }


def changed(**values: Any) -> Settings:
    """The defaults, with some leaves changed; a double underscore stands for the dot."""
    settings = defaults()
    for key, value in values.items():
        *path, leaf = key.split("__")
        section = settings
        for name in path:
            section = section[name]
        section[leaf] = value
    return settings
