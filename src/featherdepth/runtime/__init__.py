"""From a model folder and photos to depth maps, on whichever backend is installed."""
