"""Which layers of a group stay, and which are made anew."""

from __future__ import annotations

from semantic_style.plugin.gimp.semantic_style.document.renewal import Fate, Standing, fates

OLD, OTHER = ("mask", "pixels"), ("mask 2", "pixels 2")


def test_what_came_back_the_same_stays() -> None:
    assert fates({0: Standing(OLD)}, [(0, OLD)]) == {0: Fate.STAY}


def test_a_new_mask_or_new_pixels_replace_a_layer() -> None:
    standing = {0: Standing(OLD), 1: Standing(OLD), 2: Standing(OLD)}
    arrived = [(0, ("mask", "pixels 2")), (1, ("mask 2", "pixels")), (2, OTHER)]
    assert set(fates(standing, arrived).values()) == {Fate.REPLACE}


def test_under_a_painted_mask_only_the_pixels_count() -> None:
    standing = {0: Standing(OLD, painted=True), 1: Standing(OLD, painted=True)}
    arrived = [(0, ("mask 2", "pixels")), (1, OTHER)]
    assert fates(standing, arrived) == {0: Fate.STAY, 1: Fate.REPAINT}


def test_a_deleted_layer_does_not_come_back_but_a_region_found_anew_comes() -> None:
    assert fates({}, [(0, OLD), (1, OLD)], frozenset({1})) == {0: Fate.INSERT}


def test_a_region_that_is_not_found_any_more_goes_unless_a_person_painted_it() -> None:
    standing = {0: Standing(OLD), 1: Standing(OLD, painted=True)}
    assert fates(standing, []) == {0: Fate.REMOVE, 1: Fate.STAY}
