"""The device that somebody asks for by name."""

import torch

from featherdepth.errors import BackendError, UsageError


def find_device(name: torch.device | str) -> torch.device:
    """The device of a name such as "cpu" or "cuda:0", which is there.

    Raises:
        UsageError: torch knows no such name.
        BackendError: torch sees no such device here.
    """
    try:
        device = torch.device(name)
    except RuntimeError as error:
        raise UsageError(f"device {name!r} is unknown; expected cpu, cuda or cuda:0") from error
    if device.type == "meta":  # it holds no numbers
        raise UsageError(f"device {name!r} computes nothing; expected cpu, cuda or cuda:0")
    try:
        torch.empty(0, device=device)
    except (RuntimeError, AssertionError, NotImplementedError) as error:
        # A torch without the device fails an assertion, one that does not see it raises.
        raise BackendError(
            f"device {name!r}: torch sees no such device here; leave it out"
        ) from error
    return device
