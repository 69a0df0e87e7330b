import gc
import json
import os
import runpy
import subprocess
import sys
from collections.abc import Callable, Iterator
from itertools import count
from pathlib import Path
from typing import Any

import pytest
import yaml
from hydra._internal.config_loader_impl import ConfigLoaderImpl

import autoal
from autoal import command, spelling, unchanged
from autoal.config import CONFIGS
from autoal.plugins import STRATEGIES
from autoal.query import registry

ROOT = Path(__file__).resolve().parent.parent

NO_TORCH = "no torch\n"
Train = Callable[..., subprocess.CompletedProcess[str]]


@pytest.fixture(scope="module")
def train(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Train]:
    """Runs train.py; the last line of its output tells whether torch was needed."""
    out, err = (tmp_path_factory.mktemp("command") / name for name in ("out", "err"))
    started = [sys.executable, str(ROOT / "tests" / "light.py")]
    pipes: dict[str, Any] = {"stdin": subprocess.PIPE, "stdout": subprocess.PIPE, "text": True}
    environment = {**os.environ, "PYTHONPATH": str(ROOT)}
    with subprocess.Popen(started, cwd=ROOT, env=environment, **pipes) as light:
        assert light.stdin is not None
        assert light.stdout is not None
        stdin, stdout = light.stdin, light.stdout

        def run(*arguments: str) -> subprocess.CompletedProcess[str]:
            print(json.dumps([arguments, str(out), str(err)]), file=stdin, flush=True)
            code = int(stdout.readline())
            return subprocess.CompletedProcess(arguments, code, out.read_text(), err.read_text())

        yield run


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
        ("strategy.candidates={margin:{}}", "strategy.candidates={...} would be merged"),
        ("hydra.launcher.n_jobss=2", "unknown option of Hydra: 'hydra.launcher.n_jobss'"),
        ("hydra/launcher=slrm", "others come with an extra: pip install 'autoal[slurm]'"),
        ("data=3", "a choice of a group must be one of its names"),
        ("task=null", "a choice of a group must be one of its names"),
        ("budget=0", "`budget` must be at least 1, got 0"),
        ("budget=[10,0]", "`budget[1]` must be at least 1, got 0"),
        ("budget=[10,x]", "`budget[1]` must be a whole number, got 'x'"),
        ("rounds=-1", "`rounds` must be at least 0, got -1"),
        ("start=0", "`start` must be at least 1, got 0"),
        ("start=1298", "start=1298: the pool has only 1297 rows"),
        ("rounds=200", "20 + 200 x 10 = 2020 labels, but the pool has only 1297 rows"),
        ("budget=[1000,1000]", "20 + 1000 + 1000 = 2020 labels, but the pool has only 1297"),
        ("start=no.txt", "there is no file no.txt; start.path= names one"),
        ("start=file", "start.path is needed: give start=<file>"),
        ("start=./pyproject.toml", "names the row ] "),
        ("strategy.pull=nan", "strategy.pull=nan: must be a finite number"),
        ("strategy.prior.margin=inf", "strategy.prior.margin=inf: must be a finite number"),
        ("task.network.dropout=nan", "task.network.dropout=nan: must be a finite number"),
        ("strategy.candidates.autoal={}", "strategy.candidates.autoal: it has candidates itself"),
        ("data._rows_=5", "are not options"),
        ("oracle=salutary", "does not work with strategy=autoal; of ours, it works with isal,"),
        ("--resolve", "The --resolve flag can only be used"),
        ("seed=0,1", "seed=0,1: these are several values; add -m"),
        ("seed=range(0,3)", "seed=range(0,3): these are several values; add -m"),
        ("seed=日本", "seed='日本': must be a whole number"),
    ],
)
def test_a_mistake_is_one_message_and_needs_no_torch(train: Train, wrong: str, told: str) -> None:
    answer = train(wrong)
    assert answer.returncode == 2
    assert answer.stderr.startswith("error: ")
    assert told in answer.stderr
    assert answer.stderr.count("error: ") == 1
    assert "Traceback" not in answer.stderr
    assert answer.stdout == NO_TORCH


