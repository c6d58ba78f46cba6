"""Plots as inline SVG: text and shapes with classes; the page's style sheet colors them."""
