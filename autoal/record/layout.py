"""What a run folder may hold, by name: the one list. Nothing here needs torch.

Whatever else lies in the folder is somebody's own, and is left alone.
"""

from collections.abc import Collection, Iterable
from pathlib import Path

CONFIG = "config.yaml"  # the settings, and the versions of everything
ROUNDS = "rounds.jsonl"  # the record of truth
LABELS = "labels.jsonl"  # what people said, the truth about them
GENERATED = "generated.jsonl"  # the rows that were made, and how
POOL = "pool.jsonl"  # the rows that files were found to hold, in the order of their numbers
TO_LABEL = "to_label.csv"  # what people are asked, where they answer in files
LABEL_STUDIO = "label_studio.json"  # the project in which people are asked, where they are so
MEMORY = "memory.json"  # the most that it took
FAILURE = "error.txt"  # what stopped the run
LOCK = ".lock"  # held by the process that is at work
TOKENS = "tokens.json"  # by which they are known; for their eyes only
CURVE, WEIGHTS, SETTLED = "learning_curve.svg", "weights.svg", "learner.svg"
MARK = "state/tracked"  # the last round that W&B surely has
QUESTION = "state/question.pt"  # that people are being asked
STATES = ("state/round-*.pt", "state/round-*.sha256")  # of the last round, and its checksums
MODEL = "model"  # the folder of the trained model, which may be copied elsewhere
MODEL_FACTS, MODEL_WEIGHTS, MODEL_README = "model.json", "weights.pt", "README.md"
MODEL_FILES = tuple(f"{MODEL}/{name}" for name in (MODEL_FACTS, MODEL_WEIGHTS, MODEL_README))

# What is replaced as a whole, and is in the making until then.
FILES = (
    *(
        CONFIG,
        ROUNDS,
        GENERATED,
        POOL,
        TO_LABEL,
        LABEL_STUDIO,
        TOKENS,
        MEMORY,
        CURVE,
        WEIGHTS,
        SETTLED,
        MARK,
    ),
    *(QUESTION, *STATES, *MODEL_FILES),
)

# What belongs to one run, and would be a lie beside the rounds of another.
OF_A_RUN = (
    *(FAILURE, GENERATED, POOL, LABEL_STUDIO, MARK, MEMORY, CURVE, WEIGHTS, SETTLED),
    *(QUESTION, *STATES, *MODEL_FILES),
)


def part_of(path: Path) -> Path:
    """What a file is called while it is written."""
    return path.with_name(f".{path.name}.part")


PARTS = tuple(str(part_of(Path(name))) for name in FILES)


def state_of(folder: Path, number: int) -> Path:
    """The state after a round."""
    return folder / "state" / f"round-{number:04}.pt"


def checksums_of(state: Path) -> Path:
    """Where the checksums of a round stand."""
    return state.with_suffix(".sha256")


def remove(folder: Path, patterns: Iterable[str], but: Collection[Path] = ()) -> None:
    """Remove what is called so."""
    for pattern in patterns:
        for path in folder.glob(pattern):
            if path not in but:
                path.unlink()


def has_labels(folder: Path) -> bool:
    """Whether people labelled here; what they said is as good as a round."""
    labels = folder / LABELS
    return labels.is_file() and labels.stat().st_size > 0