@pytest.mark.parametrize(
    ("wrong", "told"),
    [
        ("data=npz data.path=/no/such.npz", "there is no file /no/such.npz; data.path= names one"),
        ("data=folder data.path=/no/such", "no file or folder /no/such; data.path= names one"),
        ("data=table data.path=LICENSE data.test_path=no.csv", "data.test_path= names one"),
        ("encoder=file encoder.path=no.npz", "there is no file no.npz; encoder.path= names one"),
        ("encoder=imagenet encoder.weights=no.pth", "encoder.weights= names one"),
        ("task=resnet18_imagenet task.network.weights=no.pth", "task.network.weights= names one"),
        ("strategy=cheating_oracle oracle=pseudo", "does not work with strategy=cheating_oracle"),
        ("strategy=cheating_oracle oracle=crowd", "does not work with strategy=cheating_oracle"),
        ("oracle=crowd oracle.human.rate=often", "oracle.human.rate='often': must be a number"),
        ("data=sst2 encoder=tokens", "encoder=tokens is for task=bert, and this task reads feat"),
        ("data=sst2 encoder=tokens task=frozen", "encoder=tokens is for task=bert"),
        ("data=sst2 encoder=sentence task=bert", "task=bert reads the tokens of texts, and this"),
        ("budget=[1,2] rounds=3", "budget=[1, 2] is for 2 rounds, and rounds=3"),
        ("data=organcmnist start=20000", "the pool has only 12975 rows"),
        ("logger=[nan]", "logger=[nan]: a choice of 'logger' must be one of its names"),
        ("-m seed=range(0)", "this range is empty, so nothing would run"),
        ("-m hydra/launcher=joblib hydra.launcher.n_jobs=0", "hydra.launcher.n_jobs=0: must be"),
    ],
)
def test_what_several_arguments_ask_for_is_refused_without_torch(
    train: Train, wrong: str, told: str
) -> None:
    answer = train(*wrong.split())
    assert answer.returncode == 2
    assert told in answer.stderr
    assert answer.stderr.count("error: ") == 1
    assert answer.stdout.endswith(NO_TORCH)


@pytest.mark.parametrize(
    ("chosen", "encoder"),
    [
        ("experiment=label data.path=a.csv", "auto.Auto"),
        ("experiment=label data.path=a.csv task=bert", "tokens.Tokens"),
        ("experiment=label data.path=a.csv task=bert encoder=auto", "auto.Auto"),
        ("experiment=label data.path=photos task=frozen", "auto.Auto"),
        ("task=frozen", "patches.Patches"),
        ("task=frozen data=sst2", "tfidf.Tfidf"),
        ("data=sst2", "tfidf.Tfidf"),
    ],
)
def test_the_encoder_follows_from_the_data_and_the_task(
    train: Train, chosen: str, encoder: str
) -> None:
    composed = yaml.safe_load(train(*chosen.split(), "--cfg", "job").stdout.removesuffix(NO_TORCH))
    assert composed["encoder"]["_target_"] == f"autoal.encoders.{encoder}"


def test_a_path_of_unusual_characters_needs_no_quotes_of_hydra(train: Train) -> None:
    answer = train("data=npz", "data.path=/a b (1) 日本.npz")
    assert "there is no file /a b (1) 日本.npz; data.path= names one" in answer.stderr


@pytest.mark.parametrize(
    ("given", "about"), [(["data=npz", "data.path=a/cats.npz"], "cats"), (["data=mnist"], "mnist")]
)
def test_a_group_of_runs_on_files_of_ones_own_begins_with_their_name(
    train: Train, given: list[str], about: str
) -> None:
    done = train(*given, "--cfg", "job", "--resolve")
    assert f"  group: {about}-resnet18-" in done.stdout


