"""Semantic injection: a local map is gated and shifted by the tokens, which see the whole image."""

import torch.nn.functional as F
from jaxtyping import Float
from torch import Tensor, nn

from featherdepth.networks.blocks import ConvBN


class Injection(nn.Module):
    """out = embed(local) * up(gate(tokens)) + up(embed(tokens)),  gate(t) = relu6(act(t) + 3) / 6

    The gate is taken at token resolution and resized after it; the order matters, the functions do
    not commute. Resizing is bilinear with half-pixel centres (align_corners=False).
    """

    def __init__(self, inputs: int, outputs: int) -> None:
        super().__init__()
        self.local_embedding = ConvBN(inputs, outputs)
        self.global_embedding = ConvBN(inputs, outputs)
        self.global_act = ConvBN(inputs, outputs)

    def forward(
        self, local: Float[Tensor, "b c h w"], tokens: Float[Tensor, "b c h2 w2"]
    ) -> Float[Tensor, "b d h w"]:
        gate = F.relu6(self.global_act(tokens) + 3) / 6
        embedding = self.global_embedding(tokens)
        size = local.shape[-2:]
        gate, embedding = (
            F.interpolate(x, size=size, mode="bilinear", align_corners=False)
            for x in (gate, embedding)
        )
        outputs: Tensor = self.local_embedding(local) * gate + embedding
        return outputs
