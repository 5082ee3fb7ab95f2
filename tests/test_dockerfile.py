"""The Dockerfile, as far as it can be looked through without building it."""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]


def test_hadolint_has_nothing_to_say() -> None:
    command = [str(Path(sys.executable).with_name("hadolint")), "--no-color", str(ROOT / "Dockerfile")]
    done = subprocess.run(command, capture_output=True, text=True)
    assert (done.returncode, done.stdout, done.stderr) == (0, "", "")


def test_what_it_copies_is_all_that_a_build_is_sent() -> None:
    copied: set[str] = set()
    for line in (ROOT / "Dockerfile").read_text().splitlines():
        if line.startswith("COPY ") and "--from=" not in line:
            copied.update(line.split()[1:-1])
    sent = (ROOT / ".dockerignore").read_text().splitlines()
    assert {name.removeprefix("!") for name in sent if name.startswith("!")} == copied
    assert sent[sent.index("!Makefile") - 1] == "*"
    for name in copied:
        assert (ROOT / name).exists(), name


def test_what_it_begins_with_is_pinned_by_its_digest() -> None:
    lines = (ROOT / "Dockerfile").read_text().splitlines()
    bases = {line.split()[1] for line in lines if line.startswith("FROM ")}
    pinned = dict(line.removeprefix("ARG ").split("=", 1) for line in lines if line.startswith("ARG "))
    assert bases == {"${PYTHON}"}
    assert re.fullmatch(r"python:3\.13-slim-bookworm@sha256:[0-9a-f]{64}", pinned["PYTHON"])
