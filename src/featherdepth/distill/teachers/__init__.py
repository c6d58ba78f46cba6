"""Teachers: whatever turns a photo into a depth map, behind one protocol."""
