"""Files of the hub are found in a folder or in the cache, and only plain ones are read."""

import json
import os
import subprocess
import sys

import pytest

from featherdepth.distill.teachers.hub import folder as hub
from featherdepth.distill.teachers.hub.folder import (
    HubFolder,
    find_folder,
    is_transformers_folder,
)
from featherdepth.errors import UsageError, WeightsError


@pytest.fixture
def model(tmp_path):
    """A folder with the files of a model, not their contents."""
    (tmp_path / "config.json").write_text('{"model_type": "dpt"}')
    (tmp_path / "preprocessor_config.json").write_text('{"size": 384}')
    (tmp_path / "model.safetensors").write_bytes(b"weights")
    return HubFolder(path=tmp_path, name="m")


@pytest.mark.parametrize(
    ("card", "expected"),
    [
        ("---\nlicense: apache-2.0\ntags:\n- vision\n---\n# Model\n", "apache-2.0"),
        ("---\nlicense:\n- cc-by-nc-4.0\n---\n", "cc-by-nc-4.0"),
        ('---\nlicense: "mit"  # of the weights\n---\n', "mit"),
        ("---\nlicense: other\nlicense_name: my-own\nlicense_link: x\n---\n", "my-own"),
        ("---\nlicense: other\n---\n", "other"),
        ("---\ntags:\n- license: mit\n---\n", ""),
        ("# Model\nlicense: mit\n", ""),
        ("", ""),
    ],
)
def test_the_license_is_that_of_the_cards_front_matter(card, expected, model):
    (model.path / "README.md").write_text(card)

    assert model.license() == expected


def test_without_a_card_there_is_no_license(model):
    assert model.license() == ""


@pytest.mark.parametrize("file", ["config.json", "preprocessor_config.json", "model.safetensors"])
def test_the_digest_changes_with_each_file_that_matters(file, model):
    before = model.digest()
    content = (model.path / file).read_bytes()
    (model.path / file).write_bytes(content.replace(b"dpt", b"glpn").replace(b"384", b"518")[:-1])
    if file.endswith("json"):
        (model.path / file).write_bytes(content.replace(b"dpt", b"glpn").replace(b"384", b"518"))

    assert model.digest() != before


def test_the_digest_does_not_change_with_the_card_or_the_place(model, tmp_path_factory):
    before = model.digest()
    (model.path / "README.md").write_text("new")

    assert HubFolder(path=model.path, name="other").digest() == before


def test_pickled_weights_are_not_read(model):
    (model.path / "model.safetensors").rename(model.path / "pytorch_model.bin")

    with pytest.raises(WeightsError, match=r"m: has pickled weights, which could run code and are"):
        model.weights()


def test_weights_in_parts_are_those_of_the_index(model):
    (model.path / "model.safetensors").unlink()
    for part in ("model-2.safetensors", "model-1.safetensors", "unrelated.safetensors"):
        (model.path / part).write_bytes(b"")
    index = {"weight_map": {"a": "model-2.safetensors", "b": "model-1.safetensors"}}
    (model.path / "model.safetensors.index.json").write_text(json.dumps(index))

    assert [file.name for file in model.weights()] == ["model-1.safetensors", "model-2.safetensors"]
    (model.path / "model-1.safetensors").unlink()
    with pytest.raises(WeightsError, match=r"m: model-1\.safetensors is missing; fetch it again"):
        model.weights()


@pytest.mark.parametrize(
    "name", ["../model.safetensors", "/a.safetensors", "model.bin", "a/../../b.safetensors", 3]
)
def test_an_index_leads_to_no_other_folder(name, model):
    (model.path / "model.safetensors").unlink()
    index = {"weight_map": {"a": name}}
    (model.path / "model.safetensors.index.json").write_text(json.dumps(index))

    with pytest.raises(WeightsError, match="does not list files of its folder"):
        model.weights()


