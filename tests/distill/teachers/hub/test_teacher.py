"""Every depth model of transformers teaches: tiny ones with random weights, from real files."""

import json
import shutil
from types import SimpleNamespace

import numpy as np
import pytest
import torch
import torch.nn.functional as F
from safetensors.torch import load_file, save_file

from featherdepth.distill.teachers.open import open_teacher
from featherdepth.distill.teachers.protocol import Teacher
from featherdepth.errors import UsageError, WeightsError

KINDS = {
    "depth_anything": "affine_invariant_disparity",
    "depth_anything_metric": "metric",
    "dpt": "affine_invariant_disparity",
    "zoedepth": "metric",
    "zoedepth_two": "metric",
    "glpn": "metric",
    "depth_pro": "metric",
}
EVERY = pytest.mark.parametrize("family", KINDS)


@pytest.fixture
def open_family(hub_folder):
    return lambda family, **settings: open_teacher(f"hf:{hub_folder(family)}", **settings)


def seen(teacher, pixels):
    return teacher(torch.from_numpy(teacher.prepare(pixels))[None])


@EVERY
def test_it_opens_from_a_local_folder_with_its_kind(family, open_family, photo):
    teacher = open_family(family)

    maps = seen(teacher, photo(90, 120))

    assert isinstance(teacher, Teacher)
    assert teacher.card.name == family
    assert teacher.card.kind.value == KINDS[family]
    assert teacher.card.params == sum(p.numel() for p in teacher.module.parameters())
    assert maps.shape[:2] == (1, 1)
    assert maps.isfinite().all()
    assert maps.std() > 0


@EVERY
def test_a_photo_has_the_same_map_alone_and_in_any_company(family, open_family):
    teacher = open_family(family)
    size = teacher.input_size(90, 120)
    images = torch.rand(3, 3, *size, generator=torch.Generator().manual_seed(0))

    together = teacher(images)

    alone = torch.cat([teacher(image[None]) for image in images])
    torch.testing.assert_close(together, alone, rtol=1e-4, atol=1e-5)
    torch.testing.assert_close(teacher(images.flip(0)).flip(0), together, rtol=1e-4, atol=1e-5)


def test_two_heads_are_chosen_for_each_photo_by_itself(hub_folder, open_family):
    # The library lets a batch vote for one head: here the two photos want different ones.
    teacher = open_family("zoedepth_two")
    images = torch.stack([torch.zeros(3, 64, 96), torch.ones(3, 64, 96)])
    last = teacher.module.metric_head.mlp_classifier.linear2
    with torch.no_grad():
        inputs, _ = teacher._steps.pad(images)
        votes = [teacher.module(i[None]).domain_logits[0] for i in inputs]
        lead = [float(vote[0] - vote[1]) for vote in votes]
        last.bias[1] += sum(lead) / 2
        by_vote = teacher._steps.unpad(teacher.module(inputs).predicted_depth, (64, 96))

    together = teacher(images)

    assert lead[0] != lead[1]
    assert not torch.allclose(together[:, 0], by_vote, rtol=1e-3)
    torch.testing.assert_close(together, torch.cat([teacher(i[None]) for i in images]))


def post_processed(name, output, module_patch=None, **settings):
    """Through the library's own post-processing."""
    import transformers

    processor = getattr(transformers, name)()
    return processor.post_process_depth_estimation(output, **settings)[0]["predicted_depth"]


@pytest.mark.parametrize(
    ("family", "processor"),
    [
        ("depth_anything", "DPTImageProcessorPil"),
        ("depth_anything_metric", "DPTImageProcessorPil"),
        ("dpt", "DPTImageProcessorPil"),
        ("glpn", "GLPNImageProcessorPil"),
    ],
)
def test_its_map_is_that_of_the_library_from_photo_to_post_processing(
    family, processor, open_family, hub_folder, photo
):
    import transformers

    teacher, pixels = open_family(family), photo(90, 120)
    table = json.loads((hub_folder(family) / "preprocessor_config.json").read_text())
    own = getattr(transformers, processor)(
        **{k: v for k, v in table.items() if not k.endswith("_type")}
    )
    model = transformers.AutoModelForDepthEstimation.from_pretrained(hub_folder(family)).eval()

    with torch.no_grad():
        output = model(**own(pixels, return_tensors="pt"))

    size = teacher.input_size(90, 120)
    expected = own.post_process_depth_estimation(output, target_sizes=[size])[0]
    found = seen(teacher, pixels)
    torch.testing.assert_close(found[0, 0], expected["predicted_depth"], rtol=1e-4, atol=1e-4)


