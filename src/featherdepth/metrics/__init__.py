"""Numbers that compare a depth map with the truth, and the protocols that say how to take them."""
