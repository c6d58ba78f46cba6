"""Cameras, alignment and resizing: plain arrays in, plain arrays out."""
