"""The transformer of TopFormer: attention among the pooled tokens of all four levels.

The tokens stay a map (b c h w); linear layers are 1x1 convolutions with BatchNorm.
"""

from collections.abc import Sequence

import torch
import torch.nn.functional as F
from jaxtyping import Float
from torch import Tensor, nn

from featherdepth.networks.blocks import ConvBN

KEY_WIDTH, VALUE_WIDTH, MLP_RATIO, DEPTH = 16, 32, 2, 4
DROP_PATH = 0.1
"""Of the last block; the first has none, those between are evenly spaced."""
TOKEN_STRIDE = 64


def pool_to_tokens(
    maps: Sequence[Float[Tensor, "b _ _ _"]], *, exact: bool
) -> Float[Tensor, "b c h w"]:
    """Average the maps at 1/4 ... 1/32 of an image down to 1/64 of it, rounded up; join them.

    Args:
        exact: the image's height and width are multiples of 64. Plain average pooling then does it,
            which every runtime has; other sizes need windows of uneven size. Where both are
            possible they are the same function.
    """
    if exact:
        return torch.cat([F.avg_pool2d(m, 16 >> i) for i, m in enumerate(maps)], dim=1)
    h, w = maps[-1].shape[-2:]
    size = ((h - 1) // 2 + 1, (w - 1) // 2 + 1)
    return torch.cat([F.adaptive_avg_pool2d(m, size) for m in maps], dim=1)


class DropPath(nn.Module):
    """In training, zero a branch for a random share of the images and scale up the others."""

    def __init__(self, probability: float) -> None:
        super().__init__()
        self.probability = probability

    def forward(self, branch: Float[Tensor, "b c h w"]) -> Float[Tensor, "b c h w"]:
        if not self.training or self.probability == 0:
            return branch
        keep = 1 - self.probability
        kept = torch.rand(branch.shape[0], 1, 1, 1, device=branch.device) < keep
        return branch * (kept / keep).to(branch.dtype)


class Attention(nn.Module):
    """Multi-head attention; the scores are not divided by the root of the key width.

    The released weights were trained without that factor.
    """

    def __init__(self, width: int, heads: int) -> None:
        super().__init__()
        self.heads = heads
        self.to_q = ConvBN(width, KEY_WIDTH * heads, conv_name="c")
        self.to_k = ConvBN(width, KEY_WIDTH * heads, conv_name="c")
        self.to_v = ConvBN(width, VALUE_WIDTH * heads, conv_name="c")
        self.proj = nn.Sequential(nn.ReLU6(), ConvBN(VALUE_WIDTH * heads, width, conv_name="c"))

    def forward(self, tokens: Float[Tensor, "b c h w"]) -> Float[Tensor, "b c h w"]:
        query, key, value = (
            layer(tokens).flatten(2).unflatten(1, (self.heads, -1))
            for layer in (self.to_q, self.to_k, self.to_v)
        )
        scores = query.transpose(2, 3) @ key
        wide = torch.promote_types(scores.dtype, torch.float32)  # half precision is too coarse
        shares = scores.to(wide).softmax(dim=-1).to(value.dtype)
        mixed = (value @ shares.transpose(2, 3)).flatten(1, 2)
        projected: Tensor = self.proj(mixed.unflatten(2, tokens.shape[-2:]))
        return projected


class MLP(nn.Module):
    """1x1, depthwise 3x3 with bias and no BatchNorm, ReLU6, 1x1."""

    def __init__(self, width: int) -> None:
        super().__init__()
        hidden = MLP_RATIO * width
        self.fc1 = ConvBN(width, hidden, conv_name="c")
        self.dwconv = nn.Conv2d(hidden, hidden, 3, padding=1, groups=hidden)
        self.act = nn.ReLU6()
        self.fc2 = ConvBN(hidden, width, conv_name="c")

    def forward(self, tokens: Float[Tensor, "b c h w"]) -> Float[Tensor, "b c h w"]:
        outputs: Tensor = self.fc2(self.act(self.dwconv(self.fc1(tokens))))
        return outputs


class Block(nn.Module):
    """x += drop_path(attention(x)); x += drop_path(mlp(x))"""

    def __init__(self, width: int, heads: int, drop_path: float) -> None:
        super().__init__()
        self.attn = Attention(width, heads)
        self.mlp = MLP(width)
        self.drop_path = DropPath(drop_path)

    def forward(self, tokens: Float[Tensor, "b c h w"]) -> Float[Tensor, "b c h w"]:
        tokens = tokens + self.drop_path(self.attn(tokens))
        outputs: Tensor = tokens + self.drop_path(self.mlp(tokens))
        return outputs


class TokenTransformer(nn.Module):
    """Four blocks on the joined tokens; no position embedding."""

    def __init__(self, width: int, heads: int) -> None:
        super().__init__()
        self.transformer_blocks = nn.ModuleList(
            Block(width, heads, DROP_PATH * i / (DEPTH - 1)) for i in range(DEPTH)
        )

    def forward(self, tokens: Float[Tensor, "b c h w"]) -> Float[Tensor, "b c h w"]:
        outputs = tokens
        for block in self.transformer_blocks:
            outputs = block(outputs)
        return outputs
