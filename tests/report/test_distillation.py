"""A run folder becomes one page that shows what is in it, or one line that says why not."""

import json
import os
import re
import subprocess
import sys
from collections.abc import Callable
from html.parser import HTMLParser
from pathlib import Path
from typing import Any

import pytest

from featherdepth.errors import InputError, RunError
from featherdepth.report.distillation import without_folders, write_report

Make = Callable[..., Path]
HOSTILE = "<script>alert(1)</script>\"'><img src=x onerror=alert(1)>"
VOID = {"meta", "link", "img", "br", "hr", "input"}


class Outline(HTMLParser):
    """Tags with their attributes, and the text; fails on tags that do not close."""

    def __init__(self, page: str) -> None:
        super().__init__()
        self.tags: list[tuple[str, dict[str, str | None]]] = []
        self.text = ""
        self._open: list[str] = []
        self.feed(page)
        assert not self._open, f"left open: {self._open}"

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append((tag, dict(attrs)))
        if tag not in VOID:
            self._open.append(tag)

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append((tag, dict(attrs)))

    def handle_endtag(self, tag: str) -> None:
        assert self._open.pop() == tag

    def handle_data(self, data: str) -> None:
        self.text += data

    def all(self, tag: str) -> list[dict[str, str | None]]:
        return [attributes for name, attributes in self.tags if name == tag]


def read(run: Path) -> Outline:
    return Outline(write_report(run).read_text(encoding="utf-8"))


def words(outline: Outline) -> str:
    return " ".join(outline.text.replace("\N{NO-BREAK SPACE}", " ").split())


def test_the_page_lies_in_the_run_folder_and_nothing_else_does(make_run: Make) -> None:
    run = make_run()
    before = {p.name for p in run.iterdir()}

    page = write_report(run)

    assert page == run / "report.html"
    assert {p.name for p in run.iterdir()} == before | {"report.html"}


def test_the_page_says_what_matters(make_run: Make) -> None:
    found = words(read(make_run()))

    for said in [
        "The student agrees better with its teacher than before.",
        "It is also better than the default weights “small”.",
        "Agreement with the teacher is not accuracy.",
        "faster than the teacher",
        "14.7 \N{MULTIPLICATION SIGN}",
        "3.46 M",
        "16.9 M",
        "7.0 MB",
        "NYU Depth V2",
        "CC BY 4.0",
        "1 photo that could not be used",
        "cannot decode; the file is cut",
        "kept: step 3,600",
        "4,000 steps in 1 h 12 min",
        "0123456789abcdef",
        "ab" * 32,
        "torch 2.13.0",
    ]:
        assert said in found


def test_everything_is_in_the_page(make_run: Make) -> None:
    outline = read(make_run(pictures=3))

    assert len(outline.all("img")) == 12
    assert all((i["src"] or "").startswith("data:image/jpeg;base64,") for i in outline.all("img"))
    assert not outline.all("script")
    assert {a["href"] for a in outline.all("link")} == {"data:,"}
    assert all((a["href"] or "").startswith("#") for a in outline.all("a"))
    assert not [a for _, a in outline.tags if any(k.startswith("on") for k in a)]


def test_the_page_fetches_nothing_by_its_style(make_run: Make) -> None:
    page = write_report(make_run()).read_text(encoding="utf-8")

    assert not re.search(r"url\(|@import|https?://", page)
    assert "default-src 'none'" in page


def test_pictures_and_plots_are_told_to_those_who_cannot_see_them(make_run: Make) -> None:
    outline = read(make_run())

    assert all(image["alt"] for image in outline.all("img"))
    assert all(svg["aria-label"] and svg["role"] == "img" for svg in outline.all("svg"))
    assert len(outline.all("svg")) == 9
    assert all(th.get("scope") for th in outline.all("th"))
    assert outline.all("html")[0]["lang"] == "en"


