"""Measuring a model: accuracy under a protocol, with intervals and baselines beside it."""