def test_organs_are_not_mirrored_and_tissue_is(train: Train) -> None:
    found = {
        name: yaml.safe_load(train(f"data={name}", "--cfg", "job").stdout.removesuffix(NO_TORCH))
        for name in ("organcmnist", "pneumoniamnist", "pathmnist", "tissuemnist")
    }
    assert [settings["data"]["flip"] for settings in found.values()] == [False, False, True, True]


def test_a_wrong_option_of_a_strategy_is_one_message(train: Train) -> None:
    answer = train("strategy=margin", "strategy.k=5")
    assert answer.returncode == 2
    told = "error: unknown option of strategy 'margin': 'k'\n  known: draws, temperature\n"
    assert answer.stderr == told
    assert answer.stdout == NO_TORCH


def test_help_names_choices_options_and_defaults_without_torch(train: Train) -> None:
    answer = train("--help")
    assert (answer.returncode, answer.stderr) == (0, "")
    assert answer.stdout.endswith(NO_TORCH)
    for text in (
        "the model and its training: bert, bert_signal,",
        "own folders: none",
        " budget=10 labels bought a round",
        " task.learning_rate=0.015 the peak",
        "python train.py -m",
    ):
        assert text in " ".join(answer.stdout.split()), text  # lines end where the terminal does


def test_help_about_a_choice_needs_no_torch(train: Train) -> None:
    answer = train("strategy=batchbald", "start=kmeans", "--help")
    assert (answer.returncode, answer.stderr) == (0, "")
    assert answer.stdout.endswith(NO_TORCH)
    assert "strategy.joint=10" in answer.stdout
    assert "start.iterations=20" in answer.stdout


def test_help_about_what_is_not_there_is_one_message(train: Train) -> None:
    answer = train("task=resnet19", "--help")
    assert answer.returncode == 2
    assert answer.stderr.startswith("error: unknown task 'resnet19'; did you mean 'resnet18'?")


def test_the_version_is_ours_and_needs_neither_torch_nor_hydra(train: Train) -> None:
    for given in (["--version"], ["strategy=random", "--version"]):
        answer = train(*given)
        assert answer.returncode == 0
        assert answer.stdout == f"autoal {autoal.__version__}\nno torch\n"


@pytest.mark.parametrize(
    ("old", "told"),
    [
        ("labeler=salutary", "labeler was renamed: give oracle="),
        ("task.backbone=imagenet", "task.backbone was renamed: give encoder=<name>"),
        ("strategy.hypergradient=unroll", "give strategy.road=implicit or unroll"),
        ("strategy.objective=paper", "give strategy.road=paper"),
        ("strategy.warmup=3", "give strategy.paper.warmup="),
    ],
)
def test_an_old_spelling_is_told_the_new_one(train: Train, old: str, told: str) -> None:
    answer = train(old)
    assert answer.returncode == 2
    assert told in answer.stderr
    assert answer.stdout == NO_TORCH


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
    files = ["start=rows.txt", "start=a/rows,b/rows", "start=1.5", 'start="my rows.txt"']
    assert spelling.spelled_out(files) == [
        *("start=file", "start.path=rows.txt"),
        *("start=file", "start.path=a/rows,b/rows"),
        "start.size=1.5",
        *("start=file", 'start.path="my rows.txt"'),
    ]
    unusual = ["name=a#1", 'name=say "hé"', "name=é\\", "path=é,ü", "seed=["]
    flags = ["--config-dir=é", "-cn", "own"]  # after which Hydra reads no settings
    assert spelling.spelled_out([*unusual, *flags]) == [
        *flags,
        'name="a#1"',
        'name="say \\"hé\\""',
        'name="é\\\\"',
        'path="é","ü"',
        "seed=[",
    ]
    swapped = ["task.network._target_=mynet.Net", "task.network.width=3", "task.steps=5"]
    assert spelling.spelled_out(swapped) == [
        "++task.network._target_=mynet.Net",
        "++task.network.width=3",
        "task.steps=5",
    ]
    for full in map(spelling.spelled_out, (unusual, swapped)):
        assert spelling.spelled_out(full) == full


