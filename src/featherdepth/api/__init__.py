"""What the command does, as functions: one a verb, plain values in and out."""

from featherdepth.api.aligning import align
from featherdepth.api.benchmarking import benchmark
from featherdepth.api.browser import app_server, app_static
from featherdepth.api.collections import doctor, shard
from featherdepth.api.completing import complete
from featherdepth.api.drawing import figure_completion
from featherdepth.api.evaluating import evaluate
from featherdepth.api.exporting import export
from featherdepth.api.labelling import label
from featherdepth.api.measuring import compare, merge_results, why
from featherdepth.api.models import card, info
from featherdepth.api.prediction import predict
from featherdepth.api.reproducing import reproduce
from featherdepth.api.sensors import sparsify
from featherdepth.api.training import distill, train

__all__ = [
    "align",
    "app_server",
    "app_static",
    "benchmark",
    "card",
    "compare",
    "complete",
    "distill",
    "doctor",
    "evaluate",
    "export",
    "figure_completion",
    "info",
    "label",
    "merge_results",
    "predict",
    "reproduce",
    "shard",
    "sparsify",
    "train",
    "why",
]
