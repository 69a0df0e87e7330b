import json

from autoal import Round


def test_a_round_survives_its_line_in_the_record() -> None:
    done = Round(
        number=2,
        labelled=5,
        queried=[7, 3],
        labels=[1, 0],
        metrics={"accuracy": 0.5, "nll": 1.25},
        seconds={"train": 0.5, "total": 0.75},
        steps=100,
        bought=0,
        wrong=1,
    )
    line = json.loads(json.dumps(done.to_line() | {"strategy": "margin", "seed": 3}))
    assert line["accuracy"] == 0.5
    assert line["round"] == 2
    assert Round.from_line(line) == done
    assert done.unasked


def test_a_line_of_an_older_record_says_nothing_of_what_was_bought() -> None:
    line = {"round": 1, "labelled": 2, "queried": [4], "labels": [0], "seconds": {}, "steps": 3}
    old = Round.from_line(line)
    assert (old.bought, old.wrong, old.unasked) == (None, None, False)


def test_labels_that_were_bought_were_asked_for() -> None:
    line = {"round": 0, "labelled": 5, "queried": [4], "labels": [0], "seconds": {}, "steps": 3}
    assert not Round.from_line({**line, "bought": 5}).unasked
    assert Round.from_line({**line, "bought": 0}).unasked
