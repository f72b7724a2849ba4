"""The worker behind server.py: its process, its queue, its bodies, and what its jobs do."""
