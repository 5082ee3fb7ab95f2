"""The build: what is in the site, under which names, and when it is made again."""

import ast
import base64
import gzip
import hashlib
import io
import json
import os
import re
import subprocess
import sys
import zipfile
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import brotli
import pytest

from pychat.site import libraries
from pychat.site.__main__ import main
from pychat.site.build import ROOT, Site, build_site, without_annotations, without_docstrings, zip_package
from pychat.site.snapshot import BuildError, compile_python, find_node
from pychat.ui import highlight
from pychat.ui.markup import parse
from tests import naughty
from tests.site.conftest import Checkout, write
from tests.ui.test_highlight import SOME_CODE

# Each builds a site.
pytestmark = pytest.mark.slow


def names(folder: Path) -> set[str]:
    return {
        path.relative_to(folder).as_posix()
        for path in folder.rglob("*")
        if path.is_file() and path.suffix not in {".br", ".gz"}
    }


def tree(folder: Path) -> dict[str, bytes]:
    return {path.relative_to(folder).as_posix(): path.read_bytes() for path in folder.rglob("*") if path.is_file()}


def test_pages_are_at_the_top_and_all_else_in_folders_named_after_their_content(checkout: Checkout) -> None:
    site = checkout.build()
    assert {path.name for path in site.path.iterdir() if path.is_dir()} == {site.app, site.vendor}
    top = {path.name for path in site.path.iterdir() if path.is_file() and path.suffix not in {".br", ".gz"}}
    assert top == {"index.html", "demo.html", "manifest.webmanifest", "sw.js", "SHA256SUMS"}
    assert re.fullmatch(r"app-[0-9a-f]{12}", site.app)
    assert re.fullmatch(r"vendor-[0-9a-f]{12}", site.vendor)


def test_the_app_folder_holds_our_files_and_the_package(checkout: Checkout) -> None:
    site = checkout.build()
    assert names(site.path / site.app) == {
        "boot.js",
        "empty.zip",
        "icons/send.svg",
        "memory.bin",
        "pychat.zip",
        "pyscript.json",
        "python.mjs",
        "start/chat.py",
        "style.css",
    }


def test_the_vendor_folder_holds_only_what_a_browser_asks_for(checkout: Checkout) -> None:
    site = checkout.build()
    assert names(site.path / site.vendor) == {
        "emojibase/LICENSE",
        "emojibase/emoji.txt",
        "hash-wasm/LICENSE",
        "hash-wasm/argon2.umd.min.js",
        "pyodide/pyodide-lock.json",
        "pyodide/pyodide.asm.mjs",
        "pyodide/pyodide.asm.wasm",
        "pyodide/pyodide.mjs",
        "pyodide/pyodide.rest.wasm",
        "pyodide/python_stdlib.zip",
        "pygments/pygments.zip",
        "pyscript/core-abc.js",
        "pyscript/core.js",
        "pyscript/error-abc.js",
        "qr/LICENSE-MIT",
        "qr/decode.js",
        "qr/index.js",
    }


def test_tokens_become_folder_names_and_the_number_of_bytes_to_load(checkout: Checkout) -> None:
    site = checkout.build()
    pyodide = f"{site.vendor}/pyodide"
    loaded = [f"{site.app}/memory.bin", f"{pyodide}/pyodide.asm.wasm", f"{pyodide}/pyodide.rest.wasm"]
    assert site.load_bytes == sum((site.path / name).stat().st_size for name in loaded)
    for path in [site.path / name for name in loaded]:
        compressed = path.with_name(f"{path.name}.br")
        sent = compressed if compressed.is_file() else path
        assert site.sizes[path.name] == (path.stat().st_size, sent.stat().st_size)
    page = (site.path / "index.html").read_text()
    assert page == f'<script src="{site.app}/boot.js"></script><progress max="{site.load_bytes}"></progress>'
    assert (site.path / site.app / "boot.js").read_text() == f'const vendor = "../{site.vendor}/";\n'
    assert (site.path / site.app / "python.mjs").read_text() == ('export const version = "314.0.7";\n')
    assert json.loads((site.path / site.app / "pyscript.json").read_text()) == {
        "interpreter": f"./{site.app}/python.mjs"
    }
    assert json.loads((site.path / "manifest.webmanifest").read_text()) == {
        "icons": [{"src": f"{site.app}/icons/send.svg"}]
    }


