import subprocess
import sys
from pathlib import Path

import pytest
import yaml

import autoal
from autoal import spelling
from autoal.config import CONFIGS
from autoal.plugins import STRATEGIES
from autoal.query import registry

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
        ("strategy.pul=5", "option of strategy 'autoal': 'pul'; did you mean 'pull'?"),
        ("start=1.5", "start.size=1.5: must be a whole number"),
        ("start.size=x", "start.size='x': must be a whole number"),
        ("start.size=null", "start.size=null: must be a whole number"),
        ("~start.size", "the option 'start.size' is missing"),
        ("start={name:typiclust}", "start.name cannot be changed or removed; give start=<name>"),
        ("strategy.candidates.entropi={}", "unknown strategy 'entropi'; did you mean 'entropy'?"),
        ("strategy.candidates.margin=3", "strategy.candidates.margin=3: must be options, such as"),
        ("strategy.candidates=7", "strategy.candidates=7: must be options, such as"),
        (
            "strategy.candidates.salutary.foldz=3",
            "unknown option of candidate 'salutary': 'foldz'; did you mean 'folds'?",
        ),
        (
            "strategy.candidates.salutary.folds=x",
            "strategy.candidates.salutary.folds='x': must be a whole number",
        ),
        ("strategy.candidates={margin:{}}", "strategy.candidates={...} would join what is there"),
        ("hydra.launcher.n_jobss=2", "unknown option of Hydra: 'hydra.launcher.n_jobss'"),
        ("hydra/launcher=slrm", "others come with an extra: pip install 'autoal[slurm]'"),
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


def test_help_shows_the_options_of_any_strategy_without_torch() -> None:
    answer = train("strategy=batchbald", "start=kmeans", "--help")
    assert answer.returncode == 0
    assert answer.stdout.endswith("no torch\n")
    assert "joint: 10" in answer.stdout
    assert "iterations: 20" in answer.stdout


def test_the_version_is_ours_and_needs_neither_torch_nor_hydra() -> None:
    for given in (["--version"], ["strategy=random", "--version"]):
        answer = train(*given)
        assert answer.returncode == 0
        assert answer.stdout == f"autoal {autoal.__version__}\nno torch\n"


@pytest.mark.parametrize(
    ("old", "told"),
    [
        ("labeler=salutary", "labeler is spelt otherwise now: give oracle="),
        ("task.backbone=imagenet", "task.backbone is spelt otherwise now: give encoder=<name>"),
        ("strategy.hypergradient=unroll", "give strategy.road=implicit or unroll"),
        ("strategy.objective=paper", "give strategy.road=paper"),
        ("strategy.warmup=3", "give strategy.paper.warmup="),
    ],
)
def test_an_old_spelling_is_told_the_new_one(old: str, told: str) -> None:
    answer = train(old)
    assert answer.returncode == 2
    assert told in answer.stderr
    assert answer.stdout == "no torch\n"


def test_the_options_that_need_no_torch_are_those_of_the_classes() -> None:
    told = yaml.safe_load((CONFIGS / "strategies.yaml").read_text())
    own = {name for name in STRATEGIES.installed() if STRATEGIES.origin(name).startswith("autoal ")}
    assert set(told) == own
    for name, options in told.items():
        assert options == registry.options(registry.load(name))


def test_what_is_short_for_something_is_spelt_out() -> None:
    given = [
        "start=50",
        "start=10,20",
        "start=kmeans",
        "start.iterations=5",
        "strategy.k=3",
        "seed=1",
    ]
    assert spelling.spelled_out(given) == [
        "start.size=50",
        "start.size=10,20",
        "start=kmeans",
        "++start.iterations=5",
        "++strategy.k=3",
        "seed=1",
    ]
    swapped = ["task.network._target_=mynet.Net", "task.network.width=3", "task.steps=5"]
    assert spelling.spelled_out(swapped) == [
        "++task.network._target_=mynet.Net",
        "++task.network.width=3",
        "task.steps=5",
    ]
