"""What `import pychat` gives: the library's two classes when they are asked for, the version, and nothing else."""

from __future__ import annotations

import subprocess
import sys
import tomllib
from pathlib import Path

import pytest

import pychat
import pychat.client

ROOT = Path(__file__).resolve().parents[1]

LIGHT = """\
import sys
import pychat
print(pychat.__version__, *sorted({"aiortc", "asyncio", "pychat.core", "pychat.client"} & set(sys.modules)))
from pychat import Chat, Peer
print(Chat.__module__, Peer.__module__, "aiortc" in sys.modules)
"""


@pytest.mark.slow
def test_importing_it_loads_nothing_until_the_library_is_asked_for() -> None:
    done = subprocess.run([sys.executable, "-c", LIGHT], cwd=ROOT, capture_output=True, text=True)
    assert (done.stdout, done.stderr) == (
        f"{pychat.__version__}\npychat.client pychat.client True\n",
        "",
    )


def test_its_classes_are_those_of_the_library() -> None:
    assert (pychat.Chat, pychat.Peer) == (pychat.client.Chat, pychat.client.Peer)
    assert all(hasattr(pychat, name) for name in pychat.__all__)


def test_an_unknown_name_is_an_attribute_error() -> None:
    with pytest.raises(AttributeError, match="module 'pychat' has no attribute 'peer_of_nobody'"):
        getattr(pychat, "peer_of_nobody")  # noqa: B009


def test_the_version_is_written_in_one_place() -> None:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())
    assert "version" not in project["project"]
    assert project["project"]["dynamic"] == ["version"]
    assert project["tool"]["hatch"]["version"] == {"path": "pychat/__init__.py"}
