"""Which strategy is best when all teach the head that tunes itself? The bench with that head.

    AUTOAL_DATA=FOLDER python -m benchmarks.quality.goal --keep

Strategies and tables are those of `benchmarks.quality`, and so are the settings in which a head is
taught, but that its penalty, its temperature and the trust in labels are chosen anew in every round
(`task=logistic` without a penalty).
"""

from dataclasses import replace

from benchmarks.paired import Field, compare
from benchmarks.quality import settings
from benchmarks.quality.__main__ import tables
from benchmarks.quality.contenders import CLAIMED, OTHERS

SETTINGS = {
    name: replace(setting, task="tuned head")
    for name, setting in settings.SETTINGS.items()
    if setting.task == "head"
}
FIELDS = (Field(CLAIMED, 10), Field(OTHERS, 5))

if __name__ == "__main__":
    compare("goal", SETTINGS, FIELDS, tables)
