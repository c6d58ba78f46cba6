"""8 bits: the layers that suffer are found and named, and what is kept stays float."""

import copy
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import onnx
import pytest
from onnx import TensorProto, helper, numpy_helper

from featherdepth.errors import RunError
from featherdepth.export.int8 import kept_nodes, quantize_onnx, search
from featherdepth.export.job import export
from featherdepth.export.order import Order
from featherdepth.export.pictures import Invented
from featherdepth.export.sensitivity import Sensitivity, network_of, rounded, sensitivities
from featherdepth.export.single_file import layers
from featherdepth.export.source import Source
from featherdepth.runtime.model import DepthModel
from featherdepth.types import DepthKind

pytestmark = pytest.mark.usefixtures("quick", "traceable")
ORDER = [Sensitivity(layer=name, abs_rel=1.0) for name in "abcdefgh"]


def test_the_search_keeps_no_more_layers_than_it_must() -> None:
    asked: list[tuple[str, ...]] = []

    def attempt(kept: tuple[str, ...]) -> str:
        asked.append(kept)
        if len(kept) < 4:
            raise RunError(f"{len(kept)} are too few")
        return "done"

    assert search(lambda: ORDER, attempt) == "done"
    assert asked == [(), ("a", "b"), ("a", "b", "c", "d")]


def test_the_search_looks_for_no_ranking_where_all_layers_may_be_quantized() -> None:
    def never() -> Sequence[Sensitivity]:
        raise AssertionError

    assert search(never, lambda kept: kept) == ()


def test_the_search_ends_with_the_last_error_where_nothing_helps() -> None:
    def attempt(kept: tuple[str, ...]) -> None:
        raise RunError(f"{len(kept)} kept")

    with pytest.raises(RunError, match=r"^8 kept$"):  # there are no 16
        search(lambda: ORDER, attempt)


def test_the_first_layer_its_readers_and_the_last_layer_are_kept_in_any_case(
    recorded: onnx.ModelProto,
) -> None:
    names = [layer.name for layer in layers(recorded.graph)]
    asked: list[tuple[str, ...]] = []

    def attempt(tried: tuple[str, ...]) -> str:
        asked.append(tried)
        if len(tried) < len(kept) + 2:
            raise RunError("too few")
        return "done"

    kept = kept_nodes(recorded.graph)
    ranking = [Sensitivity(layer=name, abs_rel=1.0) for name in (names[0], "b", "c")]
    search(lambda: ranking, attempt, kept)

    assert {names[0], names[-1]} < set(kept)
    assert asked == [kept, (*kept, "b", "c")]
    assert kept_nodes(two_layers(1.0).graph) == ()


def test_the_map_of_the_first_layer_is_rounded_for_nobody(
    recorded: onnx.ModelProto, tmp_path: Path
) -> None:
    pictures = Invented([(64, 64)], 3)
    first = next(layers(recorded.graph))

    model = quantize_onnx(copy.deepcopy(recorded), pictures, kept_nodes(recorded.graph), tmp_path)

    rounded_maps = {n.input[0] for n in model.graph.node if n.op_type == "QuantizeLinear"}
    activated = {n.output[0] for n in model.graph.node if first.output[0] in n.input}
    assert len(rounded_maps) > 10
    assert rounded_maps.isdisjoint({first.output[0], *activated})


def test_what_is_said_last_is_not_rounded(recorded: onnx.ModelProto, tmp_path: Path) -> None:
    pictures = Invented([(64, 64), (128, 64)], 3)

    model = quantize_onnx(copy.deepcopy(recorded), pictures, kept_nodes(recorded.graph), tmp_path)

    depth = network_of(model)(next(iter(pictures)))
    assert len(np.unique(depth)) > 1000  # 256 steps at most, if it were


def test_weights_are_rounded_to_255_steps_a_channel() -> None:
    weights = np.array([[1.27, 0.014, -1.27], [0.0, 0.0, 0.0], [254, 1, -3]], dtype=np.float32)

    np.testing.assert_allclose(
        rounded(weights, 0), [[1.27, 0.01, -1.27], [0, 0, 0], [254, 0, -4]], rtol=1e-6
    )


