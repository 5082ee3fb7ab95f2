"""Builds the site: what a browser is given, put together from web/, the pychat package and node_modules.

    index.html, …          every page, asked for anew at each visit
    app-<hash>/…           our own files and pychat.zip; the name changes with the content, so caches keep them for ever
    vendor-<hash>/…        Pyodide and PyScript, likewise

Everything is first put together in memory, which takes a fraction of a second; what costs time is compressing, so
compressed files are kept in a cache by the hash of their content, and a site that would come out the same is left
alone.
"""

from __future__ import annotations

import argparse
import gzip
import hashlib
import io
import json
import os
import shutil
import sys
import tempfile
import zipfile
from collections.abc import Iterable, Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from importlib.metadata import PackageNotFoundError, distribution
from pathlib import Path

import brotli

ROOT = Path(__file__).resolve().parents[2]

# The parts of the package that run in a browser.
BROWSER_PARTS = ("__init__.py", "ports.py", "driver.py", "core", "ui", "browser")

# What makes QR codes; without segno's __init__, which imports all the rest of it.
SEGNO_FILES = ("consts.py", "encoder.py")

# What the browser asks for, and nothing more; editors, terminals and MicroPython stay at home.
PYODIDE_FILES = ("pyodide.mjs", "pyodide.asm.mjs", "pyodide.asm.wasm", "pyodide-lock.json")
# Written by precompile.mjs, which `make build` runs after npm. Not compressed inside: brotli over the whole does
# better than deflate in each member.
LIBRARY = "python_stdlib.zip"
PYSCRIPT_PATTERNS = ("core.js", "core-*.js", "error-*.js")

# boot.js fetches these itself and shows how far they have come.
LOADED_WITH_PROGRESS = ("pyodide.asm.wasm", "python_stdlib.zip", "pychat.zip")

TEXT_SUFFIXES = {".html", ".css", ".js", ".mjs", ".json", ".webmanifest", ".py", ".svg", ".txt"}
NOT_SERVED = {"node_modules", "package.json", "package-lock.json", "__pycache__"}

# Measured on Pyodide and its library: quality 9 makes 4.9 MB in 3 seconds, 10 makes 4.5 in 16, 11 makes 4.4 in 25.
BROTLI_QUALITY = 10
BROTLI_WINDOW = 24
WORTH_IT = 0.95

Files = dict[str, bytes]


class BuildError(Exception):
    """The site cannot be built; the message says what to do."""


@dataclass(frozen=True)
class Site:
    """A site that was built.

    `load_bytes` is what boot.js counts, uncompressed; `wire_bytes` is all that a first visit to the front page
    transfers, compressed with brotli.
    """

    path: Path
    app: str
    vendor: str
    load_bytes: int
    wire_bytes: int
    changed: bool


def build_site(web: Path, package: Path, out: Path) -> Site:
    """Build the site into `out`, atomically, unless it is there already.

    Raises:
        BuildError: something it is made of is missing or is not the pinned version.
    """
    vendor_files = _vendor(web)
    vendor = f"vendor-{_digest(vendor_files)}"
    app_files = _app(web, package)
    load_bytes = sum(
        len(content)
        for name, content in (vendor_files | app_files).items()
        if name.rpartition("/")[2] in LOADED_WITH_PROGRESS
    )
    tokens = {"@VENDOR@": vendor, "@LOAD_BYTES@": str(load_bytes)}
    app_files = _substitute(app_files, tokens)
    app = f"app-{_digest(app_files)}"
    tokens["@APP@"] = app
    pages = _substitute(_pages(web), tokens)
    app_files = _substitute(app_files, tokens)

    files = dict(pages)
    files.update({f"{app}/{name}": content for name, content in app_files.items()})
    files.update({f"{vendor}/{name}": content for name, content in vendor_files.items()})

    stamp = out.with_name(f"{out.name}.sha256")
    digest = _digest(files, length=64)
    changed = not (out.is_dir() and stamp.is_file() and stamp.read_text() == digest)
    if changed:
        stamp.unlink(missing_ok=True)
        _write(files, out)
        stamp.write_text(digest)
    return Site(out, app, vendor, load_bytes, _wire_bytes(out, files, set(pages) - {"index.html"}), changed)


