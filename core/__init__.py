"""Models and pipeline. Knows no user interface and no particular segmenter."""
