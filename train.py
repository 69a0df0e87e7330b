"""Run one active-learning experiment, or go on with it: `python train.py --help`."""

import sys
from importlib.util import find_spec

from autoal.command import main

if __name__ == "__main__":
    if find_spec("autoal.strategies") is None:  # `pip install .` maps it in a copy of autoal alone
        print("error: this checkout is not installed: `pip install -e .` in it", file=sys.stderr)
        sys.exit(2)
    sys.exit(main())
