"""How fast a model is here: paired timings, and the share of what this machine can do."""
