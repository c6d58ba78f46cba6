"""Synthetic scenes with exact depth: a batched ray caster in plain torch.

`python -m tools.render OUT --count N` writes paired folders; `frame.render_batch` makes the same
frames on any device while a training runs. The tool stands outside the wheel.

What is exact: z-depth, intrinsics, direct visibility. What is approximate: shadows and ambient
light are sampled with one ray a light and six short rays a half-resolution pixel and then
smoothed along surfaces; the one bounce takes the mean color of what a short ray meets, lit by the
scene's mean light; nothing mirrors or refracts, gloss is a highlight of the lights only.
"""
