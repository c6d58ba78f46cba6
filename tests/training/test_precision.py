"""One place decides the precision; what leaves the network is float32."""

import pytest
import torch
from torch import Tensor, nn

from featherdepth.training.precision import Lowered, choose_precision

CPU = torch.device("cpu")


class Probe(nn.Module):
    """Remembers in what type and layout its work was done."""

    width = 4

    def __init__(self) -> None:
        super().__init__()
        self.conv = nn.Conv2d(3, 4, 1)
        self.seen: list[tuple[torch.dtype, bool]] = []

    def forward(self, images: Tensor) -> Tensor:
        result = self.conv(images)
        dense = images.is_contiguous(memory_format=torch.channels_last)
        self.seen.append((result.dtype, dense))
        return result

    def features(self, images: Tensor) -> tuple[Tensor, dict[str, Tensor]]:
        result = self(images)
        return result, {"map": result}


@pytest.mark.parametrize(
    ("able", "precision"),
    [({"amx_bf16"}, "bf16"), ({"avx512_bf16"}, "bf16"), ({"avx512_vnni", "avx2"}, "fp32")],
)
def test_auto_on_a_cpu_is_bf16_where_it_has_products_of_it(
    able: set[str], precision: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    parts = dict.fromkeys(able, True)
    monkeypatch.setattr(torch.cpu, "get_capabilities", lambda: parts)

    assert choose_precision("auto", CPU) == precision


@pytest.mark.parametrize("precision", ["fp32", "bf16"])
def test_a_named_precision_is_taken_as_it_is(precision: str) -> None:
    assert choose_precision(precision, CPU) == precision  # type: ignore[arg-type]


@pytest.mark.parametrize("bf16", [True, False])
def test_calls_and_methods_run_low_and_yield_float32(bf16: bool) -> None:
    probe = Probe()
    lowered = Lowered(probe, CPU, bf16=bf16, channels_last=True)
    images = torch.rand(2, 3, 4, 5)

    results = [lowered(images), *lowered.features(images)]

    assert results[0].dtype == results[1].dtype == results[2]["map"].dtype == torch.float32
    assert probe.seen == [(torch.bfloat16 if bf16 else torch.float32, True)] * 2
    assert lowered.width == 4


def test_gradients_arrive_in_float32_weights() -> None:
    probe = Probe()

    Lowered(probe, CPU, bf16=True, channels_last=True)(torch.rand(2, 3, 4, 5)).sum().backward()

    assert probe.conv.weight.grad is not None
    assert probe.conv.weight.grad.dtype == torch.float32


def test_an_attribute_that_is_nowhere_is_an_attribute_error() -> None:
    with pytest.raises(AttributeError, match="nowhere"):
        _ = Lowered(Probe(), CPU, bf16=False, channels_last=False).nowhere
