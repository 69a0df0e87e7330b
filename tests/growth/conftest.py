from pathlib import Path

import pytest

from tests.language.conftest import client_of, door
from tests.language.served import served
from tests.transformers_made import tiny_llama

__all__ = ["client_of", "door", "served"]


@pytest.fixture(scope="session")
def llama(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder of a tiny model that continues texts."""
    return tiny_llama(tmp_path_factory.mktemp("llama"))