def test_the_package_zip_holds_the_parts_that_run_in_a_browser_stored(checkout: Checkout) -> None:
    site = checkout.build()
    with zipfile.ZipFile(site.path / site.app / "pychat.zip") as archive:
        ours = [name for name in archive.namelist() if name.startswith("pychat/")]
        assert ours == ["pychat/__init__.py", "pychat/ports.py", "pychat/core/link.py"]
        assert {"main.py", "demo.py"} < set(archive.namelist())
        assert {info.compress_type for info in archive.infolist()} == {zipfile.ZIP_STORED}


DOCUMENTED = b'''"""What it is."""
import dataclasses


class Empty(Exception):
    """More
    than one line.
    """


@dataclasses.dataclass
class Point:
    """At x and y."""

    x: int = 1
    """A field."""

    def doubled(self) -> int:
        """Twice."""; twice = 2
        return self.x * twice

    async def nothing(self) -> None:
        """D\xc3\xa9j\xc3\xa0 vu."""


def text() -> str:
    return """no docstring"""
'''


def test_docstrings_are_left_out_and_each_line_keeps_its_number() -> None:
    bare = without_docstrings(DOCUMENTED)
    assert b"no docstring" in bare
    for word in (b"What it is", b"than one", b"At x", b"Twice", "Déjà".encode()):
        assert word not in bare
    names: dict[str, Any] = {}
    exec(compile(bare, "bare", "exec"), names)
    assert names["Point"](3).doubled() == 6
    assert names["text"]() == "no docstring"
    assert names["text"].__code__.co_firstlineno == DOCUMENTED[: DOCUMENTED.index(b"def text")].count(b"\n") + 1
    assert not any(str(names[name].__doc__ or "").strip() for name in ("Point", "Empty", "text"))


@pytest.mark.parametrize("path", sorted((ROOT / "pychat").rglob("*.py")), ids=lambda path: path.name)
def test_all_else_of_the_package_is_the_same_without_docstrings(path: Path) -> None:
    def statements(source: bytes) -> list[tuple[str, int]]:
        places = ast.Import | ast.ImportFrom | ast.Assign | ast.AnnAssign | ast.Return | ast.Call | ast.Name | ast.arg
        found = [node for node in ast.walk(ast.parse(source)) if isinstance(node, places)]
        return [(ast.dump(node), node.lineno) for node in found]

    source = path.read_bytes()
    assert statements(without_docstrings(source)) == statements(source)


def test_functions_have_no_annotations_and_nothing_else_is_lost() -> None:
    source = b"""
def one(a: int, /, b: str = "->", *c: list[int], d: "dict[str, -> ]" = {}, **e: Any) -> tuple[int, ...]: return a, b
class Point:
    x: int = 1
    async def long(self, x: dict[
        str, int]) -> None:
        y: int = 2
"""
    bare = b"""
def one(a, /, b = "->", *c, d = {}, **e) : return a, b
class Point:
    x: int = 1
    async def long(self, x: dict[
        str, int]) :
        y: int = 2
"""
    assert without_annotations(source) == bare


@pytest.mark.parametrize("path", sorted((ROOT / "pychat").rglob("*.py")), ids=lambda path: path.name)
def test_all_else_of_the_package_is_the_same_without_annotations(path: Path) -> None:
    tree, bare = ast.parse(path.read_bytes()), ast.parse(without_annotations(path.read_bytes()))
    for node in [*ast.walk(tree), *ast.walk(bare)]:
        match node:
            case ast.arg():
                node.annotation = None
            case ast.FunctionDef() | ast.AsyncFunctionDef():
                node.returns = None
    assert ast.dump(bare) == ast.dump(tree)
    assert [node.lineno for node in ast.walk(bare) if isinstance(node, ast.stmt)] == [
        node.lineno for node in ast.walk(tree) if isinstance(node, ast.stmt)
    ]


