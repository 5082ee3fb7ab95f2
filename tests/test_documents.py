"""The documents name what there is: files, headings, commands, settings, buttons."""

from __future__ import annotations

import ast
import os
import re
import textwrap
from dataclasses import fields
from functools import cache
from itertools import pairwise
from pathlib import Path

import pytest

from pychat.server.config import RelayConfig, ServerLimits

ROOT = Path(__file__).resolve().parents[1]
DOCUMENTS = sorted([*ROOT.glob("*.md"), *ROOT.glob(".github/**/*.md"), *ROOT.glob("docs/**/*.md")])
SOURCES = sorted(
    path
    for folder in ("pychat", "tests", "examples", "web")
    for path in (ROOT / folder).rglob("*")
    if path.suffix in {".py", ".mjs", ".js", ".html", ".toml"} and "node_modules" not in path.parts
)

documents = pytest.mark.parametrize("document", DOCUMENTS, ids=lambda path: str(path.relative_to(ROOT)))


@cache
def text_of(path: Path) -> str:
    return path.read_text("utf-8")


def prose(path: Path) -> str:
    """A document without what stands between fences."""
    return re.sub(r"^ *```.*?^ *```$", "", text_of(path), flags=re.DOTALL | re.MULTILINE)


def fenced(path: Path, language: str = "") -> list[str]:
    """What stands between fences of that language."""
    found = re.findall(rf"^( *)```{language}\n(.*?)^\1```$", text_of(path), re.DOTALL | re.MULTILINE)
    return [textwrap.dedent(block) for _, block in found]


@cache
def anchors(path: Path) -> set[str]:
    """The names of the headings of a document, as forges make them."""
    titles = re.findall(r"^#+ (.+)$", prose(path), re.MULTILINE)
    return {re.sub(r"[^\w\- ]", "", title.lower()).replace(" ", "-") for title in titles}


@documents
def test_links_lead_somewhere(document: Path) -> None:
    for target in re.findall(r"\]\(([^)\s]+)\)", prose(document)):
        if re.match(r"[a-z]+:", target):
            continue
        name, _, anchor = target.partition("#")
        path = Path(os.path.normpath(document.parent / name)) if name else document
        assert path.exists(), target
        assert not anchor or anchor in anchors(path), target


def test_every_page_is_in_the_index() -> None:
    index = ROOT / "docs" / "README.md"
    linked = {(index.parent / name).resolve() for name in re.findall(r"\]\(([^)#\s]+)", text_of(index))}
    assert set(index.parent.rglob("*.md")) - {index} <= linked


@pytest.mark.slow
def test_documents_that_the_code_names_exist() -> None:
    named = {name for source in SOURCES for name in re.findall(r"\bdocs/[\w./-]+\.md\b", text_of(source))}
    assert {name for name in named if not (ROOT / name).exists()} == set()


@documents
def test_files_that_are_named_exist(document: Path) -> None:
    folders = [ROOT, ROOT / "pychat", ROOT / "web", ROOT / "tests", document.parent]
    for name in re.findall(r"`([\w.-]+/[\w./-]+\.(?:py|md|mjs|js|json|html|css|toml|txt))`", prose(document)):
        assert name.startswith("build/") or any((folder / name).exists() for folder in folders), name


@documents
def test_commands_exist(document: Path) -> None:
    [phony] = re.findall(r"^\.PHONY: (.+)$", text_of(ROOT / "Makefile"), re.MULTILINE)
    commands = "\n".join([*fenced(document), *re.findall(r"`([^`\n]+)`", prose(document))])
    assert set(re.findall(r"(?:^|&& )make ([a-z-]+)", commands, re.MULTILINE)) <= set(phony.split())
    for module in re.findall(r"python -m (tests(?:\.\w+)+)", text_of(document)):
        path = ROOT.joinpath(*module.split("."))
        assert path.with_suffix(".py").exists() or (path / "__main__.py").exists(), module


@pytest.mark.slow
@documents
def test_settings_exist(document: Path) -> None:
    known = {name for source in SOURCES for name in re.findall(r"\bPYCHAT_[A-Z_]+[A-Z]\b", text_of(source))}
    known |= {f"PYCHAT_RELAY_{field.name.upper()}" for field in fields(RelayConfig)}
    known |= {f"PYCHAT_{field.name.upper()}" for field in fields(ServerLimits)}
    assert set(re.findall(r"\bPYCHAT_[A-Z_]+[A-Z]\b", text_of(document))) <= known


@documents
def test_python_compiles(document: Path) -> None:
    for block in fenced(document, "python"):
        body = f"{block}    pass\n" if block.rstrip().endswith(":") else block
        compile(body, str(document), "exec", ast.PyCF_ALLOW_TOP_LEVEL_AWAIT)


@pytest.mark.parametrize("name", ["README.md", "docs/tutorial/first-chat.md", "docs/tutorial/first-bot.md"])
def test_buttons_are_called_so(name: str) -> None:
    page = re.sub(r"\s+", " ", text_of(ROOT / "web" / "index.html") + text_of(ROOT / "pychat" / "ui" / "strings.py"))
    for label in re.findall(r"(?:[Pp]ress|into|choose) \*\*(.+?)\*\*", re.sub(r"\s+", " ", prose(ROOT / name))):
        assert re.search(rf"[>\" ]{re.escape(label)} ?[<\"]", page), label


def test_the_readme_begins_with_two_commands() -> None:
    first, *_ = fenced(ROOT / "README.md")
    assert [line.split("#")[0].strip() for line in first.splitlines()] == ["make run", "make test"]
    head = text_of(ROOT / "README.md").partition("![")[0]
    assert head.count("```") == 2


def test_the_glossary_has_each_term_once_and_in_order() -> None:
    seen: list[str] = []
    for section in text_of(ROOT / "docs" / "glossary.md").split("\n## ")[1:]:
        terms = [row.split("|")[1].strip() for row in section.splitlines() if row.startswith("| ")][1:]
        assert all(one.lower() < other.lower() for one, other in pairwise(terms)), section.partition("\n")[0]
        seen += terms
    assert len(seen) == len(set(seen)) > 50
