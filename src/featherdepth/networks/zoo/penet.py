"""PENet, variant C2: ENet's depth, refined by propagation with kernels of 3, 5 and 7 pixels.

Source: Hu et al., PENet: Towards Precise and Efficient Image Guided Depth Completion (ICRA 2021).
"""

import torch
import torch.nn.functional as F
from jaxtyping import Float
from torch import Tensor, nn

from featherdepth.networks.zoo.cspn import Guide, one_hot_kernel, propagate, read_taps
from featherdepth.networks.zoo.enet import ENet
from featherdepth.networks.zoo.geometry import closest_pool
from featherdepth.networks.zoo.layers import conv_bn, draw_normal

KERNELS = (3, 5, 7)
STEPS = 6


class PENetC2(nn.Module):
    """Photo, sparse depth and camera to dense depth in meters, not clamped.

    Six steps with guides of half size, two pixels apart, then six with guides of full size. After
    each step measured pixels move toward their measurement by a learned trust.

    The buffers `encoder3`, `encoder5`, `encoder7` are the fixed one-hot kernels of the files that
    hold them; `read_taps` does their work and nothing reads them.
    """

    def __init__(self) -> None:
        super().__init__()
        for kernel in KERNELS:
            self.register_buffer(f"encoder{kernel}", one_hot_kernel(kernel))
        self.backbone = ENet()
        for suffix, inputs in (("", 64), ("_s2", 128)):
            self.add_module(f"kernel_conf_layer{suffix}", conv_bn(inputs, len(KERNELS)))
            self.add_module(f"mask_layer{suffix}", conv_bn(inputs, 1))
            for kernel in KERNELS:
                self.add_module(f"iter_guide_layer{kernel}{suffix}", Guide(inputs, kernel))
        self.softmax = nn.Softmax(dim=1)
        draw_normal(self)

    def forward(
        self,
        rgb: Float[Tensor, "b 3 h w"],
        sparse: Float[Tensor, "b 1 h w"],
        position: Float[Tensor, "b 2 h w"],
        camera: Float[Tensor, "b 3 3"],
        frame: tuple[int, int] | None = None,
    ) -> Float[Tensor, "b 1 h w"]:
        """The dense depth; arguments as of `ENet.forward`.

        Raises:
            ValueError: height or width is not a multiple of 32.
        """
        maps = self.backbone.maps(rgb, sparse, position, camera, frame)
        valid = (sparse > 0).to(sparse.dtype)
        depth = self._refine("_s2", maps.half, maps.depth, closest_pool(sparse, valid))
        return self._refine("", maps.full, depth, (sparse, valid))

    def _refine(
        self,
        suffix: str,
        features: Float[Tensor, "b c h w"],
        initial: Float[Tensor, "b 1 h2 w2"],
        measured: tuple[Float[Tensor, "b 1 h w"], Float[Tensor, "b 1 h w"]],
    ) -> Float[Tensor, "b 1 h2 w2"]:
        """Six steps of each kernel on `initial`, blended.

        `features` and `measured` (depth and validity) may be smaller by a whole factor: that is
        how many pixels the taps lie apart. The kernels take turns, to share memory.
        """
        dilation = initial.shape[-1] // features.shape[-1]

        def grow(values: Tensor) -> Tensor:
            return values if dilation == 1 else F.interpolate(values, scale_factor=dilation)

        depth, valid = measured
        trust = grow(torch.sigmoid(self.get_submodule(f"mask_layer{suffix}")(features)) * valid)
        target = trust * grow(depth)
        shares = grow(self.softmax(self.get_submodule(f"kernel_conf_layer{suffix}")(features)))
        blended = torch.zeros_like(initial)
        for kernel, share in zip(KERNELS, shares.chunk(3, 1), strict=True):
            guide = self.get_submodule(f"iter_guide_layer{kernel}{suffix}")(features)
            taps = [grow(tap) for tap in read_taps(guide)]
            del guide  # as large as all taps together
            current = initial
            for _ in range(STEPS):
                current = target + (1 - trust) * propagate(taps, current, initial, dilation)
            blended = blended + share * current
        return blended

    def example_inputs(self, height: int, width: int) -> tuple[Tensor, ...]:
        """Empty inputs of one image."""
        return self.backbone.example_inputs(height, width)
