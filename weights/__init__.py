"""Manifest, model cards, weights, shipped styles, and the stores that find and check them."""
