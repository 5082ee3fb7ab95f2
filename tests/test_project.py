"""pyproject.toml, the Makefile and the forge's workflow say the same."""

from __future__ import annotations

import re
import subprocess
import tomllib
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
WORKFLOW = (ROOT / ".github" / "workflows" / "ci.yml").read_text()
MAKEFILE = (ROOT / "Makefile").read_text()


def test_ci_runs_under_every_python_that_is_promised() -> None:
    [matrix] = re.findall(r"^ +python: \[(.+)\]$", WORKFLOW, re.MULTILINE)
    tested = re.findall(r'"(3\.\d+)"', matrix)
    prefix = "Programming Language :: Python :: 3."
    promised = [name.removeprefix(prefix[:-2]) for name in PROJECT["classifiers"] if name.startswith(prefix)]
    assert tested == promised
    assert PROJECT["requires-python"] == f">={tested[0]}"
    assert all(f"python{version} " in MAKEFILE for version in tested)


def test_ci_runs_what_everybody_runs() -> None:
    assert set(re.findall(r"^ +- run: (.+)$", WORKFLOW, re.MULTILINE)) == {".ci/run", "make coverage"}
    assert (ROOT / ".ci" / "run").read_text().splitlines()[-1] == "exec make test"


def test_actions_are_pinned_by_commit() -> None:
    used = re.findall(r"uses: (.+)", WORKFLOW)
    assert used
    for action in used:
        assert re.fullmatch(r"actions/[a-z-]+@[0-9a-f]{40} # v\d+\.\d+\.\d+", action), action


def test_help_lists_every_command() -> None:
    done = subprocess.run(["make", "--silent", "help"], cwd=ROOT, capture_output=True, text=True)
    listed = {line.split()[1] for line in done.stdout.splitlines()}
    [phony] = re.findall(r"^\.PHONY: (.+)$", MAKEFILE, re.MULTILINE)
    assert listed == set(phony.split()) - {"help"}
