"""Recipe and Region: what is wanted, as plain data, in three forms that carry the same.

The data and its checks are in recipe_data.py, the region language (`sky = mosaic @ 0.6;
keep people`) in recipe_language.py, JSON (canonical) and TOML (for people) in recipe_forms.py.
"""

from __future__ import annotations

from .recipe_data import (
    ENGINES,
    GROUPS,
    SCHEMA,
    SEGMENTERS,
    Pins,
    Recipe,
    Region,
    Source,
    Target,
)

__all__ = [
    "ENGINES",
    "GROUPS",
    "SCHEMA",
    "SEGMENTERS",
    "Pins",
    "Recipe",
    "Region",
    "Source",
    "Target",
]
