"""Losses: tensors in, one value per image out; the objective weighs and averages them."""

from featherdepth.registry import Registry

LOSSES = Registry(
    "loss",
    {
        "gradient": "featherdepth.losses.gradient:MultiScaleGradient",
        "ilnr": "featherdepth.losses.ilnr:ImageLevelRegression",
        "ranking": "featherdepth.losses.ranking:Ranking",
    },
)
