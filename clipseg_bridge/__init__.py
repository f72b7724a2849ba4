"""Words (or a picture) to a soft mask."""
