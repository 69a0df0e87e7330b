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
    )
    line = json.loads(json.dumps(done.to_line() | {"strategy": "margin", "seed": 3}))
    assert line["accuracy"] == 0.5
    assert line["round"] == 2
    assert Round.from_line(line) == done
