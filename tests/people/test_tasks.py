import pytest

from autoal.people.events import LABEL
from autoal.people.tasks import RefusedError, Reply
from tests.people.made import CLASSES


@pytest.mark.parametrize(
    ("reply", "words"),
    [
        (Reply("a", 5, LABEL, "cow"), "'cow' is not one of the classes cat, dog, eel"),
        (Reply("a", 5, LABEL), "only the kind label has a `label`"),
        (Reply("a", 5, "unsure", "cat"), "only the kind label has a `label`"),
        (Reply("a", 5, "undo"), "`kind` must be one of label, unsure, broken"),
    ],
)
def test_what_makes_no_sense_is_refused(reply: Reply, words: str) -> None:
    with pytest.raises(RefusedError, match=words):
        reply.demand_sound(CLASSES)
