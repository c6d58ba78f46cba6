"""PointNet: what a cloud of points looks like, as one feature vector a point and one a cloud.

    points (b n 3) -> 64 -> 128 -> 1024, each a linear layer shared by all points with BatchNorm,
                      ReLU after the first two
    features of a point: the 128 values after the second layer
    features of a cloud: the greatest value over its points of each of the 1024 channels

Qi et al., PointNet, CVPR 2017, section 4.2. Both are divided by their standard deviation over
typical clouds, so that a squared difference is about 1 between unrelated clouds.

The T-Nets of the paper (learned transforms of points and features) are options. The geometric loss
goes without: a T-Net learns to undo the pose and scale that the loss should see.
"""

from copy import deepcopy
from pathlib import Path
from typing import Literal, NamedTuple

import numpy as np
import torch
import torch.nn.functional as F
from jaxtyping import Float, Float64, Int64
from safetensors import SafetensorError, safe_open
from safetensors.numpy import save
from torch import Tensor, nn

from featherdepth.errors import WeightsError
from featherdepth.images.atomic import write_atomic
from featherdepth.losses.box_rooms import box_rooms

VERSION = "1"
"""Of the shipped weights; another number, other values of the loss."""
SHIPPED = Path(__file__).with_name("pointnet.safetensors")
WIDTHS = (64, 128, 1024)
LOWEST_SHARE = 0.1
"""A channel that hardly moves on typical clouds is divided by this share of the mean deviation."""
COUNTER = "num_batches_tracked"


class Features(NamedTuple):
    """What a trunk says about a batch of clouds, normalized."""

    points: Float[Tensor, "b 128 n"]
    pooled: Float[Tensor, "b 1024"]


class TNet(nn.Module):
    """A `width` x `width` matrix predicted from a whole cloud; the identity plus what it learns."""

    def __init__(self, width: int) -> None:
        super().__init__()
        self.width = width
        self.shared = nn.Sequential(
            *_shared(width, WIDTHS[0]), *_shared(WIDTHS[0], WIDTHS[1]), *_shared(*WIDTHS[1:])
        )
        self.head = nn.Sequential(
            nn.Linear(WIDTHS[2], 512),
            nn.BatchNorm1d(512),
            nn.ReLU(),
            nn.Linear(512, 256),
            nn.BatchNorm1d(256),
            nn.ReLU(),
            nn.Linear(256, width * width),
        )

    def forward(self, features: Float[Tensor, "b c n"]) -> Float[Tensor, "b c n"]:
        """The features after the predicted matrix."""
        learned: Tensor = self.head(self.shared(features).amax(dim=2))
        identity = torch.eye(self.width).to(learned)
        return (identity + learned.view(-1, self.width, self.width)) @ features


class PointNet(nn.Module):
    """The trunk as it is trained: with BatchNorm and, if asked for, T-Nets."""

    point_std: Tensor
    pooled_std: Tensor

    def __init__(self, *, input_tnet: bool = False, feature_tnet: bool = False) -> None:
        super().__init__()
        self.input_tnet = TNet(3) if input_tnet else nn.Identity()
        self.first = nn.Sequential(*_shared(3, WIDTHS[0]))
        self.feature_tnet = TNet(WIDTHS[0]) if feature_tnet else nn.Identity()
        self.second = nn.Sequential(*_shared(WIDTHS[0], WIDTHS[1]))
        self.third = nn.Sequential(*_shared(WIDTHS[1], WIDTHS[2])[:2])
        self.register_buffer("point_std", torch.ones(WIDTHS[1]))
        self.register_buffer("pooled_std", torch.ones(WIDTHS[2]))

    def forward(self, points: Float[Tensor, "b n 3"]) -> Features:
        """Features of the points (in the order of the points) and of the cloud."""
        hidden = self.second(self.feature_tnet(self.first(self.input_tnet(points.mT))))
        pooled = self.third(hidden).amax(dim=2)
        return Features(hidden / self.point_std[:, None], pooled / self.pooled_std)

    @torch.no_grad()
    def normalize_by(self, clouds: list[Tensor]) -> None:
        """Set the deviations to those over batches of clouds (b n 3); in eval mode."""
        if self.training:
            raise ValueError("a trunk in train mode has no fixed features; call eval() first")
        self.point_std.fill_(1)
        self.pooled_std.fill_(1)
        features = [self(cloud) for cloud in clouds]
        by_point = torch.cat([f.points.mT.flatten(0, 1) for f in features]).std(dim=0)
        pooled = torch.cat([f.pooled for f in features]).std(dim=0)
        for std, found in ((self.point_std, by_point), (self.pooled_std, pooled)):
            std.copy_(found.clamp(min=LOWEST_SHARE * float(found.mean())))