def test_the_package_zip_holds_what_makes_qr_codes_and_its_licence(checkout: Checkout, tmp_path: Path) -> None:
    site = checkout.build()
    with zipfile.ZipFile(site.path / site.app / "pychat.zip") as archive:
        others = {name for name in archive.namelist() if name.startswith("segno")}
        assert others == {"segno/consts.py", "segno/encoder.py", "segno/LICENSE"}
        archive.extractall(tmp_path / "elsewhere")
    script = "from segno import encoder; print(len(encoder.encode('12345', micro=False).matrix))"
    command = [sys.executable, "-I", "-S", "-c", f"import sys; sys.path[:0] = [sys.argv[1]]; {script}"]
    result = subprocess.run([*command, str(tmp_path / "elsewhere")], capture_output=True, text=True, check=True)
    assert result.stdout == "21\n"


def run_with(folder: Path, script: str, given: str) -> str:
    """What a script writes that has these modules and no others but Python's own."""
    command = [sys.executable, "-I", "-S", "-c", f"import sys; sys.path[:0] = [sys.argv[1]]; {script}", str(folder)]
    return subprocess.run(command, input=given, capture_output=True, text=True, check=True).stdout


TEXTS = (
    "*a* __b__ ~~c~~ `d` \\* [e](https://f.example 'g') https://h.example",
    "> i\n> - j\n>   1. k\n\n```py\nl\n```\n&amp; <b> # m\n---\n| n |",
    *naughty.as_links(),
    *naughty.as_quotes(),
)


def test_a_page_reads_markdown_as_the_whole_of_markdown_it_does(tmp_path: Path) -> None:
    with zipfile.ZipFile(io.BytesIO(zip_package(ROOT / "web", ROOT / "pychat"))) as archive:
        names = set(archive.namelist())
        archive.extractall(tmp_path)
    assert "markdown_it/LICENSE" in names
    assert not {"markdown_it/renderer.py", "markdown_it/presets/__init__.py", "mdurl/__init__.py"} & names
    script = (
        "import json; from pychat.ui.markup import parse; print(json.dumps(list(map(parse, json.load(sys.stdin)))))"
    )
    assert json.loads(run_with(tmp_path, script, json.dumps(TEXTS))) == json.loads(json.dumps(list(map(parse, TEXTS))))


def test_a_page_colours_code_as_the_whole_of_pygments_does(tmp_path: Path) -> None:
    for name, content in libraries.pygments().items():
        write(tmp_path / name, content)
    with zipfile.ZipFile(io.BytesIO(zip_package(ROOT / "web", ROOT / "pychat"))) as archive:
        archive.extractall(tmp_path)
    script = (
        "import json; from pychat.ui.highlight import pieces; "
        "print(json.dumps([list(pieces(code, language)) for code, language in json.load(sys.stdin)]))"
    )
    code = [[text, language] for language in highlight.LANGUAGES for text in SOME_CODE]
    expected = [list(highlight.pieces(text, language)) for text, language in code]
    assert json.loads(run_with(tmp_path, script, json.dumps(code))) == json.loads(json.dumps(expected))


@pytest.mark.slow
def test_what_is_compiled_is_the_same_each_time(tmp_path: Path) -> None:
    zipped = zip_package(ROOT / "web", ROOT / "pychat")
    first = compile_python(ROOT / "web/node_modules", zipped)
    assert compile_python(ROOT / "web/node_modules", zipped) == first
    with zipfile.ZipFile(io.BytesIO(first)) as archive:
        assert "pychat/ui/markup.pyc" in archive.namelist()


@pytest.mark.parametrize("name", ["python_stdlib.zip", "pyodide.asm.mjs", "pyodide.asm.wasm", "pyodide.rest.wasm"])
def test_what_was_prepared_is_served(checkout: Checkout, name: str) -> None:
    site = checkout.build()
    served = (site.path / site.vendor / "pyodide" / name).read_bytes()
    assert served == (checkout.web / "node_modules/.compiled" / name).read_bytes()


