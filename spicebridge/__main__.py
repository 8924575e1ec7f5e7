"""``python -m spicebridge`` is the command ``spicebridge``."""

from __future__ import annotations

import sys

from spicebridge.cli import main

if __name__ == "__main__":
    sys.exit(main())