class FrozenTrunk(nn.Module):
    """A trained trunk without T-Nets as three matrices: gradients reach its input, never itself.

    BatchNorm and the deviations of the features are folded into the matrices, which are buffers
    that no checkpoint repeats. Train mode changes nothing here.
    """

    weight1: Tensor
    weight2: Tensor
    weight3: Tensor
    bias1: Tensor
    bias2: Tensor
    bias3: Tensor

    def __init__(self, trunk: PointNet) -> None:
        """Fold `trunk` as it is in eval mode.

        Raises:
            ValueError: a trunk with T-Nets, which are not linear.
        """
        super().__init__()
        if isinstance(trunk.input_tnet, TNet) or isinstance(trunk.feature_tnet, TNet):
            raise ValueError("a trunk with T-Nets cannot be folded into three matrices")
        # A positive factor passes through ReLU and maximum, so the deviations fold in, too.
        point, pooled = trunk.point_std.double()[:, None], trunk.pooled_std.double()[:, None]
        (w1, b1), (w2, b2), (w3, b3) = map(_folded, (trunk.first, trunk.second, trunk.third))
        folded = [(w1, b1), (w2 / point, b2 / point), (w3 * point.mT / pooled, b3 / pooled)]
        for k, (weight, bias) in enumerate(folded, start=1):
            dtype = trunk.point_std.dtype
            self.register_buffer(f"weight{k}", weight.to(dtype).contiguous(), persistent=False)
            self.register_buffer(f"bias{k}", bias.to(dtype), persistent=False)

    def forward(self, points: Float[Tensor, "b n 3"]) -> Features:
        """Equal to the trunk in eval mode, up to rounding."""
        hidden = _layer(self.weight1, self.bias1, points.mT.contiguous()).relu_()
        hidden = _layer(self.weight2, self.bias2, hidden).relu_()
        # Cloud by cloud: the 1024 x n scores of a whole batch would fill half a gigabyte.
        pooled = torch.stack([_highest(self.weight3, cloud) for cloud in hidden])
        return Features(hidden, pooled + self.bias3[:, 0])


def load_trunk(weights: Literal["trained", "random"] = "trained") -> FrozenTrunk:
    """The shipped trunk, or one with random weights to compare it with (the same each time).

    Raises:
        WeightsError: the shipped file is missing, damaged, or of another version.
    """
    return FrozenTrunk(read_trunk(SHIPPED) if weights == "trained" else random_trunk())


def random_trunk() -> PointNet:
    """An untrained trunk in eval mode, its features normalized over random box rooms."""
    generator = torch.Generator().manual_seed(0)
    trunk = _blank()
    for part in (trunk.first, trunk.second, trunk.third):
        weight, bias = list(part.parameters())[:2]
        limit = weight.shape[1] ** -0.5  # torch's own law, but from a stream of ours
        for parameter in (weight, bias):
            parameter.uniform_(-limit, limit, generator=generator)
    trunk.normalize_by([box_rooms(32, 512, generator)])
    return trunk


