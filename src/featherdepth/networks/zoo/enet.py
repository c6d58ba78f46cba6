"""ENet: an image branch and a depth branch, each with its own depth and confidence.

Source: Hu et al., PENet: Towards Precise and Efficient Image Guided Depth Completion (ICRA 2021).
"""

from typing import NamedTuple

import torch
from jaxtyping import Float
from torch import Tensor, nn

from featherdepth.networks.zoo.geometry import GeoBlock, geometry_pyramid
from featherdepth.networks.zoo.layers import conv_bn, deconv_bn, draw_normal

STRIDE = 32
"""Height and width of the input must be multiples of this."""
WIDTHS = (32, 64, 128, 256, 512, 1024)
"""Channels at scales 1, 1/2, ... 1/32."""
LAYERS = range(1, 11)
"""Of an encoder: odd ones halve the size."""


class Maps(NamedTuple):
    """What ENet computes."""

    rgb_depth: Float[Tensor, "b 1 h w"]
    """Depth of the image branch."""
    sparse_depth: Float[Tensor, "b 1 h w"]
    """Depth of the depth branch."""
    depth: Float[Tensor, "b 1 h w"]
    """Both, weighed by their confidences."""
    full: Float[Tensor, "b 64 h w"]
    """Features of both decoders at full size."""
    half: Float[Tensor, "b 128 h//2 w//2"]
    """Features of both decoders at half size."""


class ENet(nn.Module):
    """Photo, sparse depth and camera to dense depth in meters, not clamped."""

    def __init__(self) -> None:
        super().__init__()
        relu = nn.ReLU()
        self.rgb_conv_init = conv_bn(4, WIDTHS[0], 5, act=relu)
        self.depth_conv_init = conv_bn(2, WIDTHS[0], 5, act=relu)
        for i in LAYERS:
            inputs, outputs = WIDTHS[i // 2], WIDTHS[(i + 1) // 2]
            self.add_module(f"rgb_encoder_layer{i}", GeoBlock(inputs, outputs, 1 + i % 2))
            joined = inputs if i == 1 else inputs * (1 + i % 2)
            self.add_module(f"depth_layer{i}", GeoBlock(joined, outputs, 1 + i % 2))
        for level in range(4, -1, -1):
            inputs, outputs = WIDTHS[level + 1], WIDTHS[level]
            for name in (f"rgb_decoder_layer{2 * level}", f"decoder_layer{5 - level}"):
                self.add_module(name, deconv_bn(inputs, outputs, 5, 2, relu))
        self.rgb_decoder_output = deconv_bn(WIDTHS[0], 2, 3, 1, relu)
        self.decoder_layer6 = conv_bn(WIDTHS[0], 2, act=relu)
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
        """The dense depth.

        Args:
            rgb: 0..255, not normalized.
            sparse: meters, 0 where nothing was measured, at most 600.
            position: column, then row, as -1..1 over the frame, both ends included.
            camera: the matrix K of the frame.
            frame: (height, width) that `position` spans; default: that of the input.

        Raises:
            ValueError: height or width is not a multiple of 32.
        """
        return self.maps(rgb, sparse, position, camera, frame).depth

    def maps(
        self,
        rgb: Float[Tensor, "b 3 h w"],
        sparse: Float[Tensor, "b 1 h w"],
        position: Float[Tensor, "b 2 h w"],
        camera: Float[Tensor, "b 3 3"],
        frame: tuple[int, int] | None = None,
    ) -> Maps:
        """As `forward`, with the depths of both branches and the features of both decoders."""
        height, width = rgb.shape[-2:]
        if height % STRIDE or width % STRIDE:
            raise ValueError(
                f"inputs are {height}x{width}; height and width must be multiples of {STRIDE}:"
                " pad the photo by reflection and the sparse map with 0"
            )
        geometry = geometry_pyramid(sparse, position, camera, frame or (height, width))
        # 1. The image branch sees the sparse map as a fourth channel.
        stem = self.rgb_conv_init(torch.cat((rgb, sparse), 1))
        seen = self._encode("rgb_encoder_layer", stem, geometry, {})
        features, joined = seen[10], {}
        for i in (8, 6, 4, 2):
            features = joined[i] = self._layer(f"rgb_decoder_layer{i}", features) + seen[i]
        full = self._layer("rgb_decoder_layer0", features) + stem
        rgb_depth, rgb_trust = self.rgb_decoder_output(full).split(1, 1)
        # 2. The depth branch starts from the depth of the first and joins its decoder's features.
        stem = self.depth_conv_init(torch.cat((sparse, rgb_depth), 1))
        known = self._encode("depth_layer", stem, geometry, joined)
        half = self._layer("decoder_layer1", seen[10] + known[10])
        for i, name in ((8, "decoder_layer2"), (6, "decoder_layer3"), (4, "decoder_layer4")):
            half = self._layer(name, known[i] + half)
        last = self._layer("decoder_layer5", known[2] + half)
        sparse_depth, sparse_trust = self.decoder_layer6(last).split(1, 1)
        # 3. Each pixel weighs both depths.
        weights = self.softmax(torch.cat((rgb_trust, sparse_trust), 1))
        return Maps(
            rgb_depth=rgb_depth,
            sparse_depth=sparse_depth,
            depth=weights[:, :1] * rgb_depth + weights[:, 1:] * sparse_depth,
            full=torch.cat((full, last), 1),
            half=torch.cat((joined[2], half), 1),
        )

    def _encode(
        self, prefix: str, features: Tensor, geometry: list[Tensor], joined: dict[int, Tensor]
    ) -> dict[int, Tensor]:
        """The outputs of the ten layers; `joined` stands before the features where it has any."""
        outputs = {}
        for i in LAYERS:
            if i % 2 and i - 1 in joined:
                features = torch.cat((joined[i - 1], features), 1)
            around = geometry[i // 2], geometry[(i + 1) // 2]
            features = outputs[i] = self._layer(f"{prefix}{i}", features, *around)
        return outputs

    def _layer(self, name: str, *inputs: Tensor) -> Tensor:
        outputs: Tensor = self.get_submodule(name)(*inputs)
        return outputs

    def example_inputs(self, height: int, width: int) -> tuple[Tensor, ...]:
        """Empty inputs of one image."""
        shapes = [(1, channels, height, width) for channels in (3, 1, 2)]
        return tuple(torch.empty(shape) for shape in [*shapes, (1, 3, 3)])
