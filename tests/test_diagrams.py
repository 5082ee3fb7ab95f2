"""The diagrams of the documents are what the tables of the core say."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests import diagrams


def test_they_are_up_to_date() -> None:
    assert diagrams.main(["--check"]) == 0, "run python -m tests.diagrams"


def test_each_is_on_the_page_once() -> None:
    assert sorted(diagrams.named(diagrams.PAGE.read_text("utf-8"))) == sorted(diagrams.diagrams())


def test_what_is_stale_is_said_and_written_anew(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    page = tmp_path / "page.md"
    page.write_text("before\n\n<!-- diagram: link -->\n```mermaid\nstateDiagram-v2\n```\n\nafter\n")
    monkeypatch.setattr(diagrams, "PAGE", page)
    assert diagrams.main(["--check"]) == 1
    assert "page.md is stale" in capsys.readouterr().err

    assert diagrams.main([]) == 0
    assert diagrams.main(["--check"]) == 0
    written = page.read_text()
    assert written.startswith("before\n\n<!-- diagram: link -->\n```mermaid\nstateDiagram-v2\n")
    assert "    open --> lost: path broken\n" in written
    assert written.endswith("```\n\nafter\n")
