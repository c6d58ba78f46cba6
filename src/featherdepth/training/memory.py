"""Whether memory ran out, which torch says in several ways."""

import torch


def out_of_memory(error: BaseException) -> bool:
    """Whether this error says so; the CPU allocators of torch have no class of their own."""
    said = str(error)
    return (
        isinstance(error, MemoryError | torch.OutOfMemoryError)
        or "allocate memory" in said
        or "DefaultCPUAllocator" in said
        or "not enough memory" in said
    )
