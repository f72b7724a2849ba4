"""The way between a face and the worker: standard library only, shared by both ends."""
