"""A small pretend checkout: a web folder, node modules with a few bytes each, a package."""

import hashlib
import json
from dataclasses import dataclass
from pathlib import Path

import pytest

from pychat.site.build import Site, build_site

VERSIONS = {
    "pyodide": "314.0.7",
    "@pyscript/core": "0.7.31",
    "hash-wasm": "4.13.0",
    "emojibase-data": "17.0.0",
    "qr": "0.7.0",
}
# emojibase's own files, with one emoji in them.
EMOJI = {
    "en/data.json": [
        {
            "emoji": "👋",
            "hexcode": "1F44B",
            "label": "waving hand",
            "text": "",
            "tags": ["hi"],
            "group": 1,
            "order": 1,
            "version": 1,
        }
    ],
    "en/shortcodes/github.json": {"1F44B": "wave"},
    "en/shortcodes/emojibase.json": {"1F44B": ["wave", "hello"]},
    "en/messages.json": {"groups": [{"key": "people-body", "message": "people & body", "order": 1}]},
    "LICENSE": "MIT",
}


@dataclass(frozen=True)
class Checkout:
    web: Path
    package: Path
    out: Path

    def build(self) -> Site:
        return build_site(
            self.web,
            self.package,
            self.out,
            lambda _, app: b"memory of " + app,
            lambda _, zipped: b"of " + hashlib.sha256(zipped).digest(),  # all of it would take seconds to compress
        )


def write(path: Path, content: str | bytes) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(content.encode() if isinstance(content, str) else content)


@pytest.fixture
def checkout(tmp_path: Path) -> Checkout:
    return make_checkout(tmp_path)


def make_checkout(folder: Path) -> Checkout:
    web, package = folder / "web", folder / "pychat"
    for name, content in {
        "index.html": '<script src="@APP@/boot.js"></script><progress max="@LOAD_BYTES@"></progress>',
        "demo.html": "<!doctype html><title>demo</title>" + "<p>text</p>" * 100,
        "boot.js": 'const vendor = "../@VENDOR@/";\n',
        "python.mjs": 'export const version = "@PYODIDE_VERSION@";\n',
        "main.py": "import pychat\n",
        "demo.py": "import pychat\n",
        "start/chat.py": "import main\n",
        "manifest.webmanifest": '{"icons": [{"src": "@APP@/icons/send.svg"}]}',
        "sw.js": 'const CACHE = "@BUILD@";\nconst FILES = "@FILES@";\nconst LATER = "@LATER@";\n',
        "pyscript.json": '{"interpreter": "./@APP@/python.mjs"}',
        "style.css": "p { margin: 0 }\n" * 100,
        "icons/send.svg": "<svg/>",
        ".hidden": "secret",
        "package.json": "{}",
        "package-lock.json": json.dumps(
            {"packages": {f"node_modules/{name}": {"version": version} for name, version in VERSIONS.items()}}
        ),
    }.items():
        write(web / name, content)
    for name, version in VERSIONS.items():
        write(web / "node_modules" / name / "package.json", json.dumps({"version": version}))
    for name in ("pyodide.mjs", "pyodide.d.ts", "console.html"):
        write(web / "node_modules/pyodide" / name, f"// {name}\n" * 50)
    write(
        web / "node_modules/pyodide/pyodide-lock.json", json.dumps({"info": {"python": "3.14"}, "packages": {"x": 1}})
    )
    write(web / "node_modules/.compiled/python_stdlib.zip", b"PK" + bytes(3000))
    for name in ("hash-wasm/dist/argon2.umd.min.js", "hash-wasm/LICENSE"):
        write(web / "node_modules" / name, f"// {name}\n" * 50)
    for name in ("qr/decode.js", "qr/dom.js", "qr/index.js", "qr/LICENSE-MIT"):
        write(web / "node_modules" / name, f"// {name}\n" * 50)
    for name, data in EMOJI.items():
        write(web / "node_modules/emojibase-data" / name, json.dumps(data))
    write(web / "node_modules/.compiled/pyodide.asm.mjs", "// trimmed\n" * 50)
    write(web / "node_modules/.compiled/pyodide.asm.wasm", b"\0asm" + bytes(3000))
    write(web / "node_modules/.compiled/pyodide.rest.wasm", b"\0asm" + bytes(2000))
    for name in ("core.js", "core-abc.js", "error-abc.js", "xterm-abc.js", "core.js.map"):
        write(web / "node_modules/@pyscript/core/dist" / name, f"// {name}\n" * 50)
    for name in (
        "__init__.py",
        "ports.py",
        "core/link.py",
        "core/__pycache__/link.pyc",
        "server/app.py",
        "native/tcp.py",
    ):
        write(package / name, f"# {name}\n")
    return Checkout(web, package, folder / "build" / "site")
