#!/usr/bin/env python3
"""GIMP runs this file. It finds the package beside it by GIMP's plug-ins folder, which comes last
on the path: nothing that lies there takes the place of a module of Python's own."""

import sys
from pathlib import Path

here = Path(__file__).resolve().parent
sys.path[:] = [place for place in sys.path if not place or Path(place).resolve() != here]
sys.path.append(str(here.parent))
__package__ = "semantic_style"

from .procedures import main  # noqa: E402

main(sys.argv)
