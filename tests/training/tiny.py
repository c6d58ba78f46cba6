"""A network of 300 numbers in training, for tests; also a script, because kills need processes.

python tiny.py once FOLDER[,FOLDER] [--resume] [key=value ...]
    --ordinary: not as root
python tiny.py kill FOLDER TIMES SEED [key=value ...]   fork, kill, resume; prints what was hit
python tiny.py shares FOLDER                            one of several processes of torchrun
"""

import atexit
import json
import os
import random
import signal
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn

from featherdepth.errors import FeatherDepthError
from featherdepth.rng import derive
from featherdepth.training.loop import LoopConfig, Outcome, run
from featherdepth.training.objective import Losses, Term

SHARED: dict[str, Any] = {"dropout": 0.0, "clip": None, "lr": 0.01}


class Net(nn.Module):
    """Convolution, BatchNorm, dropout and a product: everything a resume could forget."""

    def __init__(self, dropout: float = 0.2, ballast: int = 0) -> None:
        super().__init__()
        self.encoder = nn.Sequential(nn.Conv2d(3, 8, 3), nn.BatchNorm2d(8), nn.ReLU())
        self.dropout = nn.Dropout(dropout)
        self.decoder = nn.Linear(8, 1)
        self.ballast = nn.Parameter(torch.zeros(ballast, 1))  # makes checkpoints slow to write

    def forward(self, images: Tensor) -> Tensor:
        features = self.dropout(self.encoder(images).mean((2, 3)))
        return self.decoder(features)[:, 0] + 0 * self.ballast.sum()

    def features(self, images: Tensor) -> tuple[Tensor, dict[str, Tensor]]:
        features = self.encoder(images)
        return self.decoder(features.mean((2, 3)))[:, 0], {"encoder": features}


class Batches:
    """`size` images a step; the truth of some of them is unknown."""

    def __init__(self, size: int = 8) -> None:
        self.size = size

    def __call__(self, step: int, rank: int, world: int) -> dict[str, Tensor]:
        generator = torch.Generator().manual_seed(derive(7, "tiny", step))
        images = torch.rand(self.size, 3, 8, 8, generator=generator)
        truth = 3 * images.mean((1, 2, 3))
        known = torch.arange(self.size) % 4 != 1  # unequal parts for ranks 0 and 1 of 2
        batch = {"images": images, "truth": truth, "known": known}
        return {name: values[rank::world] for name, values in batch.items()}


def objective(model: nn.Module, batch: dict[str, Tensor]) -> Losses:
    error = model(batch["images"]) - batch["truth"]
    return {"square": error**2, "known": Term.over(0.5 * error.abs(), batch["known"])}


def new_net(**settings: Any) -> Net:
    with torch.random.fork_rng():
        torch.manual_seed(1)
        return Net(**settings)


def train(
    folder: Path,
    *,
    net: nn.Module | None = None,
    batches: Any = None,
    step_losses: Any = objective,
    resume: bool = False,
    dropout: float = 0.2,
    ballast: int = 0,
    size: int = 8,
    extra: dict[str, Any] | None = None,
    **settings: Any,
) -> Outcome:
    """`run` with 20 short steps, unless `settings` of the loop say otherwise."""
    config = LoopConfig(**{"steps": 20, "precision": "fp32", "tensorboard": False, **settings})
    net = net or new_net(ballast=ballast, dropout=dropout)
    batches = batches or Batches(size)
    extra = extra or {}
    return run(net, step_losses, batches, config, folder, resume=resume, device="cpu", **extra)


def newest_state(folder: Path) -> dict[str, Any]:
    path = max((folder / "checkpoints").glob("step-*.pt"))
    return torch.load(path, weights_only=True)["trainer"]


