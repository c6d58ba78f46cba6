"""How the completion network is trained: points as sensors give them, over a first stage's map."""
