"""Depth files that no picture library reads: bytes to arrays, each format in its own file."""