def tensors(state: Any) -> dict[str, Any]:
    """Everything in a nested state by place, to compare two states bit for bit."""
    if isinstance(state, dict):
        pairs = state.items()
    elif isinstance(state, list | tuple):
        pairs = enumerate(state)
    else:
        return {"": state.numpy().tobytes() if isinstance(state, Tensor) else state}
    return {f"{k}/{place}": v for k, part in pairs for place, v in tensors(part).items()}


def kill_and_resume(folder: Path, times: int, seed: int, settings: dict[str, Any]) -> None:
    """Fork a run and kill it at random moments, `times` times; then let it finish."""
    moments = random.Random(seed)
    warm_up()
    hits = {"kills": 0, "writing": 0, "started": 0, "code": -1}
    while hits["code"] < 0:
        process = os.fork()
        if process == 0:
            os._exit(guarded(lambda: train(folder, resume=True, **settings)))
        if hits["kills"] < times:
            if hits["kills"] % 2:  # every other kill comes at any moment, start-up included
                wait_for_a_checkpoint(folder)
            time.sleep(moments.uniform(0.0, 0.1))
            os.kill(process, signal.SIGKILL)
        code = os.waitstatus_to_exitcode(os.waitpid(process, 0)[1])
        if code == -signal.SIGKILL:
            hits["kills"] += 1
            hits["writing"] += (folder / "checkpoints" / ".writing.pt").exists()
            hits["started"] += any((folder / "checkpoints").glob("step-*.pt"))
        else:
            hits["code"] = code
    print(json.dumps(hits))


def wait_for_a_checkpoint(folder: Path) -> None:
    """Return when a checkpoint appears that was not there, or after ten seconds."""
    checkpoints = folder / "checkpoints"
    before = set(checkpoints.glob("step-*.pt"))
    end = time.monotonic() + 10
    while time.monotonic() < end and set(checkpoints.glob("step-*.pt")) <= before:
        time.sleep(0.001)


def warm_up() -> None:
    """Import what torch imports on first use."""
    with tempfile.TemporaryDirectory() as scratch:
        train(Path(scratch), steps=1)


def shares(folder: Path) -> None:
    """Train with frozen and with free BatchNorm; leave what each process ended with."""
    if "RANK" in os.environ:  # what is registered first is called last
        atexit.register(_tell_of_group, folder / f"group{os.environ['RANK']}.txt")
    train(folder / "frozen", **SHARED, freeze_batchnorm=True, size=7, steps=3)
    net = new_net(dropout=0.0)
    if os.environ.get("RANK") == "1":
        nn.init.zeros_(net.decoder.weight)  # the first process decides what all begin with
    train(folder / "free", **SHARED, net=net, steps=1)
    torch.save(net.state_dict(), folder / f"rank{os.environ.get('RANK', 'alone')}.pt")


def _tell_of_group(path: Path) -> None:
    threads = [p.read_text().strip() for p in Path("/proc/self/task").glob("*/comm")]
    path.write_text(" ".join(name for name in threads if "gloo" in name) or "left")


def guarded(call: Any) -> int:
    try:
        call()
    except FeatherDepthError as error:
        print(error, file=sys.stderr)
        return error.exit_code
    except KeyboardInterrupt as error:
        print(error, file=sys.stderr)
        return 130
    return 0


def main(verb: str, folder: str, *rest: str) -> int:
    settings = dict(word.split("=") for word in rest if "=" in word)
    settings = {name: json.loads(value) for name, value in settings.items()}
    if "--ordinary" in rest and os.getuid() == 0:
        warm_up()
        os.setuid(65534)
    if verb == "shares":
        shares(Path(folder))
        return 0
    if verb == "kill":
        kill_and_resume(Path(folder), int(rest[0]), int(rest[1]), settings)
        return 0
    resume = "--resume" in rest
    return max(
        guarded(lambda f=f: train(Path(f), resume=resume, **settings)) for f in folder.split(",")
    )


if __name__ == "__main__":
    torch.set_num_threads(1)
    sys.exit(main(*sys.argv[1:]))
