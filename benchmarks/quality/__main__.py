"""Does AutoAL beat its candidates and its rivals? Paired runs, many seeds, many settings.

    AUTOAL_DATA=FOLDER python -m benchmarks.quality --keep     # all of it, in two processes
    AUTOAL_DATA=FOLDER python -m benchmarks.quality --settings mnist-low --seeds 3

`benchmarks.quality.sets` says which files the folder has. A run is a run folder, and one that is
there already is not run again. How AutoAL composes its batch was chosen by `benchmarks.designs` on
the data sets of DESIGNED_ON: the others, which no choice has seen, count most.
"""

from benchmarks.paired import compare
from benchmarks.quality.contenders import FIELDS
from benchmarks.quality.settings import SETTINGS

if __name__ == "__main__":
    compare("quality", SETTINGS, FIELDS)