def save_trunk(path: Path, trunk: PointNet, materials: str) -> None:
    """Write the weights, matrices as fp16, with the version and what they were made from."""
    tensors = {
        name: (value.half() if value.ndim > 1 else value.float()).cpu().contiguous().numpy()
        for name, value in trunk.state_dict().items()
        if not name.endswith(COUNTER)
    }
    write_atomic(path, save(tensors, metadata={"version": VERSION, "materials": materials}))


def read_trunk(path: Path) -> PointNet:
    """A trunk from a file that `save_trunk` wrote, frozen and in eval mode.

    Raises:
        WeightsError: the file is missing, damaged, of another version, or not finite.
    """
    trunk = _blank()
    own = {k: v for k, v in trunk.state_dict().items() if not k.endswith(COUNTER)}
    try:
        with safe_open(path, framework="numpy") as file:
            version = (file.metadata() or {}).get("version", "none")
            tensors: dict[str, np.ndarray] = {name: file.get_tensor(name) for name in file.keys()}  # noqa: SIM118
    except (OSError, SafetensorError) as error:
        raise WeightsError(f"{path}: cannot read the PointNet trunk: {error}") from error
    if version != VERSION:
        raise WeightsError(f"{path}: trunk of version {version}; expected {VERSION}")
    found = {name: tensor.shape for name, tensor in tensors.items()}
    if found != {name: tuple(tensor.shape) for name, tensor in own.items()}:
        raise WeightsError(f"{path}: its tensors are not those of a PointNet trunk without T-Nets")
    if not all(np.isfinite(tensor).all() for tensor in tensors.values()):
        raise WeightsError(f"{path}: holds NaN or infinity; the file is damaged")
    state = {name: torch.from_numpy(tensor.astype(np.float32)) for name, tensor in tensors.items()}
    trunk.load_state_dict(state, strict=False)  # only counters are absent: checked above
    return trunk


def _blank() -> PointNet:
    with torch.random.fork_rng(devices=[]):  # its first weights are replaced: draw nothing
        return PointNet().eval().requires_grad_(False)


def _shared(width: int, out: int) -> list[nn.Module]:
    """A layer that all points share."""
    return [nn.Conv1d(width, out, 1), nn.BatchNorm1d(out), nn.ReLU()]


def _folded(part: nn.Module) -> tuple[Float64[Tensor, "o i"], Float64[Tensor, "o 1"]]:
    """Matrix and bias of a shared layer with its BatchNorm, read off what it does in eval mode."""
    affine = deepcopy(nn.Sequential(*list(part.children())[:2])).eval().double()
    width = next(affine.parameters()).shape[1]
    with torch.no_grad():
        bias = affine(torch.zeros(1, width, 1, dtype=torch.float64))[0]
        weight = affine(torch.eye(width, dtype=torch.float64)[None])[0] - bias
    return weight, bias


def _layer(
    weight: Float[Tensor, "o i"], bias: Float[Tensor, "o 1"], features: Float[Tensor, "b i n"]
) -> Float[Tensor, "b o n"]:
    return torch.baddbmm(bias, weight.expand(len(features), -1, -1), features)


def _highest(weight: Float[Tensor, "o i"], cloud: Float[Tensor, "i n"]) -> Float[Tensor, " o"]:
    """Max over n of weight @ cloud, with a backward pass over the winning points alone."""
    with torch.no_grad():
        scores = weight @ cloud
        if not cloud.requires_grad:
            return scores.amax(dim=1)
        winner = _argmax(scores)
        value = scores.gather(1, winner[:, None])[:, 0]
    # No other point has a gradient: instead of n columns, the 1024 winners are differentiated.
    again = F.embedding(winner, cloud.mT).mul(weight).sum(dim=1)
    return value + (again - again.detach())


def _argmax(scores: Float[Tensor, "o n"]) -> Int64[Tensor, " o"]:
    # torch.argmax takes 5 times as long on CPUs.
    if scores.device.type == "cpu":
        return torch.from_numpy(np.argmax(scores.numpy(), axis=1))
    return scores.argmax(dim=1)