def test_no_garbage_is_looked_for_while_torch_is_imported(monkeypatch: pytest.MonkeyPatch) -> None:
    frozen: list[bool] = []
    monkeypatch.setattr(gc, "freeze", lambda: frozen.append(gc.isenabled()))
    with command._nothing_collected():
        assert gc.isenabled()  # torch is there already
    monkeypatch.delitem(sys.modules, "torch")
    with command._nothing_collected():
        assert not gc.isenabled()
    assert gc.isenabled()
    with pytest.raises(ImportError), command._nothing_collected():
        raise ImportError
    assert gc.isenabled()
    assert frozen == [False]


@pytest.mark.parametrize(
    ("given", "times"),
    [
        # As given; those in the files are kept before they are changed, and name the run.
        (("data=npz", "data.path=/no.npz"), 1),
        # Unless a choice that its name does not tell was made.
        (("data=npz", "data.path=/no.npz", "stop=kappa"), 2),
        (("data=npz", "data.path=/no.npz", "stop=kappa", "name=a"), 1),
        # What is taken out is missing there.
        (("data=npz", "data.path=/no.npz", "~stop", "name=a"), 2),
        # Those of an experiment are left out.
        (("experiment=compare", "data=npz", "data.path=/no.npz", "name=a"), 2),
        # Files of the user's own may also say whether this is one run or several.
        (("hydra.verbose=false", "data=npz", "data.path=/no.npz", "name=a"), 2),
    ],
)
def test_settings_are_not_composed_twice(
    monkeypatch: pytest.MonkeyPatch, given: tuple[str, ...], times: int
) -> None:
    compose, calls = ConfigLoaderImpl.load_configuration, count()

    def counted(*arguments: Any, **options: Any) -> Any:
        next(calls)
        return compose(*arguments, **options)

    monkeypatch.setattr(ConfigLoaderImpl, "load_configuration", counted)
    monkeypatch.setattr(sys, "argv", ["train.py"])
    assert command.main(given) == 2
    assert next(calls) == times


def test_what_another_process_composed_is_composed_again_and_what_is_no_runs_is_not_kept(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    given = ("data=npz", "data.path=/no.npz", "stop=kappa")
    monkeypatch.setattr(sys, "argv", ["train.py"])
    assert command.main(given) == 2
    kept = unchanged.last()
    assert kept is not None
    assert "Kappa" in kept.stop._target_  # not what a run without it would be named by
    refused = capsys.readouterr().err
    monkeypatch.setattr(unchanged, "last", lambda: None)
    assert command.main(given) == 2
    assert capsys.readouterr().err == refused


def test_a_checkout_that_is_not_installed_says_what_to_do(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr("importlib.util.find_spec", lambda name: None)
    with pytest.raises(SystemExit) as end:
        runpy.run_path(str(ROOT / "train.py"), run_name="__main__")
    assert end.value.code == 2
    assert "`pip install -e .`" in capsys.readouterr().err


def test_an_experiment_beside_ours_is_looked_at_too(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    assert not command._may_set_mode(["experiment=several"])
    file = tmp_path / "experiment" / "several.yaml"
    file.parent.mkdir()
    file.write_text("hydra: {mode: MULTIRUN}\n")
    monkeypatch.setattr(command, "CONFIGS", tmp_path)
    assert command._may_set_mode(["experiment=several"])


@pytest.mark.parametrize(
    ("budgets", "told"), [("0,-1", ["got 0", "got -1"]), ("range(0)", ["nothing was run"])]
)
def test_an_experiment_s_file_may_say_that_it_is_several_runs(
    budgets: str, told: list[str], train: Train, tmp_path: Path
) -> None:
    file = tmp_path / "experiment" / "several.yaml"
    file.parent.mkdir()
    several = f"hydra: {{mode: MULTIRUN, sweeper: {{params: {{budget: '{budgets}'}}}}}}"
    file.write_text(f"# @package _global_\n{several}\n")
    answer = train(f"--config-dir={tmp_path}", "experiment=several", f"out={tmp_path}")
    assert answer.returncode == 2
    assert all(each in answer.stderr for each in told)
