import subprocess
import sys
from pathlib import Path

import pytest

from autoal.command import build, refused
from autoal.errors import UserError

ROOT = Path(__file__).resolve().parent.parent

# Tells on the last line whether torch was needed.
SCRIPT = """
import runpy, sys
code = 0
try:
    runpy.run_path("train.py", run_name="__main__")
except SystemExit as end:
    code = end.code
print("torch" if "torch" in sys.modules else "no torch")
sys.exit(code)
"""


def train(*arguments: str) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-c", SCRIPT, *arguments]
    return subprocess.run(command, cwd=ROOT, capture_output=True, text=True)


@pytest.mark.parametrize(
    ("wrong", "told"),
    [
        ("bugdet=5", "unknown option 'bugdet'; did you mean 'budget'?"),
        ("task.learning_rat=1", "unknown option of 'task': 'learning_rat'; did you mean"),
        ("task.networks.dropout=0", "unknown option of 'task': 'networks'; did you mean 'network'"),
        ("strategy=entropi", "unknown strategy 'entropi'; did you mean 'entropy'?"),
        ("data=digit", "unknown data 'digit'; did you mean 'digits'?"),
        ("task=resnet81", "unknown task 'resnet81'; did you mean 'resnet18'?"),
        ("hydra/launcher=jobli", "did you mean 'joblib'?"),
        ("seed=abc", "seed='abc': must be a whole number"),
        ("seed=1.5", "seed=1.5: must be a whole number"),
        ("rounds=true", "rounds=True: must be a whole number"),
        ("budget=null", "budget=null: must be a whole number"),
        ("task.learning_rate=fast", "task.learning_rate='fast': must be a number"),
        ("data.flip=2", "data.flip=2: must be true or false"),
        ("seed=[", "cannot read 'seed=['; options are given as key=value"),
        ("seed", "cannot read 'seed'; options are given as key=value"),
        ("+colour=red", "unknown option 'colour'"),
        ("~budget", "the option 'budget' is missing"),
        ("~strategy", "give strategy=<name>"),
        ("strategy.name=entropy", "give strategy=<name>"),
        ("rounds=${bugdet}", "bugdet"),
        ("strategy.pul=5", "unknown option of 'strategy': 'pul'; did you mean 'pull'?"),
        ("data=3", "a choice of a group must be one of its names"),
        ("task=null", "a choice of a group must be one of its names"),
    ],
)
def test_a_mistake_is_one_message_and_needs_no_torch(wrong: str, told: str) -> None:
    answer = train(wrong)
    assert answer.returncode == 2
    assert answer.stderr.startswith("error: ")
    assert told in answer.stderr
    assert answer.stderr.count("error: ") == 1
    assert "Traceback" not in answer.stderr
    assert answer.stdout == "no torch\n"


def test_a_wrong_option_of_a_strategy_is_one_message() -> None:
    answer = train("strategy=margin", "strategy.k=5")
    assert answer.returncode == 2
    told = "error: unknown option of strategy 'margin': 'k'\n  known: draws, temperature\n"
    assert answer.stderr == told
    assert answer.stdout == "no torch\n"


def test_help_names_choices_options_and_defaults_without_torch() -> None:
    answer = train("--help")
    assert answer.returncode == 0
    assert answer.stdout.endswith("no torch\n")
    for text in (
        "strategy: autoal, autoal_paper, badge, bait, bald",
        "task: frozen, linear, logistic, mlp, resnet18",
        "logger: none, wandb",
        "budget: 10",
        "learning_rate: 0.015",
        "python train.py -m",
    ):
        assert text in answer.stdout


def test_build_makes_what_a_target_names() -> None:
    assert build({"_target_": "datetime.timedelta", "days": 2}, hours=3).total_seconds() == 183600


@pytest.mark.parametrize(
    ("target", "told"),
    [
        ("datetime.timedeltas", "there is no datetime.timedeltas, which a _target_ names"),
        ("no_such_package.Thing", "there is no no_such_package.Thing"),
        ("autoal.cycle.plan.Plan", "autoal.cycle.plan.Plan: start=0: must be at least 1"),
    ],
)
def test_build_refuses_what_cannot_be(target: str, told: str) -> None:
    with pytest.raises(UserError, match=told):
        build({"_target_": target}, start=0, budget=1, rounds=1)


def test_a_defect_stays_what_it_is() -> None:
    with pytest.raises(ZeroDivisionError):
        build({"_target_": "operator.truediv", "_args_": [1, 0]})


def test_a_value_error_in_a_refusal_is_the_users() -> None:
    with pytest.raises(UserError, match="too few"), refused():
        raise ValueError("too few")
