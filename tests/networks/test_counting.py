"""The exact sizes of the networks, and a counter that leaves no trace."""

import subprocess
import sys
from functools import cache

import pytest
import torch
from torch import nn

from featherdepth.networks import NETWORKS
from featherdepth.networks.build import build_network
from featherdepth.networks.counting import count_macs, count_network, count_params, write_listing
from featherdepth.networks.listing import LISTING, list_networks

EXACT = {
    "base": (11_443_425, 20_812_503_040),
    "topformer-lite": (5_356_785, 3_366_847_232),
    "small": (3_456_977, 3_725_737_344),
    "fast": (1_454_825, 974_549_632),
    "leres-resnet50": (52_126_529, 96_139_223_040),
}
PARAMS = {
    "topformer-tiny": 1_293_888,
    "topformer-small": 2_808_336,
    "topformer-base": 4_683_104,
    "topformer-tiny-sim": 1_369_920,
    "topformer-small-sim": 2_968_464,
    "topformer-base-sim": 4_958_048,
    "efficientnet-lite0": 2_958_848,
    "efficientnet-lite2": 4_357_952,
    "enet": 131_762_888,
    "penet-c2": 131_908_376,
    "nlspn": 26_231_779,
}
CONV = {
    "topformer-tiny": 321_822_592,
    "topformer-small": 588_780_864,
    "topformer-base": 916_840_960,
    "topformer-tiny-sim": 345_907_072,
    "topformer-small-sim": 642_067_776,
    "topformer-base-sim": 1_010_770_432,
    "leres-resnet50": 95_711_723_520,
    "base": 20_612_526_592,
    "topformer-lite": 3_257_250_304,
    "small": 3_581_807_488,
    "fast": 906_548_608,
}


COMPLETION = [  # billions: convolutions as they cost, and as thop bills them
    ("enet", (352, 1216), 209.3, 373.7),
    ("enet", (480, 640), 150.2, 268.2),
    ("enet", (448, 448), 98.1, 175.2),
    ("enet", (224, 320), 35.1, 62.6),
    ("penet-c2", (352, 1216), 240.4, 404.7),
    ("penet-c2", (480, 640), 172.5, 290.5),
    ("nlspn", (228, 304), 97.1, 109.7),
    ("nlspn", (240, 1216), 407.6, None),
    ("nlspn", (352, 1216), 597.8, None),
    ("nlspn", (480, 640), 429.0, None),
    ("nlspn", (448, 448), 280.3, None),
]


@cache
def meta(name, **settings):
    with torch.device("meta"):
        return build_network(name, settings)


@pytest.mark.parametrize("row", list_networks(), ids=lambda row: row["name"])
def test_every_row_of_the_shipped_list_recounts_exactly(row):
    network = meta(row["name"])

    assert (row["params"], row["macs"]) == (count_params(network), count_macs(network))


def test_the_shipped_list_has_every_network_and_the_stated_sizes():
    rows = {row["name"]: row for row in list_networks()}

    assert list(rows) == list(NETWORKS)
    assert {name: (rows[name]["params"], rows[name]["macs"]) for name in EXACT} == EXACT
    assert {name: rows[name]["params"] for name in PARAMS} == PARAMS


@pytest.mark.parametrize("name", sorted(CONV))
def test_convolutions_alone_cost_exactly_what_is_stated(name):
    assert count_macs(meta(name), convention="conv") == CONV[name]


@pytest.mark.parametrize(("name", "size", "real", "billed"), COMPLETION)
def test_published_completion_networks_cost_what_is_stated(name, size, real, billed):
    # Stated without propagation: its one convolution has 8 inputs and 24 outputs.
    propagation = 9 * 8 * 24 * size[0] * size[1] if name == "nlspn" else 0

    counts = [count_macs(meta(name), size, c) - propagation for c in ("true", "conv")]

    assert counts[0] / 1e9 == pytest.approx(real, abs=0.051)
    assert billed is None or counts[1] / 1e9 == pytest.approx(billed, abs=0.051)