def _pages(web: Path) -> Files:
    return {path.name: path.read_bytes() for path in sorted(web.glob("*.html"))}


def _app(web: Path, package: Path) -> Files:
    files = {"pychat.zip": _zip_package(package)}
    for path in sorted(web.rglob("*")):
        name = path.relative_to(web)
        hidden = any(part.startswith(".") or part in NOT_SERVED for part in name.parts)
        if path.is_file() and not hidden and not (path.parent == web and path.suffix == ".html"):
            files[name.as_posix()] = path.read_bytes()
    return files


def _vendor(web: Path) -> Files:
    modules = web / "node_modules"
    _check_versions(web / "package-lock.json", modules)
    pyodide = modules / "pyodide"
    files = {f"pyodide/{name}": _read(pyodide / name) for name in PYODIDE_FILES}
    files[f"pyodide/{LIBRARY}"] = _read(modules / ".compiled" / LIBRARY)
    files["pyodide/pyodide-lock.json"] = _without_packages(files["pyodide/pyodide-lock.json"])
    pyscript = modules / "@pyscript" / "core" / "dist"
    for pattern in PYSCRIPT_PATTERNS:
        found = sorted(pyscript.glob(pattern))
        if not found:
            raise BuildError(f"PyScript has no file {pattern}: delete web/node_modules and run `make build` again.")
        files.update({f"pyscript/{path.name}": path.read_bytes() for path in found})
    return files


def _check_versions(lock: Path, modules: Path) -> None:
    try:
        packages = json.loads(lock.read_text())["packages"]
    except (OSError, ValueError, KeyError) as error:
        raise BuildError(f"{lock} cannot be read: {error}") from error
    for name in ("pyodide", "@pyscript/core"):
        wanted = packages[f"node_modules/{name}"]["version"]
        manifest = modules / name / "package.json"
        if not manifest.is_file():
            raise BuildError(f"{name} is not installed: run `make build`, which installs it, or `npm ci` in web/.")
        installed = json.loads(manifest.read_text())["version"]
        if installed != wanted:
            raise BuildError(
                f"{name} is {installed}, but package-lock.json says {wanted}: run `npm ci --ignore-scripts` in web/."
            )


def _read(path: Path) -> bytes:
    try:
        return path.read_bytes()
    except OSError as error:
        raise BuildError(f"{path} cannot be read: delete web/node_modules and run `make build` again.") from error


def _zip_package(package: Path) -> bytes:
    paths: list[Path] = []
    for part in BROWSER_PARTS:
        path = package / part
        paths += sorted(path.rglob("*.py")) if path.is_dir() else [path] if path.is_file() else []
    files = {path.relative_to(package.parent).as_posix(): path.read_bytes() for path in paths}
    return _zip((files | _segno()).items())


def _segno() -> Files:
    """The parts of segno that make QR codes, with its licence, which is to go with them."""
    try:
        listed = distribution("segno").files or []
    except PackageNotFoundError as error:
        raise BuildError("segno is not installed: run `make build`, which installs it.") from error
    wanted = {f"segno/{name}" for name in SEGNO_FILES}
    return {
        f"segno/{path.name}": path.read_binary()
        for path in listed
        if path.as_posix() in wanted or path.match("segno-*/licenses/LICENSE")
    }


def _zip(members: Iterable[tuple[str, bytes]]) -> bytes:
    """A stored zip that is the same for the same content, whatever the clock says."""
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", zipfile.ZIP_STORED) as target:
        for name, content in members:
            target.writestr(zipfile.ZipInfo(name), content)
    return buffer.getvalue()


def _without_packages(lock: bytes) -> bytes:
    """Pyodide reads its list of installable packages at every start; here nothing is installed, so it is empty."""
    return json.dumps({**json.loads(lock), "packages": {}}).encode()


