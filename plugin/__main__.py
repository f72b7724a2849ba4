"""`python -m semantic_style.plugin` is the command `semantic-style`."""

from __future__ import annotations

import sys

from .cli import main

if __name__ == "__main__":
    sys.exit(main())