@pytest.mark.parametrize("size", [(64, 96), (96, 96)])
def test_the_map_of_zoedepth_is_that_of_the_library_with_its_borders(
    size, open_family, hub_folder, photo, monkeypatch
):
    import transformers
    from transformers.models.zoedepth import image_processing_pil_zoedepth as library

    def resize(depth, size, interpolation, antialias):
        return F.interpolate(depth[None], size, mode="bicubic", antialias=antialias)[0]

    # What it takes from torchvision, which is not here.
    stand_in = SimpleNamespace(resize=resize, InterpolationMode=SimpleNamespace(BICUBIC=3))
    monkeypatch.setattr(library, "tvF", stand_in, raising=False)
    table = json.loads((hub_folder("zoedepth") / "preprocessor_config.json").read_text())
    own = library.ZoeDepthImageProcessorPil(**{k: v for k, v in table.items() if "type" not in k})
    model = transformers.AutoModelForDepthEstimation.from_pretrained(hub_folder("zoedepth")).eval()
    teacher, pixels = open_family("zoedepth"), photo(*size)

    with torch.no_grad():
        output = model(**own(pixels, return_tensors="pt"))

    expected = own.post_process_depth_estimation(output, source_sizes=[size])[0]
    assert teacher.input_size(*size) == size
    torch.testing.assert_close(seen(teacher, pixels)[0, 0], expected["predicted_depth"])


def brightness(scale):
    """In place of the network: the mean of the channels, as its raw output."""

    def forward(pixel_values):
        raw = pixel_values.mean(1) * scale + 1
        return SimpleNamespace(predicted_depth=raw, field_of_view=None)

    return forward


@EVERY
def test_nothing_turns_a_map_over_between_the_network_and_its_kind(family, open_family):
    # The raw output grows from left to right. It is disparity for DepthPro and for the families
    # whose kind is disparity, depth for the others.
    teacher = open_family(family)
    height, width = teacher.input_size(90, 120)
    teacher.module.forward = brightness(0.1)

    maps = teacher(torch.linspace(0, 1, width).expand(1, 3, height, width).contiguous())

    middle = maps[0, 0, maps.shape[2] // 2, 4:-4]
    raw_is_nearer = family == "depth_pro" or KINDS[family] == "affine_invariant_disparity"
    card_is_nearer = teacher.card.kind.larger_is == "nearer"
    grows = bool((middle.diff() > 0).all())
    assert grows or bool((middle.diff() < 0).all())
    # "The right side is nearer" must be true of the raw output and of the card alike.
    assert grows == (raw_is_nearer == card_is_nearer)


@EVERY
def test_calls_change_nothing_of_it(family, open_family):
    teacher = open_family(family)
    before = {key: tensor.clone() for key, tensor in teacher.module.state_dict().items()}
    images = torch.rand(2, 3, *teacher.input_size(90, 120))

    first, second = teacher(images), teacher(images)

    assert torch.equal(first, second)
    assert not first.requires_grad
    assert not teacher.module.training
    assert not any(p.requires_grad for p in teacher.module.parameters())
    assert all(torch.equal(before[k], v) for k, v in teacher.module.state_dict().items())


@pytest.mark.parametrize(
    ("family", "asked", "expected"),
    [
        ("depth_anything", 112, (98, 126)),
        ("depth_anything", (42, 56), (42, 56)),
        ("dpt", 96, (96, 96)),
        ("dpt", (32, 32), (32, 32)),
        ("zoedepth", 128, (96, 160)),
        ("glpn", (64, 128), (64, 128)),
    ],
)
def test_it_works_at_a_size_that_is_asked_for(family, asked, expected, open_family, photo):
    teacher = open_family(family, size=asked)

    ready = teacher.prepare(photo(90, 120))

    assert ready.shape[1:] == teacher.input_size(90, 120) == expected
    maps = teacher(torch.from_numpy(ready)[None])
    assert maps.shape[2:] == expected
    assert maps.isfinite().all()


def test_depth_pro_takes_its_own_size_only(open_family):
    with pytest.raises(UsageError, match="teacher depth_pro: DepthPro sees every photo at 32x32"):
        open_family("depth_pro", size=64)


def test_a_dpt_without_a_backbone_takes_squares_only(open_family, copied):
    folder = copied("dpt")
    change(folder, "preprocessor_config.json", keep_aspect_ratio=True, size=None, do_resize=False)

    with pytest.raises(UsageError, match="teacher dpt: it takes squares only, not 64x96"):
        open_family("dpt", size=(64, 96))
    assert open_family("dpt").input_size(100, 1000) == (64, 64)
    assert open_teacher(folder).input_size(100, 1000) == (384, 384)
    assert open_teacher(folder, size=64).input_size(100, 1000) == (64, 64)


@pytest.fixture
def copied(hub_folder, tmp_path):
    """A copy of a family's folder that may be written into."""
    return lambda family: shutil.copytree(hub_folder(family), tmp_path / family)


def change(folder, file, **changes):
    table = json.loads((folder / file).read_text())
    (folder / file).write_text(json.dumps(table | changes))


def test_tensors_that_are_missing_are_not_filled_with_random_numbers(copied):
    folder = copied("dpt")
    state = load_file(folder / "model.safetensors")
    del state["head.head.4.weight"]
    save_file(state, folder / "model.safetensors", {"format": "pt"})

    with pytest.raises(
        WeightsError, match=r"dpt: its weights lack head\.head\.4\.weight and 0 mor"
    ):
        open_teacher(folder)


@pytest.mark.parametrize("family", ["dpt", "depth_anything", "zoedepth"])
def test_what_published_files_lack_changes_no_map(family, copied, open_family):
    folder = copied(family)
    state = load_file(folder / "model.safetensors")
    unused = [key for key in state if "fusion_stage.layers.0.residual_layer1." in key]
    for key in unused:
        del state[key]
    save_file(state, folder / "model.safetensors", {"format": "pt"})
    whole = open_family(family)
    images = torch.rand(1, 3, *whole.input_size(90, 120))

    maps = open_teacher(folder)(images)

    assert unused
    assert torch.equal(maps, whole(images))


def test_weights_of_another_shape_are_one_line(copied):
    folder = copied("dpt")
    change(folder, "config.json", fusion_hidden_size=16)

    with pytest.raises(WeightsError, match="dpt: transformers cannot load it") as caught:
        open_teacher(folder)

    assert "\n" not in str(caught.value)


def test_a_damaged_weights_file_is_one_line(copied):
    folder = copied("dpt")
    (folder / "model.safetensors").write_bytes(b"\xff" * 64)

    with pytest.raises(WeightsError, match="dpt: transformers cannot load it") as caught:
        open_teacher(folder)

    assert "\n" not in str(caught.value)


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"use_pretrained_backbone": True, "backbone": "a/b"}, "takes its backbone from elsewhere"),
        ({"quantization_config": {"bits": 4}}, "quantized weights are not read"),
        ({"num_hidden_layers": "many"}, "cannot load it"),
    ],
)
def test_a_config_that_cannot_be_used_is_one_line(changes, words, copied):
    folder = copied("dpt")
    change(folder, "config.json", **changes)

    with pytest.raises(WeightsError, match=words) as caught:
        open_teacher(folder)

    assert "\n" not in str(caught.value)


