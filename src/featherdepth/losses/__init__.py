"""Losses: tensors in, one value per image out; the objective weighs and averages them."""

from featherdepth.registry import Registry

LOSSES = Registry(
    "loss",
    {
        "anchor": "featherdepth.losses.anchor:Anchor",
        "channel_kl": "featherdepth.losses.channel_kl:ChannelKL",
        "channel_mse": "featherdepth.losses.channel_mse:ChannelMSE",
        "geometric": "featherdepth.losses.geometric:Geometric",
        "gradient": "featherdepth.losses.gradient:MultiScaleGradient",
        "ilnr": "featherdepth.losses.ilnr:ImageLevelRegression",
        "mse": "featherdepth.losses.mse:MSE",
        "pairwise": "featherdepth.losses.pairwise:Pairwise",
        "pairwise_normal": "featherdepth.losses.pairwise_normal:PairwiseNormal",
        "ranking": "featherdepth.losses.ranking:Ranking",
        "spatial_kl": "featherdepth.losses.spatial_kl:SpatialKL",
    },
)
