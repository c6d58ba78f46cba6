"""An encoder begins with the weights of a model that has the same one, or says that it cannot."""

from collections.abc import Callable
from pathlib import Path

import pytest
import torch

from featherdepth.errors import WeightsError
from featherdepth.networks.build import build_network
from featherdepth.networks.encoder_start import is_model, start_encoder
from featherdepth.networks.weights import load_model
from featherdepth.training.materials import start_rows


def test_base_takes_the_encoder_of_topformer_lite_and_keeps_its_own_injection(
    make_model: Callable[..., Path],
) -> None:
    folder = make_model("topformer-lite", graph=False)
    encoder = build_network("base").get_submodule("encoder")
    before = {key: tensor.clone() for key, tensor in encoder.state_dict().items()}

    start_encoder(encoder, str(folder))

    trained = load_model(folder)[1].get_submodule("encoder").state_dict()
    after = encoder.state_dict()
    injection = {key for key in after if key.startswith("SIM.")}
    assert injection
    assert len(after) > 2 * len(injection)
    for key, tensor in after.items():
        assert torch.equal(tensor, (before if key in injection else trained)[key]), key


@pytest.mark.parametrize("network", ["fast", "small"])
def test_another_encoder_is_refused_in_one_line(
    network: str, make_model: Callable[..., Path]
) -> None:
    folder = make_model(network, graph=False)

    with pytest.raises(WeightsError, match="of another encoder; take a model whose") as refused:
        start_encoder(build_network("base").get_submodule("encoder"), str(folder))

    assert "\n" not in str(refused.value)
    assert str(folder) in str(refused.value)


def test_what_the_model_was_made_from_is_what_the_student_is_made_from(
    make_model: Callable[..., Path],
) -> None:
    row = {"name": "photos", "class": "C", "terms": "class C", "use": "truth"}
    folder = make_model("topformer-lite", graph=False, materials=(row,))

    assert start_rows(None, str(folder)) == [row]


def test_no_source_is_no_model_even_beside_a_config(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "config.json").write_text("{}")
    monkeypatch.chdir(tmp_path)

    assert not is_model("")
    assert start_rows(None, "") == []
