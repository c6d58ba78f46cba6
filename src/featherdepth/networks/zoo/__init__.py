"""Other people's completion systems, as published: for tables that compare them.

Each takes a photo and a sparse map in meters and gives a dense map in meters. Parameter names and
shapes are those of the released files; so are the oddities, which the weights were trained with.
Every network has `example_inputs(height, width)`: empty tensors of the shapes that `forward` takes.
"""

ZOO = ("enet", "nlspn", "penet-c2")
"""The names of these networks in the table of all networks."""
