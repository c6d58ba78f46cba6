"""Training: the loop, what it is fed, what it writes."""