@pytest.mark.parametrize(
    ("file", "words"),
    [
        ("preprocessor_config.json", "it says how photos are resized and normalized"),
        ("config.json", "it says the network's settings"),
    ],
)
def test_a_missing_or_broken_table_is_one_line(file, words, model):
    read = model.config if file == "config.json" else model.preprocessor
    (model.path / file).write_text("{")
    with pytest.raises(WeightsError, match=r"teacher m: .*not JSON"):
        read()
    (model.path / file).unlink()
    with pytest.raises(WeightsError, match=words):
        read()


def test_our_own_model_folders_are_told_from_those_of_transformers(model, tmp_path):
    assert is_transformers_folder(model.path)
    (model.path / "config.json").write_text('{"network": "small", "name": "x"}')
    assert not is_transformers_folder(model.path)
    assert not is_transformers_folder(tmp_path / "nowhere")


IN_CACHE = """
from featherdepth.distill.teachers.hub.folder import find_folder
from featherdepth.errors import FeatherDepthError
for reference in ("owner/name", "owner/name@v1", "owner/name@v2", "owner/other"):
    try:
        found = find_folder(reference)
        print(found.name, (found.path / "config.json").read_text())
    except FeatherDepthError as error:
        print(type(error).__name__, error)
"""


def test_offline_the_cache_is_read_and_nothing_else(tmp_path):
    repository = tmp_path / "hub" / "models--owner--name"
    for commit, revision in (("a" * 40, "main"), ("b" * 40, "v1")):
        (repository / "snapshots" / commit).mkdir(parents=True)
        (repository / "snapshots" / commit / "config.json").write_text(revision)
        (repository / "refs").mkdir(exist_ok=True)
        (repository / "refs" / revision).write_text(commit)
    offline = {"HF_HOME": str(tmp_path), "HF_HUB_OFFLINE": "1"}
    inherited = {k: v for k, v in os.environ.items() if not k.startswith(("HF_", "HUGGINGFACE"))}

    done = subprocess.run(
        [sys.executable, "-c", IN_CACHE],
        capture_output=True,
        text=True,
        check=True,
        env=inherited | offline,
    )

    lines = done.stdout.splitlines()
    assert lines[:2] == ["owner/name main", "owner/name@v1 v1"]
    absent = "not in the cache of this machine, and the hub cannot be reached"
    assert lines[2].startswith(f"WeightsError teacher hf:owner/name@v2: {absent}")
    assert lines[3].startswith(f"WeightsError teacher hf:owner/other: {absent}")
    assert len(lines) == 4


def refusal(name):
    """An error of the hub as its client raises it."""
    import huggingface_hub.errors as errors

    kind = getattr(errors, name)
    made = kind.__new__(kind)
    made.args = ("404 Client Error.\n\nlong text",)
    return made


@pytest.mark.parametrize(
    ("name", "error", "words"),
    [
        ("GatedRepoError", UsageError, "accept them on its page, then log in"),
        ("RepositoryNotFoundError", UsageError, "the hub shows no such repository"),
        ("RevisionNotFoundError", UsageError, "the repository has no such revision"),
        ("HFValidationError", UsageError, "not a name of the hub"),
        ("OfflineModeIsEnabled", WeightsError, "the hub cannot be reached"),
        ("HfHubHTTPError", WeightsError, "cannot fetch it: "),
    ],
)
def test_what_the_hub_refuses_is_one_line(name, error, words, monkeypatch):
    def refuse(*args, **settings):
        raise refusal(name)

    monkeypatch.setattr("huggingface_hub.snapshot_download", refuse)

    with pytest.raises(error) as caught:
        find_folder("owner/name@v1")

    assert words in str(caught.value)
    assert str(caught.value).startswith("teacher hf:owner/name@v1: ")
    assert "\n" not in str(caught.value)


def test_only_plain_files_are_fetched(monkeypatch, tmp_path):
    asked = {}

    def fetch(repository, **settings):
        asked.update(settings, repository=repository)
        return str(tmp_path)

    monkeypatch.setattr("huggingface_hub.snapshot_download", fetch)

    found = find_folder("owner/name@v1")

    assert found.path == tmp_path
    assert (asked["repository"], asked["revision"]) == ("owner/name", "v1")
    assert asked["allow_patterns"] == hub.FETCHED
    assert not any(p.endswith((".bin", ".py", ".pth", "*")) for p in hub.FETCHED)
