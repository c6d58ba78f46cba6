"""From a model folder to what a device runs, each file checked against the original."""
