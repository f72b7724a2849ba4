"""The scripts behind the shipped styles that no painter made; numpy, scipy and Pillow only.

A style is a function of a random generator: the same seed gives the same picture.
"""
