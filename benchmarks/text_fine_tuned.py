"""Active learning on texts with a fine-tuned network, on a GPU if there is one.

    AUTOAL_DATA=FOLDER python -m benchmarks.text_fine_tuned --keep
    AUTOAL_DATA=FOLDER python -m benchmarks.text_fine_tuned --settings sst2 --processes 1

The sets, strategies and seeds of `benchmarks.text`, and MiniLM trained by `task=bert`. On a
processor a round takes half a minute.
"""

from autoal import Plan
from benchmarks.paired import Field, Setting, compare
from benchmarks.text import STRATEGIES, TASKS

SEEDS = 5
HALF = "bf16-mixed"  # in which processors with AVX512-BF16 fine-tune twice as fast
SETTINGS = {
    task: Setting(f"{task}-tokens", Plan(50, 50, 3), "bert", precision=HALF, accelerator="auto")
    for task in TASKS
}


if __name__ == "__main__":
    compare("text_fine_tuned", SETTINGS, [Field(STRATEGIES, SEEDS)])
