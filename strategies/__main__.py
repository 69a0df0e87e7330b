"""List the installed strategies: `python -m autoal.strategies`."""

import sys

from autoal.listing import main

if __name__ == "__main__":
    sys.exit(main())
