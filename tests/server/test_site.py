"""The build: what is in the site, under which names, and when it is made again."""

import gzip
import json
import os
import re
import subprocess
import sys
import zipfile
from pathlib import Path

import brotli
import pytest

from pychat.server.site import BuildError, main
from tests.server.conftest import Checkout, write


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
    assert {path.name for path in site.path.glob("*.html")} == {"index.html", "demo.html"}
    assert re.fullmatch(r"app-[0-9a-f]{12}", site.app)
    assert re.fullmatch(r"vendor-[0-9a-f]{12}", site.vendor)


def test_the_app_folder_holds_our_files_and_the_package(checkout: Checkout) -> None:
    site = checkout.build()
    assert names(site.path / site.app) == {
        "boot.js",
        "icons/send.svg",
        "main.py",
        "pychat.zip",
        "pyscript.json",
        "style.css",
    }


def test_the_vendor_folder_holds_only_what_a_browser_asks_for(checkout: Checkout) -> None:
    site = checkout.build()
    assert names(site.path / site.vendor) == {
        "pyodide/pyodide-lock.json",
        "pyodide/pyodide.asm.mjs",
        "pyodide/pyodide.asm.wasm",
        "pyodide/pyodide.mjs",
        "pyodide/python_stdlib.zip",
        "pyscript/core-abc.js",
        "pyscript/core.js",
        "pyscript/error-abc.js",
    }


def test_tokens_become_folder_names_and_the_number_of_bytes_to_load(checkout: Checkout) -> None:
    site = checkout.build()
    loaded = [f"{site.app}/pychat.zip"]
    loaded += [f"{site.vendor}/pyodide/{name}" for name in ("pyodide.asm.wasm", "python_stdlib.zip")]
    assert site.load_bytes == sum((site.path / name).stat().st_size for name in loaded)
    page = (site.path / "index.html").read_text()
    assert page == f'<script src="{site.app}/boot.js"></script><progress max="{site.load_bytes}"></progress>'
    assert (site.path / site.app / "boot.js").read_text() == f'const vendor = "../{site.vendor}/";\n'


def test_the_package_zip_holds_the_parts_that_run_in_a_browser_stored(checkout: Checkout) -> None:
    site = checkout.build()
    with zipfile.ZipFile(site.path / site.app / "pychat.zip") as archive:
        ours = [name for name in archive.namelist() if name.startswith("pychat/")]
        assert ours == ["pychat/__init__.py", "pychat/ports.py", "pychat/core/link.py"]
        assert {info.compress_type for info in archive.infolist()} == {zipfile.ZIP_STORED}


def test_the_package_zip_holds_what_makes_qr_codes_and_its_licence(checkout: Checkout, tmp_path: Path) -> None:
    site = checkout.build()
    with zipfile.ZipFile(site.path / site.app / "pychat.zip") as archive:
        others = {name for name in archive.namelist() if not name.startswith("pychat/")}
        assert others == {"segno/consts.py", "segno/encoder.py", "segno/LICENSE"}
        archive.extractall(tmp_path / "elsewhere")
    script = "from segno import encoder; print(len(encoder.encode('12345', micro=False).matrix))"
    command = [sys.executable, "-I", "-S", "-c", f"import sys; sys.path[:0] = [sys.argv[1]]; {script}"]
    result = subprocess.run([*command, str(tmp_path / "elsewhere")], capture_output=True, text=True, check=True)
    assert result.stdout == "21\n"


def test_the_library_is_the_one_that_was_compiled(checkout: Checkout) -> None:
    site = checkout.build()
    library = (site.path / site.vendor / "pyodide/python_stdlib.zip").read_bytes()
    assert library == (checkout.web / "node_modules/.compiled/python_stdlib.zip").read_bytes()


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
    assert len(after.items() - before.items()) == 2  # .br and .gz of demo.html
    assert len(before.items() - after.items()) == 2


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
