"""Depth completion: a photo and a few measured points to dense metric depth."""