def test_the_memory_is_made_of_the_package_and_only_when_that_has_changed(checkout: Checkout) -> None:
    made: list[bytes] = []

    def make(modules: Path, app: bytes) -> bytes:
        assert modules == checkout.web / "node_modules"
        made.append(app)
        return b"memory"

    def build() -> Site:
        return build_site(checkout.web, checkout.package, checkout.out, make, lambda _, zipped: zipped)

    site = build()
    app = site.path / site.app
    assert (app / "memory.bin").read_bytes() == b"memory"
    assert made == [(app / "pychat.zip").read_bytes()]
    write(checkout.web / "style.css", "p { margin: 1px }")
    build()
    assert len(made) == 1
    write(checkout.package / "core" / "link.py", "# changed\n")
    build()
    assert len(made) == 2


@pytest.mark.slow
def test_the_memory_is_the_same_at_each_build(tmp_path: Path) -> None:
    """Whenever and wherever it is made: two checkouts in different folders."""
    memories = set()
    for name in ("here", "there/and/deeper"):
        root = tmp_path / name
        for path in (ROOT / "pychat/site").glob("*.mjs"):
            write(root / "pychat/site" / path.name, path.read_bytes())
        write(root / "web/hash_seed.mjs", (ROOT / "web/hash_seed.mjs").read_bytes())
        write(root / "pychat.zip", zip_package(ROOT / "web", ROOT / "pychat"))
        modules = ROOT / "web/node_modules"
        arguments = [modules / "pyodide", modules / ".compiled", root / "pychat.zip", root / "memory.bin"]
        subprocess.run([find_node(), root / "pychat/site/snapshot.mjs", *arguments], cwd=root, check=True)
        memories.add((root / "memory.bin").read_bytes())
    assert len(memories) == 1


def test_a_memory_that_cannot_be_made_is_said_in_words(checkout: Checkout) -> None:
    with pytest.raises(BuildError, match="Python's memory cannot be made"):
        build_site(checkout.web, checkout.package, checkout.out, compile_python=lambda _, zipped: zipped)


def test_what_cannot_be_compiled_is_said_in_words(checkout: Checkout) -> None:
    with pytest.raises(BuildError, match="compiled Python cannot be made"):
        build_site(checkout.web, checkout.package, checkout.out)


def test_sums_hold_of_every_other_file(checkout: Checkout) -> None:
    site = checkout.build()
    result = subprocess.run(
        ["sha256sum", "--check", "--quiet", "--strict", "SHA256SUMS"], cwd=site.path, capture_output=True, text=True
    )
    assert (result.returncode, result.stdout, result.stderr) == (0, "", "")
    listed = {line.split("  ")[1] for line in (site.path / "SHA256SUMS").read_text().splitlines()}
    assert listed == names(site.path) - {"SHA256SUMS"}


def test_the_service_worker_knows_every_file_but_those_for_the_ordinary_start(checkout: Checkout) -> None:
    site = checkout.build()
    text = (site.path / "sw.js").read_text()
    known = json.loads(text[text.index("{") : text.rindex("}") + 1])
    later = ["emojibase/emoji.txt", "pygments/pygments.zip", "qr/decode.js", "qr/index.js"]
    assert text.endswith(f"const LATER = {json.dumps([f'{site.vendor}/{name}' for name in later])};\n")
    spared = {f"{site.app}/pychat.zip", f"{site.vendor}/pyodide/python_stdlib.zip", "sw.js", "SHA256SUMS"}
    assert known.keys() == names(site.path) - spared
    for name, integrity in known.items():
        digest = hashlib.sha256((site.path / name).read_bytes()).digest()
        assert integrity == f"sha256-{base64.b64encode(digest).decode()}"


def test_each_change_gives_the_service_worker_another_cache(checkout: Checkout) -> None:
    first = (checkout.build().path / "sw.js").read_text().splitlines()[0]
    write(checkout.web / "demo.html", "<title>changed</title>")
    assert (checkout.build().path / "sw.js").read_text().splitlines()[0] != first


def test_pyodide_is_told_of_no_packages(checkout: Checkout) -> None:
    site = checkout.build()
    lock = json.loads((site.path / site.vendor / "pyodide/pyodide-lock.json").read_text())
    assert lock == {"info": {"python": "3.14"}, "packages": {}}


