"""Memory that training frees stays with the process while it trains, and no longer."""

import resource
import subprocess
import sys
import textwrap

import pytest

from featherdepth.training import allocator

BUFFER = """
    import resource
    import torch
    from featherdepth.training.allocator import kept_memory

    def pages():
        return resource.getrusage(resource.RUSAGE_SELF).ru_minflt

    def step():
        # Pages that the system clears for buffers that live together, as those of a step do.
        before = pages()
        buffers = [torch.ones(megabytes << 18) for megabytes in (80, 64, 48, 40)]
        return pages() - before

    def held():
        with open("/proc/self/statm") as file:
            return int(file.read().split()[1]) * resource.getpagesize() >> 20
"""


def told(code: str) -> list[int]:
    """What a process of its own prints: allocators remember."""
    source = textwrap.dedent(BUFFER) + textwrap.dedent(code)
    run = subprocess.run([sys.executable, "-c", source], capture_output=True, text=True, check=True)
    return [int(word) for word in run.stdout.split()]


@pytest.mark.skipif(allocator._glibc() is None, reason="another C library than glibc")
def test_buffers_of_a_step_are_cleared_once_and_given_back_at_the_end():
    outside, inside, kept, left = told("""
        step()
        print(step())
        with kept_memory():
            inside = [step() for _ in range(6)]  # until they have found their places
            print(inside[-1], held())
        print(held())
    """)

    of_a_step = (232 << 20) // resource.getpagesize()
    assert outside >= of_a_step
    assert inside < of_a_step / 2
    assert left < kept - 200  # MB


def test_elsewhere_nothing_happens(monkeypatch):
    def unknown(_):
        raise ValueError("unrecognized configuration name")

    monkeypatch.setattr(allocator.os, "confstr", unknown)
    monkeypatch.setattr(allocator.ctypes, "CDLL", None)  # would be called

    with allocator.kept_memory():
        pass
