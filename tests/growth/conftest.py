from tests.language.conftest import client_of, door
from tests.language.served import served

__all__ = ["client_of", "door", "served"]