def _substitute(files: Files, tokens: Mapping[str, str]) -> Files:
    def replace(name: str, content: bytes) -> bytes:
        if Path(name).suffix in TEXT_SUFFIXES:
            for token, value in tokens.items():
                content = content.replace(token.encode(), value.encode())
        return content

    return {name: replace(name, content) for name, content in files.items()}


def _digest(files: Files, length: int = 12) -> str:
    total = hashlib.sha256()
    for name, content in sorted(files.items()):
        total.update(f"{name}\0{len(content)}\0".encode())
        total.update(content)
    return total.hexdigest()[:length]


def _write(files: Files, out: Path) -> None:
    """Write the files with their compressed forms beside them, then put the whole in the place of the old one."""
    out.parent.mkdir(parents=True, exist_ok=True)
    fresh = Path(tempfile.mkdtemp(prefix=f"{out.name}.", dir=out.parent))
    try:
        for name, content in (files | _compress(files, out.parent / "cache")).items():
            path = fresh / name
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_bytes(content)
        fresh.chmod(0o755)
        if out.exists():
            shutil.rmtree(out)
        fresh.rename(out)
    finally:
        shutil.rmtree(fresh, ignore_errors=True)


def _compress(files: Files, cache: Path) -> Files:
    """The .br and .gz forms that are worth sending; the cache keeps those of this build only."""
    cache.mkdir(parents=True, exist_ok=True)
    jobs = [(name, content, suffix) for name, content in files.items() for suffix in (".br", ".gz")]
    # The largest first, so that no worker is left with it at the end. Both compressors let go of the GIL.
    jobs.sort(key=lambda job: len(job[1]), reverse=True)
    with ThreadPoolExecutor(os.cpu_count()) as pool:
        results = pool.map(lambda job: _compress_one(job[1], job[2], cache), jobs)
        done = list(zip(jobs, results, strict=True))
    kept = {path for _, (path, _) in done}
    for stale in set(cache.iterdir()) - kept:
        stale.unlink()
    return {
        name + suffix: compressed
        for (name, content, suffix), (_, compressed) in done
        if len(compressed) <= WORTH_IT * len(content)
    }


def _compress_one(content: bytes, suffix: str, cache: Path) -> tuple[Path, bytes]:
    path = cache / f"{hashlib.sha256(content).hexdigest()}{suffix}"
    if path.is_file():
        return path, path.read_bytes()
    if suffix == ".br":
        compressed = bytes(brotli.compress(content, quality=BROTLI_QUALITY, lgwin=BROTLI_WINDOW))
    else:
        compressed = gzip.compress(content, 9, mtime=0)
    partial = path.with_name(f"{path.name}.{os.getpid()}")
    partial.write_bytes(compressed)
    partial.rename(path)
    return path, compressed


def _wire_bytes(out: Path, files: Files, other_pages: set[str]) -> int:
    def size(name: str) -> int:
        compressed = out / f"{name}.br"
        return (compressed if compressed.is_file() else out / name).stat().st_size

    return sum(size(name) for name in files if name not in other_pages)


def main(arguments: list[str] | None = None) -> int:
    """Build the site of this checkout; 0 when it is there, 1 with one sentence when it cannot be built."""
    parser = argparse.ArgumentParser(prog="python -m pychat.server.site", description="Build the web site.")
    parser.add_argument("--web", type=Path, default=ROOT / "web")
    parser.add_argument("--package", type=Path, default=ROOT / "pychat")
    parser.add_argument("--out", type=Path, default=ROOT / "build" / "site")
    options = parser.parse_args(arguments)
    if not options.out.is_dir():
        print("Building the site; the first time this takes up to a minute …", flush=True)
    try:
        site = build_site(options.web, options.package, options.out)
    except BuildError as error:
        print(f"pychat: {error}", file=sys.stderr)
        return 1
    if site.changed:
        print(f"Built {os.path.relpath(site.path)}: a first visit transfers {site.wire_bytes / 1e6:.1f} MB.")
    return 0


if __name__ == "__main__":
    sys.exit(main())
