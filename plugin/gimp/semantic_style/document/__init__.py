"""The document: reading layers, a batch run, and what comes back into it as layers."""
