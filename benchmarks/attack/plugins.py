"""Strategies by others that do what they should not."""

from __future__ import annotations

from collections.abc import Iterator
from functools import partial
from pathlib import Path
from textwrap import indent

from benchmarks.attack.program import ANSWERED, DONE, Ended, judged, program
from benchmarks.attack.setting import Attack, Home, rounds_in

RUN = (
    *("task=mlp", "task.steps=6", "start=12", "budget=4", "rounds=2", "logger=none", "out=runs"),
    "name=run",
)
ALONE = (*RUN, "strategy=hostile")
CANDIDATE = (*RUN, "strategy=autoal", "strategy.rehearsals=2", "strategy.candidates.hostile={}")
SOUND = "return view.pool.probs.amax(1).neg()"

# What `score` does in its second round; "" leaves open whether it is refused or goes on.
SCORES = {
    "raises": "raise RuntimeError('no')",
    "divides by zero": "1 / 0",
    "exits": "import sys; sys.exit(0)",
    "exits with words": "import sys; sys.exit('bye')",
    "exits at once with 3": "raise SystemExit(3)",
    "overflows the stack": "self.score(view, budget)",
    "asserts": "assert False, 'never'",
    "stops iteration": "raise StopIteration",
    "raises an exception of no text": "raise KeyError",
    "raises a group": "raise ExceptionGroup('two', [ValueError('a'), TypeError('b')])",
    "wants too much memory": "torch.empty(1 << 50)",
    "returns nothing": "return None",
    "returns a list": "return [0.0] * len(view.pool)",
    "returns an array": "return view.pool.probs.amax(1).numpy()",
    "returns too few": "return torch.zeros(len(view.pool) - 1)",
    "returns a table": "return view.pool.probs",
    "returns NaN": "return torch.full((len(view.pool),), float('nan'))",
    "returns infinity": "return torch.full((len(view.pool),), float('inf'))",
    "returns complex numbers": "return torch.zeros(len(view.pool), dtype=torch.complex64)",
    "returns booleans": "return torch.zeros(len(view.pool), dtype=torch.bool)",
    "returns whole numbers": "return torch.arange(len(view.pool))",
    "returns half precision": "return view.pool.probs.amax(1).half()",
    "returns a gradient": "return torch.zeros(len(view.pool), requires_grad=True)",
    "returns a number": "return 3.0",
    "returns a text": "return 'best'",
    "returns a tuple": "return (torch.zeros(len(view.pool)), {})",
    "returns sparse numbers": "return torch.zeros(len(view.pool)).to_sparse()",
    "notes of tensors": "return Scored(torch.zeros(len(view.pool)), {'a': torch.zeros(3)})",
    "notes of NaN": "return Scored(torch.zeros(len(view.pool)), {'a': float('nan')})",
    "notes by numbers": "return Scored(torch.zeros(len(view.pool)), {3: 1})",
    "notes that hold themselves": "d = {}; d['d'] = d\n"
    "return Scored(torch.zeros(len(view.pool)), d)",
    "notes that are a list": "return Scored(torch.zeros(len(view.pool)), [1])",
    "notes that are deep": "n = {}\nfor _ in range(9999): n = {'n': n}\n"
    "return Scored(torch.zeros(len(view.pool)), n)",
    "labels of text": "return Scored(torch.zeros(len(view.pool)), {}, ['a'] * len(view.pool))",
    "labels too few": "return Scored(torch.zeros(len(view.pool)), {}, torch.zeros(2))",
    "labels out of range": "return Scored(torch.zeros(len(view.pool)), {}, "
    "torch.full((len(view.pool),), 99))",
    "writes NaN into embeddings": "view.pool.embeddings[0] = float('nan')\n" + SOUND,
    "writes into embeddings": "view.pool.embeddings.mul_(2)\n" + SOUND,
    "writes into probabilities": "view.pool.probs.fill_(0.1)\n" + SOUND,
    "writes into logits": "view.pool.logits.zero_()\n" + SOUND,
    "writes into inputs": "view.pool.inputs.zero_()\n" + SOUND,
    "writes into labels": "view.labelled.labels.fill_(1)\n" + SOUND,
    "writes into rows": "view.pool.rows.copy_(view.pool.rows.flip(0))\n" + SOUND,
    "sorts rows": "view.pool.rows.fill_(0)\n" + SOUND,
    "turns gradients off": "torch.set_grad_enabled(False)\n" + SOUND,
    "turns to double precision": "torch.set_default_dtype(torch.float64)\n" + SOUND,
    "seeds the streams": "torch.manual_seed(0)\n" + SOUND,
    "goes to another folder": "import os; os.chdir('/')\n" + SOUND,
    "prints binary": "import sys; sys.stdout.buffer.write(bytes(range(256)))\n" + SOUND,
    "warns": "import warnings; warnings.warn('careful')\n" + SOUND,
    "leaves a thread": "import threading, time\n"
    "threading.Thread(target=time.sleep, args=(1,), daemon=True).start()\n" + SOUND,
    "keeps the view": "self.views = [*getattr(self, 'views', []), view]\n" + SOUND,
}
# More of the class.
BODIES = {
    "a state that cannot be read": "def state_dict(self): return {'a': Hostile}",
    "a state of nothing": "def state_dict(self): return None",
    "a state of a list": "def state_dict(self): return [1]",
    "a state that raises": "def state_dict(self): raise ValueError('no state')",
    "a state of a function": "def state_dict(self): return {'f': len}",
    "a check that raises": "def check(self, facts): raise RuntimeError('no check')",
    "a check that exits": "def check(self, facts): raise SystemExit(0)",
    "a fit that raises": "def fit(self, view): raise RuntimeError('no fit')",
    "a fit that exits": "def fit(self, view): raise SystemExit(0)",
    "reads of a text": "reads = 'probs'",
    "reads of nothing known": "reads = ('everything',)",
    "reads of numbers": "reads = (1, 2)",
    "votes out of range": "def votes(self, scores, classes): return scores * 100",
    "votes of a list": "def votes(self, scores, classes): return [0.5] * len(scores)",
    "a maker that raises": "def __init__(self): raise RuntimeError('not made')",
    "a maker that exits": "def __init__(self): raise SystemExit(0)",
    "a maker of any arguments": "def __init__(self, *arguments): pass",
    "a default that is an object": "def __init__(self, option=object()): pass",
    "an option that is needed": "def __init__(self, option): pass",
    "an option called name": "def __init__(self, name='x'): pass",
}
MODULES = {
    "a module that exits": "import sys; sys.exit(0)",
    "a module that raises": "raise RuntimeError('not imported')",
    "a module of nonsense": "def broken(:",
    "a module without the class": "Nothing = 3",
    "a function for a class": "def Hostile(): pass",
    "an object for a class": "Hostile = object()",
    "a class of another kind": "class Hostile: pass",
    "an abstract class": "from autoal import QueryStrategy\nclass Hostile(QueryStrategy): pass",
    "a module that is missing one": "import nowhere_to_be_found",
}
CLASS = """
import torch
from autoal import QueryStrategy, Scored

class Hostile(QueryStrategy):
    \"\"\"A guest.\"\"\"
{body}
    def score(self, view, budget):
        if len(view.labelled) < {labelled}:
            {sound}
{score}
"""


