"""The GIMP 3 plug-in, in GIMP's own Python: the standard library and gi only.

GIMP runs semantic_style.py, with this folder first on its path; `link` is also what the worker
is made of, so that both sides read and write the same bytes.
"""
