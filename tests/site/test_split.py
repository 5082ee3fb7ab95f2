"""Python's WebAssembly in two parts does what it does in one, however it is split."""

from __future__ import annotations

import json
import shutil
import subprocess
from pathlib import Path

import pytest

from pychat.site.build import ROOT
from pychat.site.snapshot import find_node

HERE = Path(__file__).parent / "split"
SITE = ROOT / "pychat/site"
MODULES = ROOT / "web/node_modules"
COMPILED = MODULES / ".compiled"


def output(how: str) -> list[str]:
    """What Python prints with its WebAssembly split in this way."""
    command: list[str | Path] = [find_node(), HERE / "run.mjs", MODULES / "pyodide", COMPILED, HERE / "broad.py", how]
    result = subprocess.run(command, capture_output=True, text=True)
    assert result.returncode == 0, result.stderr[-2000:]
    return result.stdout.splitlines()


@pytest.fixture(scope="module")
def expected() -> list[str]:
    lines = output("whole")
    assert lines[-1] == "end"
    assert len(lines) > 300
    return lines


@pytest.mark.slow
@pytest.mark.parametrize("how", ["list", "even", "odd"])
def test_python_is_the_same_in_two_parts(expected: list[str], how: str) -> None:
    """Calls and exceptions cross from one part to the other all the time where every second function is in it."""
    assert output(how) == expected


def precompile(target: Path, source: Path = MODULES / "pyodide") -> subprocess.CompletedProcess[str]:
    return subprocess.run([find_node(), SITE / "precompile.mjs", source, target], capture_output=True, text=True)


@pytest.mark.slow
def test_the_parts_are_the_same_at_each_build(tmp_path: Path) -> None:
    assert precompile(tmp_path).returncode == 0
    assert {path.name: path.read_bytes() for path in tmp_path.iterdir()} == {
        path.name: path.read_bytes() for path in COMPILED.iterdir()
    }


@pytest.mark.skipif(not MODULES.is_dir(), reason="`make build` gets Pyodide")
def test_a_list_for_another_pyodide_is_said_in_words(tmp_path: Path) -> None:
    source = tmp_path / "pyodide"
    source.mkdir()
    shutil.copy(MODULES / "pyodide/pyodide.asm.wasm", source)
    with (source / "pyodide.asm.wasm").open("ab") as file:
        file.write(b"\0")
    result = precompile(tmp_path / "compiled", source)
    assert result.returncode == 1
    [sentence] = result.stderr.splitlines()
    assert "hot.json is for another version of Pyodide: make it anew" in sentence


def test_the_list_is_one_of_ranges_in_order() -> None:
    lines: list[str] = json.loads((SITE / "hot.json").read_text())["functions"]
    numbers = [int(number) for word in " ".join(lines).split() for number in word.split("-")]
    assert numbers == sorted(set(numbers))