def test_code_of_a_repository_is_never_run(copied, open_family):
    folder = copied("dpt")
    (folder / "evil.py").write_text("raise SystemExit('code of the repository was run')")
    link = {"AutoConfig": "evil.Config", "AutoModelForDepthEstimation": "evil.Model"}
    change(folder, "config.json", auto_map=link, attn_implementation="owner/kernel")
    change(folder, "preprocessor_config.json", auto_map={"AutoImageProcessor": "evil.Processor"})
    images = torch.rand(1, 3, 64, 64)

    assert torch.equal(open_teacher(folder)(images), open_family("dpt")(images))


def test_a_model_without_its_preprocessing_is_refused(copied):
    folder = copied("dpt")
    (folder / "preprocessor_config.json").unlink()

    with pytest.raises(WeightsError, match=r"dpt: has no preprocessor_config\.json; expected it"):
        open_teacher(folder)


def test_its_terms_are_those_of_its_card_or_known_by_its_name(copied, open_family):
    folder = copied("dpt")
    (folder / "README.md").write_text("---\nlicense: mit\n---\n")
    change(folder, "config.json", _name_or_path="depth-anything/Depth-Anything-V2-Large-hf")
    stated = open_teacher(f"hf:{folder}?license=Apache-2.0")

    assert open_family("dpt").card.license == ""
    assert not open_family("dpt").card.commercial
    assert open_teacher(folder).card.license == "CC-BY-NC-4.0"
    assert stated.card.license == "Apache-2.0"
    change(folder, "config.json", _name_or_path="x/y")
    assert open_teacher(folder).card.license == "mit"
    assert open_teacher(folder).card.commercial
    assert not open_family("depth_pro").card.commercial


def test_the_kind_of_a_fine_tuned_dpt_may_be_stated_and_that_of_others_not(hub_folder):
    metric = open_teacher(f"hf:{hub_folder('dpt')}?kind=metric")

    assert metric.card.kind.value == "metric"
    assert metric.card.digest != open_teacher(hub_folder("dpt")).card.digest
    with pytest.raises(UsageError, match="its numbers are affine_invariant_disparity, not metric"):
        open_teacher(f"hf:{hub_folder('depth_anything')}?kind=metric")


def test_half_precision_files_are_computed_in_float32(copied):
    folder = copied("glpn")
    state = load_file(folder / "model.safetensors")
    half = {k: v.half() if v.is_floating_point() else v for k, v in state.items()}
    save_file(half, folder / "model.safetensors", {"format": "pt"})
    change(folder, "config.json", dtype="float16", torch_dtype="float16")

    teacher = open_teacher(folder)

    assert all(p.dtype == torch.float32 for p in teacher.module.parameters())
    assert teacher(torch.rand(1, 3, 32, 32)).dtype == torch.float32


def test_opening_is_silent(hub_folder, capfd):
    open_teacher(hub_folder("dpt"))

    assert capfd.readouterr() == ("", "")


def test_a_photo_is_prepared_as_rgb_in_0_to_1(open_family, photo):
    for family in KINDS:
        ready = open_family(family).prepare(photo(90, 120))

        assert ready.dtype == np.float32
        assert ready.flags.c_contiguous
        assert ready.min() >= 0 and ready.max() <= 1
