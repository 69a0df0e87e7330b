"""The command, as `python -m autoal`."""

import sys

from autoal.command import main

if __name__ == "__main__":
    sys.exit(main())
