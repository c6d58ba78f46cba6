"""A suite names rows, published figures and where its data lies."""

from pathlib import Path

import pytest
from PIL import Image

from featherdepth.errors import InputError, UsageError
from featherdepth.evaluation.suites import SHIPPED, DataSet, Place, find_data, read_suite
from featherdepth.networks.listing import list_networks


def wanted(*places: Place) -> DataSet:
    return DataSet(name="d", title="The Set", protocol="aligned", fills="its folder", places=places)


@pytest.mark.parametrize("path", sorted(SHIPPED.glob("*.toml")), ids=lambda p: p.stem)
def test_every_shipped_suite_reads_and_says_its_source(path: Path) -> None:
    suite = read_suite(path.stem)

    assert "Gao et al. 2023" in suite.source
    assert all(row.model or row.fills for row in suite.rows)
    for row in suite.rows:
        assert set(row.poster) <= {d.name for d in suite.data} | {"params_m", "macs_g"}


def test_the_posters_figures_are_those_that_it_prints() -> None:
    # facts of the publication, spelled once more: teacher, student and the label-free student.
    ablation = {row.name: row.poster["kitti"] for row in read_suite("ablation").rows}
    zero_shot = {row.name: row.poster for row in read_suite("zero-shot").rows}

    assert ablation["teacher"]["abs_rel"] == 0.0834
    assert ablation["student"]["abs_rel"] == 0.1504
    assert ablation["ours"]["abs_rel"] == 0.0879
    assert zero_shot["teacher"]["kitti"] == ablation["teacher"]
    assert zero_shot["student"]["kitti"] == ablation["student"]
    closed = (0.1504 - 0.0879) / (0.1504 - 0.0834)
    assert closed == pytest.approx(0.933, abs=5e-4)


def test_sizes_name_networks_that_exist() -> None:
    known = {row["name"] for row in list_networks()}

    assert {row.model for row in read_suite("parameters").rows} <= known


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ('title = "t"\nsource = "s"\nkind = "accuracy"\nrows = []', "rows need names"),
        (
            'title = "t"\nsource = "s"\nkind = "accuracy"\nrows = [{ name = "a", title = "A" }]',
            "needs measures and",
        ),
        (
            'title = "t"\nsource = "s"\nkind = "sizes"\nmeasures = ["absrel"]\n'
            'rows = [{ name = "a", title = "A" }]',
            "unknown measure 'absrel'",
        ),
        (
            'title = "t"\nsource = "s"\nkind = "sizes"\npair = ["a", "b"]\n'
            'rows = [{ name = "a", title = "A" }]',
            "pair names a, b; rows are a",
        ),
        (
            'title = "t"\nsource = "s"\nkind = "accuracy"\nmeasures = ["abs_rel"]\n'
            'rows = [{ name = "a", title = "A" }]\n[[data]]\nname = "d"\ntitle = "D"\n'
            'protocol = "alined"\nfills = "f"\nplaces = [{ folders = ["d"] }]',
            "unknown protocol 'alined'",
        ),
        (
            'title = "t"\nsource = "s"\nkind = "accuracy"\nmeasures = ["abs_rel"]\n'
            'rows = [{ name = "a", title = "A" }]\n[[data]]\nname = "d"\ntitle = "D"\n'
            'protocol = "aligned"\nfills = "f"\nplaces = [{}]',
            "a place needs folders, or manifest = true",
        ),
    ],
)
def test_a_suite_that_does_not_fit_is_one_line(tmp_path: Path, text: str, reason: str) -> None:
    path = tmp_path / "mine.toml"
    path.write_text(text)

    with pytest.raises(UsageError, match=reason):
        read_suite(path)


def test_an_unknown_suite_lists_those_that_come_along() -> None:
    with pytest.raises(
        UsageError, match=r"expected a \.toml file or ablation, completion, parameters"
    ):
        read_suite("tables")


def test_folder_names_match_without_case_and_dashes(tmp_path: Path) -> None:
    (tmp_path / "NYU_Depth-V2").mkdir()
    (tmp_path / "nyudepthv2.txt").touch()

    assert [p.name for p in Place(folders=("nyu", "nyudepthv2")).under(tmp_path)] == [
        "NYU_Depth-V2"
    ]


def test_data_that_is_not_there_is_none(tmp_path: Path) -> None:
    (tmp_path / "other").mkdir()

    places = Place(folders=("set",)), Place(manifest=True, split="val")

    assert find_data(wanted(*places), tmp_path) is None


def test_a_manifest_without_that_split_is_not_the_data(manifest_root: Path) -> None:
    assert find_data(wanted(Place(manifest=True, split="kitti")), manifest_root) is None


def test_a_manifest_with_that_split_is_the_data(manifest_root: Path) -> None:
    found = find_data(wanted(Place(manifest=True, split="test", note="few")), manifest_root)

    assert found is not None
    assert (len(found.reader), found.note) == (3, "few")


@pytest.mark.parametrize("content", ["", "photo.png"])
def test_a_folder_of_that_name_without_the_data_is_named(tmp_path: Path, content: str) -> None:
    (tmp_path / "set").mkdir()
    if content:
        Image.new("RGB", (8, 8)).save(tmp_path / "set" / content)

    with pytest.raises(InputError, match=r"The Set: 'set' cannot be read as this: .+"):
        find_data(wanted(Place(folders=("set",))), tmp_path)


def test_the_first_place_that_reads_wins(manifest_root: Path) -> None:
    root = manifest_root.parent
    (root / "empty").mkdir()

    found = find_data(
        wanted(Place(folders=("empty",)), Place(folders=("set",), split="train")), root
    )

    assert found is not None
    assert found.reader.split == "train"
