"""Training: `python -m semantic_style.core.train`."""
