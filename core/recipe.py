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
    engine_for,
)
from .recipe_forms import (
    from_data,
    from_json,
    from_toml,
    load_recipe,
    to_data,
    to_json,
    to_toml,
)
from .recipe_language import (
    format_recipe,
    format_region,
    parse_item,
    parse_mixture,
    parse_recipe,
    parse_target,
    parse_term,
    recipe_of,
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
    "engine_for",
    "format_recipe",
    "format_region",
    "from_data",
    "from_json",
    "from_toml",
    "load_recipe",
    "parse_item",
    "parse_mixture",
    "parse_recipe",
    "parse_target",
    "parse_term",
    "recipe_of",
    "to_data",
    "to_json",
    "to_toml",
]
