"""A depth network: normalization, an encoder of four maps, a decoder to one."""

from collections.abc import Callable, Sequence
from functools import partial

import torch
from jaxtyping import Float
from torch import Tensor, nn

from featherdepth.networks.efficientnet_lite import EfficientNetLite
from featherdepth.networks.ffm_decoder import FFMDecoder
from featherdepth.networks.lite_decoder import LiteDecoder
from featherdepth.networks.resnet import ResNet50
from featherdepth.networks.topformer import TopFormer

STRIDE = 32
"""Height and width of the input must be multiples of this: the decoders double sizes exactly."""

IMAGENET_MEAN, IMAGENET_STD = (0.485, 0.456, 0.406), (0.229, 0.224, 0.225)
LITE_MEAN, LITE_STD = (127 / 255,) * 3, (128 / 255,) * 3

ENCODERS: dict[str, Callable[..., nn.Module]] = {
    "efficientnet-lite0": partial(EfficientNetLite, "lite0"),
    "efficientnet-lite2": partial(EfficientNetLite, "lite2"),
    "resnet50": ResNet50,
    "topformer-base": partial(TopFormer, "base"),
    "topformer-small": partial(TopFormer, "small"),
    "topformer-tiny": partial(TopFormer, "tiny"),
}
DECODERS: dict[str, Callable[..., nn.Module]] = {"ffm": FFMDecoder, "lite": LiteDecoder}


class Normalize(nn.Module):
    """(images - mean) / std per channel; both are buffers, so they travel with the weights."""

    mean: Tensor
    std: Tensor

    def __init__(self, mean: Sequence[float], std: Sequence[float]) -> None:
        super().__init__()
        if len(mean) != 3 or len(std) != 3 or min(std) <= 0:
            raise ValueError(f"mean and std need 3 values, std above 0; got {mean} and {std}")
        self.register_buffer("mean", torch.tensor(mean, dtype=torch.float32).reshape(1, 3, 1, 1))
        self.register_buffer("std", torch.tensor(std, dtype=torch.float32).reshape(1, 3, 1, 1))

    def forward(self, images: Float[Tensor, "b 3 h w"]) -> Float[Tensor, "b 3 h w"]:
        return (images - self.mean) / self.std


class DepthNet(nn.Module):
    """RGB in 0..1 to a raw depth map of the same size.

    The map has no unit and no bound; what it means is said by the preset that goes with the
    weights (the students here: affine-invariant depth, larger is farther).

    Args:
        encoder: a key of `ENCODERS`.
        inject: widths of the four levels after semantic injection, 0 for a raw level; for
            TopFormer encoders, which need it: without it their transformer reaches no map.
        decoder: a key of `DECODERS`.
        widths: of the decoder's levels, from 1/4 down.
        mean, std: of the training images, per channel of RGB 0..1; default: what the encoder's
            ImageNet weights were trained with.

    Raises:
        ValueError: an unknown encoder or decoder, or widths that do not fit it.
    """

    def __init__(
        self,
        *,
        encoder: str,
        inject: Sequence[int] | None = None,
        decoder: str,
        widths: Sequence[int],
        mean: Sequence[float] | None = None,
        std: Sequence[float] | None = None,
    ) -> None:
        super().__init__()
        if encoder not in ENCODERS or decoder not in DECODERS:
            raise ValueError(
                f"encoder {encoder!r} with decoder {decoder!r}; encoders: {', '.join(ENCODERS)};"
                f" decoders: {', '.join(DECODERS)}"
            )
        lite = encoder.startswith("efficientnet-lite")
        self.normalize = Normalize(
            mean or (LITE_MEAN if lite else IMAGENET_MEAN),
            std or (LITE_STD if lite else IMAGENET_STD),
        )
        if encoder.startswith("topformer") != (inject is not None):
            raise ValueError(f"inject is needed by TopFormer encoders and only by them: {encoder}")
        self.encoder = ENCODERS[encoder](**({} if inject is None else {"inject": inject}))
        self.decoder = DECODERS[decoder](self.encoder.channels, widths)

    def forward(self, images: Float[Tensor, "b 3 h w"]) -> Float[Tensor, "b 1 h w"]:
        """The raw depth map.

        Raises:
            ValueError: height or width is not a multiple of 32.
        """
        return self.features(images)[0]

    def features(
        self, images: Float[Tensor, "b 3 h w"]
    ) -> tuple[Float[Tensor, "b 1 h w"], dict[str, Float[Tensor, "b _ _ _"]]]:
        """The raw depth map and the inner maps by name.

        `enc4`, `enc8`, `enc16`, `enc32` leave the encoder (after injection, if there is any);
        `dec16`, `dec8`, `dec4` and, from the FFM decoder, `dec2` are up-sampled steps of the
        decoder. The number is the stride.

        Raises:
            ValueError: height or width is not a multiple of 32.
        """
        named = self.encode(images)
        depth, decoded = self.decoder(list(named.values()))
        return depth, named | decoded

    def encode(self, images: Float[Tensor, "b 3 h w"]) -> dict[str, Float[Tensor, "b _ _ _"]]:
        """The encoder's maps alone, by name: `enc4`, `enc8`, `enc16`, `enc32`.

        Raises:
            ValueError: height or width is not a multiple of 32.
        """
        height, width = images.shape[-2:]
        if height % STRIDE or width % STRIDE:
            raise ValueError(
                f"images are {height}x{width}; height and width must be multiples of {STRIDE}:"
                " pad or resize the image, not the maps inside"
            )
        maps = self.encoder(self.normalize(images))
        return {f"enc{4 << i}": features for i, features in enumerate(maps)}