def test_what_files_and_terms_are_called_stays_text(make_run: Make) -> None:
    def change(found: dict[str, Any]) -> None:
        for part in ("teacher", "student", "photos", "initial", "default"):
            found[part]["name"] = HOSTILE + part  # the start is not the default
        found["teacher"] |= {"license": HOSTILE, "commercial": False}
        found["photos"] |= {"terms": HOSTILE, "failed": [{"photo": HOSTILE, "error": HOSTILE}]}
        row = {"name": HOSTILE, "class": HOSTILE, "terms": HOSTILE, "use": HOSTILE}
        found["student"]["materials"] = [row]
        found["agreement"]["photos"][0]["key"] = found["pictures"][0]["key"] = HOSTILE
        found["drift"]["alarms"] = [{"step": 1, "text": HOSTILE}]
        found["training"] |= {"stopped": HOSTILE, "labels": HOSTILE}
        found["training"]["losses"][0] |= {"name": HOSTILE, "on": HOSTILE}

    run = make_run(change)
    (run / "journal.jsonl").write_text(
        json.dumps({"step": 1, "total": 1.0, "losses": {HOSTILE: 1.0}})
        + "\n"
        + json.dumps({"step": 1, "validation": {HOSTILE: 1.0}})
        + "\n"
    )
    (run / "run.json").write_text(json.dumps({"seed": HOSTILE, "recipe": {HOSTILE: HOSTILE}}))

    outline = read(run)

    assert not outline.all("script")
    assert len(outline.all("img")) == 8
    assert outline.text.count(HOSTILE) >= 15


def test_a_name_that_is_not_unicode_is_written_with_a_question_mark(make_run: Make) -> None:
    name = os.fsdecode(b"r\xe4ume")

    def change(found: dict[str, Any]) -> None:
        found["photos"]["failed"] = [{"photo": name, "error": "cannot decode"}]

    assert "r?ume" in read(make_run(change)).text


def test_no_improvement_and_no_gain_over_the_default_stand_at_the_top(make_run: Make) -> None:
    def change(found: dict[str, Any]) -> None:
        for gain in ("gain", "gain_over_default"):
            found["agreement"][gain]["rms"] = {"value": 0.0, "low": -0.01, "high": 0.01}

    found = words(read(make_run(change)))

    top = found[: found.index("Agreement on held-out photos")]
    assert "No improvement is shown." in top
    assert "not shown to be better than the default weights “small”" in top


@pytest.mark.parametrize(
    ("license_", "said"), [("CC BY-NC 4.0", "CC BY-NC 4.0"), ("", "no license")]
)
def test_a_teacher_that_is_not_for_commerce_has_a_banner(
    make_run: Make, license_: str, said: str
) -> None:
    def change(found: dict[str, Any]) -> None:
        found["teacher"] |= {"commercial": False, "license": license_}

    found = words(read(make_run(change)))

    banner = found[found.index("Not for commercial use") : found.index("is not accuracy")]
    assert said in banner


def test_a_teacher_for_anybody_has_none(make_run: Make) -> None:
    assert "Not for commercial use" not in words(read(make_run()))


def test_drift_alarms_are_told(make_run: Make) -> None:
    def change(found: dict[str, Any]) -> None:
        found["drift"]["alarms"] = [{"step": 2400, "text": "the spread doubled"}]

    found = words(read(make_run(change)))

    assert "The drift guard spoke once" in found
    assert "Step 2,400: the spread doubled" in found
    assert "raised no alarm" not in found


def test_a_run_that_knows_little_still_has_a_page(make_run: Make) -> None:
    def change(found: dict[str, Any]) -> None:
        found["default"] = found["agreement"]["default"] = found["drift"] = None
        found["agreement"]["gain_over_default"] = None
        found["agreement"]["photos"] = found["pictures"] = []
        for part in ("teacher", "student"):
            found[part] |= {"ms": None, "input": None, "materials": [], "license": ""}
        found["teacher"]["params"] = found["student"]["macs"] = None
        found["photos"] |= {"failed": [], "terms": ""}
        found["training"]["losses"] = []

    run = make_run(change)
    for name in ("journal.jsonl", "run.json", "config.json"):
        (run / name).unlink()

    found = words(read(run))

    assert "not measured" in found
    assert "holds no curve" in found
    assert "None" not in found


def test_a_page_of_twelve_photos_is_below_two_megabytes(make_run: Make) -> None:
    page = write_report(make_run(photos=400, pictures=12))

    assert page.stat().st_size < 2e6


