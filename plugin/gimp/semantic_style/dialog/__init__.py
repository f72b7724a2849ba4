"""The dialog of Filters > Artistic > Semantic Style…: Gtk in front, the worker behind it.

Nothing here waits for the network on GIMP's main thread, and no thread calls GIMP.
"""
