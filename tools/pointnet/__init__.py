"""Self-supervised training of the PointNet trunk of the geometric loss, on rendered scenes only.

`python -m tools.render SCENES --count 700 --seed 1`, then
`python -m tools.pointnet RUN --scenes SCENES`. The task is to tell how a cloud was distorted: by a
shift of its depth (what affine-invariant depth leaves open), a wrong focal length, noise, and
bending (Yin et al., LeReS, CVPR 2021, section 3.2, for the first two).
"""