def test_two_pages_of_one_run_are_equal(make_run: Make) -> None:
    run = make_run()

    assert write_report(run).read_bytes() == write_report(run).read_bytes()


def test_absolute_folders_of_the_machine_are_left_out(make_run: Make) -> None:
    found = read(make_run()).text

    assert "/home/someone" not in found
    assert "…/rooms" in found


def test_paths_are_cut_wherever_they_stand() -> None:
    value = {"a": ["/x/y", "C:\\x\\y", "x/y"], "b": {"c": "/x"}, "d": 1}

    assert without_folders(value) == {"a": ["…/y", "…/y", "x/y"], "b": {"c": "…/x"}, "d": 1}


@pytest.mark.parametrize("name", ["distillation.json", "run.json", "config.json"])
@pytest.mark.parametrize("content", [b"{", b"[]", b"\xff"])
def test_a_file_that_is_not_json_ends_in_one_line(
    make_run: Make, name: str, content: bytes
) -> None:
    run = make_run()
    (run / name).write_bytes(content)

    with pytest.raises(InputError, match=re.escape(name)) as caught:
        write_report(run)

    assert "\n" not in str(caught.value)
    assert not (run / "report.html").exists()


def test_a_folder_of_another_kind_is_told_apart(tmp_path: Path) -> None:
    with pytest.raises(InputError, match=r"has no distillation\.json; expected the folder"):
        write_report(tmp_path)


def test_a_journal_that_cannot_be_read_ends_in_one_line(make_run: Make) -> None:
    run = make_run()
    (run / "journal.jsonl").unlink()
    (run / "journal.jsonl").mkdir()

    with pytest.raises(InputError, match=r"journal\.jsonl: cannot read it"):
        write_report(run)


def test_a_journal_of_odd_lines_gives_what_it_has(make_run: Make) -> None:
    run = make_run()
    with (run / "journal.jsonl").open("a") as file:
        file.write('{"step": 5000, "total": null, "losses": {"channel_kl": "x"}}\nnot json\n')
        file.write('{"step": 5001, "losses": 3}\n{"step": "x", "losses": {}}\n{"st')

    assert "Losses" in words(read(run))


@pytest.mark.parametrize("name", ["../x.jpg", "report/gone.jpg"])
def test_a_picture_outside_or_missing_leaves_the_older_page(make_run: Make, name: str) -> None:
    def change(found: dict[str, Any]) -> None:
        found["pictures"][0]["teacher"] = name

    run = make_run(change)
    (run / "report.html").write_text("older")

    with pytest.raises(InputError, match=re.escape(name)):
        write_report(run)

    assert (run / "report.html").read_text() == "older"


@pytest.mark.skipif(os.name != "posix", reason="permissions work otherwise here")
def test_a_page_that_cannot_be_written_ends_in_one_line(make_run: Make) -> None:
    run = make_run()
    (run / "report.html").symlink_to(run / "nowhere" / "report.html")

    with pytest.raises(RunError, match="cannot write"):
        write_report(run)


def run_python(code: str, *arguments: str) -> str:
    result = subprocess.run(
        [sys.executable, "-c", code, *arguments], check=True, capture_output=True, text=True
    )
    return result.stdout


def test_without_jinja2_one_line_says_what_to_install(make_run: Make) -> None:
    code = (
        "import sys; sys.modules['jinja2'] = None\n"
        "from pathlib import Path\n"
        "from featherdepth.errors import BackendError\n"
        "from featherdepth.report.distillation import write_report\n"
        "try:\n    write_report(Path(sys.argv[1]))\n"
        "except BackendError as error:\n    print(error)"
    )

    said = run_python(code, str(make_run()))

    assert said.strip() == "a report needs jinja2; pip install 'featherdepth[train]'"


def test_writing_a_page_loads_no_torch(make_run: Make) -> None:
    code = (
        "import sys; from pathlib import Path\n"
        "from featherdepth.report.distillation import write_report\n"
        "write_report(Path(sys.argv[1])); print('torch' in sys.modules)"
    )

    assert run_python(code, str(make_run())).strip() == "False"