def two_layers(outlier: float) -> onnx.ModelProto:
    """images -> a -> b -> depth; the weights of b are so uneven that 8 bits lose the small ones."""
    fine = np.ones((4, 3, 1, 1), dtype=np.float32)
    uneven = np.full((1, 4, 1, 1), 0.3, dtype=np.float32)
    uneven[0, 0] = outlier
    fine[0] = 0  # what the outlier would see
    nodes = [
        helper.make_node("Conv", ["images", "a.weight"], ["x"], "a"),
        helper.make_node("Conv", ["x", "b.weight"], ["depth"], "b"),
    ]
    ports = [
        helper.make_tensor_value_info(name, TensorProto.FLOAT, [1, c, "h", "w"])
        for name, c in (("images", 3), ("depth", 1))
    ]
    held = [numpy_helper.from_array(fine, "a.weight"), numpy_helper.from_array(uneven, "b.weight")]
    graph = helper.make_graph(nodes, "g", ports[:1], ports[1:], held)
    return helper.make_model(graph, opset_imports=[helper.make_opsetid("", 20)], ir_version=9)


def one_layer(weights: np.ndarray) -> onnx.ModelProto:
    """images -> depth: a convolution."""
    outputs, inputs = weights.shape[:2]
    nodes = [helper.make_node("Conv", ["images", "weight"], ["depth"], "a")]
    ports = [
        helper.make_tensor_value_info(name, TensorProto.FLOAT, [1, c, "h", "w"])
        for name, c in (("images", inputs), ("depth", outputs))
    ]
    held = [numpy_helper.from_array(weights, "weight")]
    graph = helper.make_graph(nodes, "g", ports[:1], ports[1:], held)
    return helper.make_model(graph, opset_imports=[helper.make_opsetid("", 20)], ir_version=9)


@pytest.mark.parametrize("sign", [1, -1])
@pytest.mark.parametrize("inputs", [4, 5])
def test_no_sum_of_two_products_is_cut_off(inputs: int, sign: int, tmp_path: Path) -> None:
    weights = np.full((3, inputs, 1, 1), sign / inputs, dtype=np.float32)
    weights[1, 1::2] *= -1  # neighbors that cancel
    weights[2] = 0
    white = np.ones((1, inputs, 64, 64), dtype=np.float32)

    model = quantize_onnx(one_layer(weights), [white], (), tmp_path)

    expected = np.broadcast_to(weights.sum((1, 2, 3))[None, :, None, None], (1, 3, 64, 64))
    np.testing.assert_allclose(network_of(model)(white), expected, atol=0.02)


def test_pairs_of_weights_fit_16_bits_and_lone_weights_have_all_steps(tmp_path: Path) -> None:
    weights = np.random.default_rng(0).normal(size=(64, 9, 3, 3)).astype(np.float32)
    weights[0], weights[0, 4] = 0, 1.0

    model = quantize_onnx(
        one_layer(weights), [np.ones((1, 9, 64, 64), dtype=np.float32)], (), tmp_path
    )

    held = {t.name: numpy_helper.to_array(t) for t in model.graph.initializer}
    codes = held["weight_quantized"].astype(int)
    assert codes[0].max() == 127
    for part in (codes.clip(min=0), -codes.clip(max=0)):
        pairs = np.pad(part, ((0, 0), (0, 1), (0, 0), (0, 0))).reshape(64, 5, 2, 3, 3).sum(2)
        assert 255 * pairs.max() < 2**15
    assert pairs.max() > 120


def test_the_layer_with_the_outlier_is_the_most_sensitive() -> None:
    pictures = Invented([(64, 64), (64, 128)], 3)

    found = sensitivities(two_layers(200.0), pictures, DepthKind.AFFINE_INVARIANT)
    harmless = sensitivities(two_layers(0.3), pictures, DepthKind.AFFINE_INVARIANT)

    # Below half a step of 200 / 127 the weights of b are gone, and the map with them.
    assert [s.layer for s in found] == ["b", "a"]
    assert found[0].abs_rel == np.inf and found[1].abs_rel < 0.01
    assert all(s.abs_rel < 0.01 for s in harmless)