def test_compressed_forms_hold_the_same_bytes(checkout: Checkout) -> None:
    site = checkout.build()
    page = (site.path / "demo.html").read_bytes()
    assert brotli.decompress((site.path / "demo.html.br").read_bytes()) == page
    assert gzip.decompress((site.path / "demo.html.gz").read_bytes()) == page


def test_a_file_that_does_not_shrink_has_no_compressed_form(checkout: Checkout) -> None:
    write(checkout.web / "noise.png", os.urandom(2000))
    site = checkout.build()
    assert not list((site.path / site.app).glob("noise.png.*"))


def test_a_second_build_leaves_the_site_alone(checkout: Checkout) -> None:
    assert checkout.build().changed
    before = (checkout.out / "index.html").stat()
    assert not checkout.build().changed
    assert (checkout.out / "index.html").stat() == before


def test_two_builds_at_once_take_turns(checkout: Checkout) -> None:
    with ThreadPoolExecutor() as pool:
        sites = list(pool.map(lambda _: checkout.build(), range(8)))
    assert [site.changed for site in sites].count(True) == 1
    assert {site.app for site in sites} == {checkout.build().app}


def test_a_change_gives_a_new_app_folder_and_keeps_the_vendor_folder(checkout: Checkout) -> None:
    first = checkout.build()
    write(checkout.package / "core" / "link.py", "# changed\n")
    second = checkout.build()
    assert second.changed
    assert second.app != first.app
    assert second.vendor == first.vendor
    assert not (second.path / first.app).exists()


def test_the_same_content_gives_the_same_site_whatever_the_file_times(checkout: Checkout, tmp_path: Path) -> None:
    first = tree(checkout.build().path)
    for path in [*checkout.web.rglob("*"), *checkout.package.rglob("*")]:
        os.utime(path, (0, 0))
    again = Checkout(checkout.web, checkout.package, tmp_path / "elsewhere" / "site")
    assert tree(again.build().path) == first


def test_a_rebuild_compresses_only_what_changed(checkout: Checkout) -> None:
    checkout.build()
    cache = checkout.out.parent / "cache"
    before = {path.name: path.stat().st_mtime_ns for path in cache.iterdir()}
    write(checkout.web / "demo.html", "<title>changed</title>")
    checkout.build()
    after = {path.name: path.stat().st_mtime_ns for path in cache.iterdir()}
    # .br and .gz of demo.html, and of what lists all files
    assert len(after.keys() - before.keys()) == 2 * len({"demo.html", "sw.js", "SHA256SUMS"})
    assert before.keys() <= after.keys()


def test_the_cache_forgets_what_no_build_has_used_for_long(checkout: Checkout) -> None:
    checkout.build()
    cache = checkout.out.parent / "cache"
    old = cache / "0.br"
    write(old, "x")
    os.utime(old, (0, 0))
    write(checkout.web / "demo.html", "<title>changed</title>")
    checkout.build()
    assert not old.exists()
    assert len(list(cache.iterdir())) > 10


def test_a_failed_write_keeps_the_old_site(checkout: Checkout, monkeypatch: pytest.MonkeyPatch) -> None:
    before = tree(checkout.build().path)
    write(checkout.web / "demo.html", "<title>changed</title>")

    def full_disk(*_: object) -> int:
        raise OSError("No space left on device")

    with monkeypatch.context() as patch:
        patch.setattr(Path, "write_bytes", full_disk)
        with pytest.raises(OSError, match="No space"):
            checkout.build()
    assert tree(checkout.out) == before
    assert checkout.build().changed


def test_missing_node_modules_are_said_in_words(checkout: Checkout, capsys: pytest.CaptureFixture[str]) -> None:
    (checkout.web / "node_modules/pyodide/package.json").unlink()
    arguments = ["--web", str(checkout.web), "--package", str(checkout.package), "--out", str(checkout.out)]
    assert main(arguments) == 1
    assert "pyodide is not installed: run `make build`" in capsys.readouterr().err


def test_another_version_than_the_locked_one_is_refused(checkout: Checkout) -> None:
    write(checkout.web / "node_modules/@pyscript/core/package.json", '{"version": "0.6.0"}')
    with pytest.raises(BuildError, match=r"@pyscript/core is 0\.6\.0, but package-lock\.json says 0\.7\.31"):
        checkout.build()
