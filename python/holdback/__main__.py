"""``python -m holdback`` is the command ``holdback``."""

from __future__ import annotations

import sys

from holdback.cli import main

if __name__ == "__main__":
    sys.exit(main())
