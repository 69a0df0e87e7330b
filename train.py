"""Run one active-learning experiment, or go on with it: `python train.py --help`."""

import sys

from autoal.command import main

if __name__ == "__main__":
    sys.exit(main())
