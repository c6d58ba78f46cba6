"""Teachers: what a student learns from. `open.open_teacher` is the one door."""

from featherdepth.registry import Registry

_ROOM = "featherdepth.distill.teachers."

TEACHERS = Registry(
    "way of opening a teacher",
    {
        "folder": _ROOM + "own:open_own",
        "foreign": _ROOM + "foreign:open_foreign",
        "hf": _ROOM + "hub.teacher:open_hub",
        "mean": _ROOM + "mean:MeanTeacher",
        "onnx": _ROOM + "onnx_file:open_onnx",
        "py": _ROOM + "function:open_function",
    },
)
"""Plain strings: transformers is imported only for the teachers that need it."""