@pytest.mark.parametrize(
    ("name", "settings", "params", "macs"),
    [
        ("small", {"encoder": "efficientnet-lite2"}, 4_863_505, 4_526_975_936),
        (
            "base",
            {
                "encoder": "topformer-small",
                "inject": (48, 64, 128, 128),
                "widths": (64, 96, 128, 192),
            },
            5_318_641,
            6_231_605_184,
        ),
        (
            "base",
            {"inject": (32, 64, 128, 160), "widths": (128, 192, 240, 256)},
            11_464_961,
            20_935_923_456,
        ),
        (
            "base",
            {"inject": (0, 256, 256, 256), "widths": (128, 160, 224, 240)},
            11_397_649,
            20_885_571_840,
        ),
    ],
)
def test_settings_give_the_other_stated_sizes(name, settings, params, macs):
    network = meta.__wrapped__(name, **settings)

    assert (count_params(network), count_macs(network)) == (params, macs)


@pytest.mark.parametrize(
    ("part", "params"),
    [
        ("encoder.tpm", 1_097_056),
        ("encoder.trans", 3_586_048),
        ("encoder.SIM", 256_128),
        ("decoder.conv", 1_770_752),
        ("decoder.conv1", 516_320),
        ("decoder.ffm2", 2_204_544),
        ("decoder.ffm1", 1_125_792),
        ("decoder.ffm0", 812_288),
        ("decoder.outconv", 74_497),
    ],
)
def test_each_part_of_base_has_its_stated_parameters(part, params):
    assert count_params(meta("base").get_submodule(part)) == params


def test_the_full_count_adds_products_resizes_and_pools():
    attention = 3_687_936
    resizes = 11 * 2_910_208
    # 49 tokens; windows of 16, 8, 4, 2 pixels a side over 32, 64, 128, 160 channels
    pools = 49 * (257 * 32 + 65 * 64 + 17 * 128 + 5 * 160)

    extra = count_macs(meta("base"), convention="full") - EXACT["base"][1]

    assert extra == attention + resizes + pools


@pytest.mark.parametrize(("edge", "billions"), [(384, 0.716), (224, 0.248)])
def test_macs_at_smaller_sizes(edge, billions):
    assert count_macs(meta("fast"), (edge, edge)) / 1e9 == pytest.approx(billions, abs=5e-4)


def test_layers_count_as_the_table_says():
    # 4x4 image: conv 3->2 of 3x3 (16*2*27), BatchNorm (4*32), upsample (11*128)
    network = nn.Sequential(
        nn.Conv2d(3, 2, 3, padding=1),
        nn.BatchNorm2d(2),
        nn.ReLU(),
        nn.Upsample(scale_factor=2, mode="bilinear"),
    )

    assert count_macs(network, (4, 4)) == 864 + 128 + 1408
    assert count_macs(network, (4, 4), "conv") == 864
    assert count_macs(network, (4, 4), "full") == 864 + 128 + 1408


def test_a_transposed_convolution_is_billed_on_its_output_and_costs_its_input():
    # 4x4 image: 3->2 of 5x5 to 8x8
    network = nn.ConvTranspose2d(3, 2, 5, 2, padding=2, output_padding=1)

    assert count_macs(network, (4, 4)) == count_macs(network, (4, 4), "conv") == 64 * 2 * 3 * 25
    assert count_macs(network, (4, 4), "true") == 16 * 3 * 2 * 25


def test_counting_leaves_the_module_as_it_was():
    network = build_network("fast").train()
    network.encoder.eval()
    before = {key: value.clone() for key, value in network.state_dict().items()}

    count_macs(network, (64, 64))

    after = network.state_dict()
    assert list(after) == list(before)
    assert all(torch.equal(after[key], before[key]) for key in before)
    assert network.decoder.training
    assert not network.encoder.training
    assert not any(m._forward_hooks for m in network.modules())


def test_the_command_writes_the_list_as_it_is_shipped(tmp_path):
    rows = list_networks()

    write_listing(rows, tmp_path / "networks.json")

    assert (tmp_path / "networks.json").read_bytes() == LISTING.read_bytes()
    assert count_network("fast") in rows


def test_the_list_is_read_without_torch():
    code = "import sys; from featherdepth.networks.listing import list_networks as rows; rows()"

    result = subprocess.run(
        [sys.executable, "-c", code + "; sys.exit('torch' in sys.modules)"], check=False
    )

    assert result.returncode == 0