def attacks(home: Home) -> Iterator[tuple[str, Attack]]:
    """Each alone and, where possible, as a candidate of AutoAL; and the listing beside it."""
    sound = _module(SOUND)
    alone = home.top / "sound"
    alone.mkdir()
    _install(alone, sound)
    for arguments in (ALONE, CANDIDATE):
        ended = program(alone, [*arguments, f"name={len(arguments)}"])
        if judged(ended) != DONE:
            raise RuntimeError(f"the sound plugin failed: {ended.err}")
    modules = {
        **{what: _module(score) for what, score in SCORES.items()},
        **{what: _module(SOUND, body) for what, body in BODIES.items()},
        **MODULES,
    }
    for what, module in modules.items():
        for arguments in (ALONE, CANDIDATE):
            where = "alone" if arguments is ALONE else "candidate"
            yield f"{what}, {where}", partial(_tried, module, arguments, alone)
        yield f"{what}, listed", partial(_listed, module)


def _module(score: str, body: str = "") -> str:
    return CLASS.format(
        body=indent(body, " " * 4), score=indent(score, " " * 8), sound=SOUND, labelled=16
    )


def _install(folder: Path, module: str) -> None:
    """A package whose entry point is the plugin."""
    (folder / "hostile_guest.py").write_text(module)
    about = folder / "hostile_guest-1.0.dist-info"
    about.mkdir(exist_ok=True)
    (about / "METADATA").write_text("Metadata-Version: 2.1\nName: hostile-guest\nVersion: 1.0\n")
    (about / "entry_points.txt").write_text(
        "[autoal.strategies]\nhostile = hostile_guest:Hostile\n"
    )


def _tried(module: str, arguments: tuple[str, ...], sound: Path, folder: Path) -> str:
    _install(folder, module)
    ended = program(folder, arguments)
    end = _blamed(ended)
    if end not in (ANSWERED, DONE):
        return end
    wanted = rounds_in(sound, str(len(arguments)))
    found = rounds_in(folder)
    if end == DONE:
        return DONE if len(found) == len(wanted) else "silent: exit code 0 without all rounds"
    # What was finished is safe, and goes on once the plugin is put right.
    if found != wanted[: len(found)]:
        return "lost: what was finished before is not what it was"
    _install(folder, _module(SOUND))
    again = judged(program(folder, arguments))
    if again != DONE or rounds_in(folder) != wanted:
        return f"lost: with a sound plugin it does not go on: {again}"
    return ANSWERED


def _blamed(ended: Ended) -> str:
    """Refused with the plugin's name; or its own failure, with its name and traceback."""
    named = [line for line in ended.messages if "ostile" in line]
    if ended.code == 1:
        if len(named) == 1 and "Traceback" in ended.err:
            return ANSWERED
        return f"a failure of nobody: {ended.err.strip()[-300:]}"
    if ended.code == 2 and len(named) == len(ended.messages) == 1:
        return ANSWERED  # in words of the plugin's own code
    end = judged(ended)
    return f"a refusal of nobody: {ended.messages}" if end == ANSWERED else end


def _listed(module: str, folder: Path) -> str:
    """The listing has all strategies, whatever is wrong with one of them."""
    _install(folder, module)
    ended = program(folder, [], module="autoal.listing")
    if ended.code or "margin" not in ended.out or "hostile" not in ended.out:
        return f"the listing: exit code {ended.code}, {len(ended.out)} characters"
    return DONE