def test_kept_layers_have_no_codes_around_them(recorded: onnx.ModelProto, tmp_path: Path) -> None:
    names = [layer.name for layer in layers(recorded.graph)]
    pictures = Invented([(64, 64), (128, 64)], 3)

    model = quantize_onnx(copy.deepcopy(recorded), pictures, names[:2], tmp_path)

    made_by = {name: node for node in model.graph.node for name in node.output}
    weights = {
        layer.name: made_by.get(layer.input[1]) for layer in model.graph.node
        if layer.op_type == "Conv"
    }  # fmt: skip
    assert [weights[name] for name in names[:2]] == [None, None]
    assert {n.op_type for n in weights.values() if n is not None} == {"DequantizeLinear"}
    assert sum(n is not None for n in weights.values()) == len(names) - 2
    picture = next(iter(pictures))
    expected = network_of(recorded)(picture)
    found = network_of(model)(picture)
    assert 0 < np.abs(found - expected).mean() < 0.2 * np.ptp(expected)


def order(to: str, output: Path, photo_folder: Path, **changes: object) -> Order:
    return Order(
        to=to,
        output=output,
        precision="int8",
        calibrate=(photo_folder,),
        **changes,  # type: ignore[arg-type]
    )


@pytest.mark.parametrize(
    ("to", "name", "pixels"),
    [("onnx", "a.onnx", False), ("onnx", "a.onnx", True), ("openvino", "a.xml", True)],
)
def test_an_int8_file_is_small_and_names_the_layers_it_kept(
    source: Source,
    to: str,
    name: str,
    pixels: bool,
    photo_folder: Path,
    tmp_path: Path,
    caplog: pytest.LogCaptureFixture,
) -> None:
    asked = order(to, tmp_path / name, photo_folder, max_drop=0.9, pixels=pixels)

    report = export(source, asked)

    assert "come from 14 of your photos; 20 or more" in caplog.text

    assert sum(report["bytes"].values()) < 0.45 * 4 * source.preset.params
    about = report["int8"]
    assert about["photos"] == 14 and report["verification"]["held_out"] is False
    model = DepthModel.from_pretrained(tmp_path / name)
    assert model.precision == "int8" and model.exported is not None
    assert list(model.exported.kept) == about["float32_layers"]
    assert np.isfinite(model.infer(next(photo_folder.rglob("*.png"))).values).all()


@pytest.mark.slow
def test_layers_are_kept_until_the_bound_holds(
    source: Source,
    recorded: onnx.ModelProto,
    photo_folder: Path,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """The bound is made to hold from two kept layers on."""
    told: list[tuple[str, ...]] = []

    def check(name: str, precision: str, found: object, **_: object) -> None:
        told.append((name, precision))
        if len(told) == 1:
            raise RunError("too far")

    monkeypatch.setattr("featherdepth.export.job.check", check)

    report = export(source, order("onnx", tmp_path / "a.onnx", photo_folder))

    ranked = [row["layer"] for row in report["int8"]["sensitivity"]]
    always = kept_nodes(recorded.graph)
    others = [layer for layer in ranked if layer not in always]
    assert report["int8"]["float32_layers"] == [*always, *others[:2]] and len(ranked) == 57
    errors = [row["abs_rel"] for row in report["int8"]["sensitivity"]]
    assert errors == sorted(errors, reverse=True) and errors[0] > errors[-1]


@pytest.mark.slow
def test_too_far_with_every_layer_count_leaves_no_file(
    source: Source, photo_folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("featherdepth.export.int8.KEPT", (0, 2))
    out = tmp_path / "out"

    with pytest.raises(RunError, match=r"int8 is .* abs_rel to its original; expected at most"):
        export(source, order("onnx", out / "a.onnx", photo_folder, max_drop=1e-9))
    assert list(out.iterdir()) == []
