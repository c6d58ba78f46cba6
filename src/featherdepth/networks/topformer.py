"""TopFormer encoders: a light convolutional pyramid, a transformer on its pooled tokens, injection.

Source: Zhang et al., TopFormer: Token Pyramid Transformer for Mobile Semantic Segmentation (CVPR
2022). Parameter names are those of the released checkpoints.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from math import sqrt

from jaxtyping import Float
from torch import Tensor, nn

from featherdepth.networks.blocks import ConvBN
from featherdepth.networks.injection import Injection
from featherdepth.networks.token_transformer import TOKEN_STRIDE, TokenTransformer, pool_to_tokens


@dataclass(frozen=True, kw_only=True, slots=True)
class Variant:
    """One size of the network."""

    rows: tuple[tuple[int, int, int, int], ...]
    """Kernel, expansion, width, stride of each block."""
    taps: tuple[int, int, int, int]
    """Blocks, counted from 0, whose outputs are the four maps."""
    heads: int
    injection: int
    """Width of the injected maps in the published segmentation model."""

    @property
    def channels(self) -> tuple[int, ...]:
        """Of the maps at 1/4, 1/8, 1/16, 1/32."""
        return tuple(self.rows[i][2] for i in self.taps)


def _variant(w: tuple[int, int, int, int, int], heads: int, injection: int) -> Variant:
    rows = [
        (3, 1, 16, 1),
        *((3, 4, w[0], 2), (3, 3, w[0], 1)),
        *((5, 3, w[1], 2), (5, 3, w[1], 1)),
        *((3, 3, w[2], 2), (3, 3, w[2], 1)),
        *((5, 6, w[3], 2), (5, 6, w[3], 1)),
    ]
    if w[4]:
        rows.append((3, 6, w[4], 1))
    taps = (2, 4, 6, len(rows) - 1)
    return Variant(rows=tuple(rows), taps=taps, heads=heads, injection=injection)


VARIANTS = {
    "tiny": _variant((16, 32, 64, 96, 0), heads=4, injection=128),
    "small": _variant((24, 48, 96, 128, 128), heads=6, injection=192),
    "base": _variant((32, 64, 128, 160, 160), heads=8, injection=256),
}


class InvertedResidual(nn.Module):
    """Widen by 1x1, filter each channel, narrow by 1x1 without activation."""

    def __init__(self, inputs: int, outputs: int, kernel: int, stride: int, expansion: int) -> None:
        super().__init__()
        hidden = inputs * expansion
        layers: list[nn.Module] = []
        if expansion != 1:
            layers += [ConvBN(inputs, hidden, conv_name="c"), nn.ReLU()]
        layers += [
            ConvBN(hidden, hidden, kernel, stride, groups=hidden, conv_name="c"),
            nn.ReLU(),
            ConvBN(hidden, outputs, conv_name="c"),
        ]
        self.conv = nn.Sequential(*layers)
        self.adds_input = stride == 1 and inputs == outputs

    def forward(self, features: Float[Tensor, "b c h w"]) -> Float[Tensor, "b d h2 w2"]:
        outputs: Tensor = self.conv(features)
        return features + outputs if self.adds_input else outputs


class TokenPyramid(nn.Module):
    """Image to four maps at 1/4, 1/8, 1/16, 1/32."""

    def __init__(self, variant: Variant) -> None:
        super().__init__()
        self.taps = variant.taps
        self.stem = nn.Sequential(ConvBN(3, 16, 3, 2, conv_name="c"), nn.ReLU())
        width = 16
        for i, (kernel, expansion, outputs, stride) in enumerate(variant.rows, start=1):
            block = InvertedResidual(width, outputs, kernel, stride, expansion)
            self.add_module(f"layer{i}", block)
            width = outputs

    def forward(self, images: Float[Tensor, "b 3 h w"]) -> list[Float[Tensor, "b _ _ _"]]:
        features, maps = self.stem(images), []
        for i in range(self.taps[-1] + 1):
            features = self.get_submodule(f"layer{i + 1}")(features)
            if i in self.taps:
                maps.append(features)
        return maps


class TopFormer(nn.Module):
    """Image to four maps; where a level is injected, it carries what the tokens know.

    Args:
        variant: "tiny", "small" or "base".
        inject: width of each of the four levels after injection; 0 leaves a level as it is. None:
            no injection at all, as in the ImageNet checkpoints. The tokens then reach none of the
            four maps, and are returned as a fifth.

    Raises:
        ValueError: an unknown variant, or `inject` without four widths.
    """

    def __init__(self, variant: str, inject: Sequence[int] | None = None) -> None:
        super().__init__()
        if variant not in VARIANTS:
            raise ValueError(f"variant {variant!r}; known: {', '.join(VARIANTS)}")
        if inject is not None and (len(inject) != 4 or min(inject) < 0 or max(inject) == 0):
            raise ValueError(f"inject takes 4 widths (0 leaves a level raw), got {list(inject)}")
        settings = VARIANTS[variant]
        taps = settings.channels
        self.token_channels = taps
        self.channels = tuple(w or c for w, c in zip(inject or (0,) * 4, taps, strict=True))
        self.tpm = TokenPyramid(settings)
        self.trans = TokenTransformer(sum(taps), settings.heads)
        self.SIM = nn.ModuleList(  # the name in released checkpoints
            Injection(c, w) if w else nn.Identity()
            for w, c in zip(inject or (), taps, strict=False)
        )
        _initialize(self)

    def forward(self, images: Float[Tensor, "b 3 h w"]) -> list[Float[Tensor, "b _ _ _"]]:
        """Four maps at 1/4, 1/8, 1/16, 1/32; without injection also the tokens at 1/64."""
        maps = self.tpm(images)
        # Asked of the image and not of the maps: a tracer proves it for sizes it does not know.
        exact = bool(images.shape[-2] % TOKEN_STRIDE == 0 and images.shape[-1] % TOKEN_STRIDE == 0)
        tokens = self.trans(pool_to_tokens(maps, exact=exact))
        if not self.SIM:
            return [*maps, tokens]
        slices = tokens.split(self.token_channels, dim=1)
        return [
            inject(local, part) if isinstance(inject, Injection) else local
            for inject, local, part in zip(self.SIM, maps, slices, strict=True)
        ]


def _initialize(encoder: TopFormer) -> None:
    for module in encoder.modules():
        if isinstance(module, nn.Conv2d):
            fan = module.kernel_size[0] * module.kernel_size[1] * module.out_channels
            nn.init.normal_(module.weight, 0.0, sqrt(2 * module.groups / fan))
            if module.bias is not None:
                nn.init.zeros_(module.bias)
    for block in encoder.trans.transformer_blocks:
        # The attention branch starts as zero: the block is its input plus the MLP at step 0.
        nn.init.zeros_(block.get_parameter("attn.proj.1.bn.weight"))
