"""Label-free distillation: a teacher, photos, and a student that learns what the teacher knows."""
