"""The page check fails on a stale page, and a claim's figure comes from its JSON."""

import json

from tools import pages


def test_a_stale_page_fails_the_check_and_is_rewritten_without_it(tmp_path, monkeypatch):
    page = tmp_path / "page.md"
    monkeypatch.setattr(pages, "ROOT", tmp_path)
    monkeypatch.setattr(pages, "PAGES", {page: lambda: "new"})
    page.write_text("old")

    assert pages.main(["--check"]) == 1
    assert page.read_text() == "old"
    assert pages.main([]) == 0
    assert page.read_text() == "new"
    assert pages.main(["--check"]) == 0


def test_a_figure_is_read_from_the_file_a_command_wrote(tmp_path, monkeypatch):
    (tmp_path / "a.json").write_text(json.dumps({"metrics": {"delta1": {"value": 0.8251}}}))
    (tmp_path / "claims.toml").write_text(
        '[[section]]\ntitle = "T"\n[[section.run]]\ncommand = "run it"\nfile = "a.json"\n'
        'claims = [{ what = "w", bar = ">= 0.82", figure = "{metrics[delta1][value]:.3f}" }]\n'
    )
    monkeypatch.setattr(pages, "RESULTS", tmp_path)

    text = pages.results_page()

    assert "| w | 0.825 | >= 0.82 | [a.json](results/a.json) |" in text
    assert "run it" in text
