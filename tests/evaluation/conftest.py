"""Lets the tests of this room import `evaluation_scenes`: test folders are no packages."""

import importlib.util
import sys
from pathlib import Path

SPEC = importlib.util.spec_from_file_location(
    "evaluation_scenes", Path(__file__).with_name("scenes.py")
)
assert SPEC is not None
assert SPEC.loader is not None
sys.modules["evaluation_scenes"] = importlib.util.module_from_spec(SPEC)
SPEC.loader.exec_module(sys.modules["evaluation_scenes"])
