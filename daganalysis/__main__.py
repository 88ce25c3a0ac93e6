"""``python -m daganalysis`` is the command line."""

import sys

from daganalysis.commands import main

if __name__ == "__main__":
    sys.exit(main())
