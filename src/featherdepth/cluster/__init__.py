"""Past one machine: the work of `predict` and `label` on Ray Data. Only this room knows Ray."""
