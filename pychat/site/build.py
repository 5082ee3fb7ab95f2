"""The site: what a browser is given, put together from web/, the pychat package and node_modules.

    index.html, …          every page, asked for again at each visit
    sw.js                  the service worker, which knows what all the other files are
    SHA256SUMS             the same for people: what `sha256sum --check` reads
    app-<hash>/…           our own files, pychat.zip and memory.bin, Python's memory with all of that imported; the name
                           changes with the content, so caches keep them for ever
    vendor-<hash>/…        Pyodide, PyScript, hash-wasm, Pygments, emojibase and qr, likewise

Everything is first put together in memory, which takes a fraction of a second; what costs time is compressing, so
compressed files are kept in a cache by the hash of their content, and a site that would come out the same is left
alone.
"""

from __future__ import annotations

import ast
import gzip
import hashlib
import io
import json
import os
import shutil
import tempfile
import threading
import time
import zipfile
from collections.abc import Callable, Iterable, Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass
from functools import cache
from pathlib import Path

import brotli

from pychat.server.checksums import SERVICE_WORKER, SUMS, Files, integrity, with_sums
from pychat.site import libraries
from pychat.site.emoji import emoji_files
from pychat.site.snapshot import COMPILE, MADE_BY, MEMORY, BuildError, compile_python, make_memory

if os.name == "posix":
    import fcntl

ROOT = Path(__file__).resolve().parents[2]

# The parts of the package that run in a browser.
BROWSER_PARTS = (
    "__init__.py",
    "ports.py",
    "passphrase.py",
    "backup.py",
    "relay_channels.py",
    "driver.py",
    "startup.py",
    "core",
    "ui",
    "browser",
)

# What joins these for each page. A page's script only starts one.
COMPOSITION_ROOTS = ("main.py", "demo.py")

# What the page is made of that is not ours.
PACKAGES = ("pyodide", "@pyscript/core", "hash-wasm", "emojibase-data", "qr")

# What the browser asks for, and nothing more; editors, terminals and MicroPython stay at home.
PYODIDE_FILES = ("pyodide.mjs", "pyodide-lock.json")
# The part of its WebAssembly that the page does not need until it can be used.
REST = "pyodide.rest.wasm"
# Written by precompile.mjs, which `make build` runs after npm. The library is not compressed inside: brotli over the
# whole does better than deflate in each member.
COMPILED_FILES = ("pyodide.asm.mjs", "pyodide.asm.wasm", REST, "python_stdlib.zip")
LIBRARY_FILES = {
    "hash-wasm": ("dist/argon2.umd.min.js", "LICENSE"),
    "qr": ("decode.js", "index.js", "LICENSE-MIT"),
}
PYSCRIPT_PATTERNS = ("core.js", "core-*.js", "error-*.js")

# What takes the time of a first visit: python.mjs counts how much of these has come.
LOADED_WITH_PROGRESS = ("pyodide.asm.wasm", REST, MEMORY)
# What a visit asks for only when the memory cannot be restored.
LOADED_ANEW = ("python_stdlib.zip", "pychat.zip")
# What a page asks for when it has a use for it; from then on it is there without a network, too.
PYGMENTS = "pygments.zip"
LOADED_LATER = (PYGMENTS, "emoji.txt", "decode.js", "index.js")

TEXT_SUFFIXES = {".html", ".css", ".js", ".mjs", ".json", ".webmanifest", ".py", ".svg", ".txt"}
NOT_SERVED = {"node_modules", "package.json", "package-lock.json", "__pycache__"}

# What comes with Pyodide is compressed once, but the memory at each change: quality 9 makes 3.2 MB of it in 8 seconds,
# 10 makes 2.9 in 25. The best, 11, makes 2.6 MB of the WebAssembly in 50 seconds, where 10 makes 2.7 in 25.
BROTLI_QUALITY = dict.fromkeys((MEMORY, *LOADED_ANEW), 9)
BROTLI_QUALITY_ELSE = 11
BROTLI_WINDOW = 24
GZIP_QUALITY = 9
WORTH_IT = 0.95
# The cache forgets what no build has used for so many seconds.
CACHE_AGE = 14 * 86400

# What is not in a folder that is named after its content.
TOP = ("*.html", "*.webmanifest")


@dataclass(frozen=True)
class Site:
    """A site that was built.

    `sizes` are those of the files that the progress bar counts, uncompressed and compressed with brotli; `wire_bytes`
    is all that a first visit to the front page transfers, compressed likewise.
    """

    path: Path
    app: str
    vendor: str
    sizes: Mapping[str, tuple[int, int]]
    wire_bytes: int
    changed: bool

    @property
    def load_bytes(self) -> int:
        """What the progress bar counts, uncompressed."""
        return sum(size for size, _ in self.sizes.values())


def build_site(
    web: Path,
    package: Path,
    out: Path,
    make_memory: Callable[[Path, bytes], bytes] = make_memory,
    compile_python: Callable[[Path, bytes], bytes] = compile_python,
) -> Site:
    """Build the site into `out`, atomically, unless it is there already. Two builds into one folder take turns.

    Raises:
        BuildError: something it is made of is missing or is not the pinned version.
    """
    with _exclusive(out):
        return _build_site(web, package, out, make_memory, compile_python)


@contextmanager
def _exclusive(out: Path) -> Iterator[None]:
    """Wait until no other process builds into `out`. Where the system has no locks of files nobody waits."""
    out.parent.mkdir(parents=True, exist_ok=True)
    with out.with_name(f"{out.name}.lock").open("w") as lock:
        if os.name == "posix":
            fcntl.flock(lock, fcntl.LOCK_EX)
        yield


def _build_site(
    web: Path,
    package: Path,
    out: Path,
    make_memory: Callable[[Path, bytes], bytes],
    compile_python: Callable[[Path, bytes], bytes],
) -> Site:
    cache, modules = out.parent / "cache", web / "node_modules"
    vendor_files = _vendor(web)
    vendor_files[f"pygments/{PYGMENTS}"] = _pygments(
        vendor_files, cache, lambda zipped: compile_python(modules, zipped)
    )
    vendor = f"vendor-{_digest(vendor_files)}"
    app_files = _app(web, package)
    app_files[MEMORY] = _memory(app_files["pychat.zip"], vendor, cache, lambda app: make_memory(modules, app))
    sizes = {
        name.rpartition("/")[2]: (len(content), _wire_size(cache, name, content))
        for name, content in (vendor_files | app_files).items()
        if name.rpartition("/")[2] in LOADED_WITH_PROGRESS
    }
    tokens = {
        "@VENDOR@": vendor,
        "@LOAD_BYTES@": str(sum(size for size, _ in sizes.values())),
        '"@SIZES@"': json.dumps(sizes, sort_keys=True),
        "@PYODIDE_VERSION@": _locked(web)["pyodide"],
        "@REST_INTEGRITY@": integrity(vendor_files[f"pyodide/{REST}"]),
    }
    app_files = _substitute(app_files, tokens)
    app = f"app-{_digest(app_files)}"
    tokens["@APP@"] = app
    pages = _substitute(_pages(web), tokens)
    app_files = _substitute(app_files, tokens)

    files = dict(pages)
    files.update({f"{app}/{name}": content for name, content in app_files.items()})
    files.update({f"{vendor}/{name}": content for name, content in vendor_files.items()})
    files = with_sums(files | {SERVICE_WORKER: _service_worker(web, files)})

    stamp = out.with_name(f"{out.name}.sha256")
    digest = _digest(files, length=64)
    changed = not (out.is_dir() and stamp.is_file() and stamp.read_text() == digest)
    if changed:
        stamp.unlink(missing_ok=True)
        _write(files, out, cache)
        stamp.write_text(digest)
    wire_bytes = _wire_bytes(out, files, {SUMS, *pages} - {"index.html", "manifest.webmanifest"})
    return Site(out, app, vendor, sizes, wire_bytes, changed)


def _pages(web: Path) -> Files:
    """What has a name of its own at the top of the site."""
    paths = [path for pattern in TOP for path in sorted(web.glob(pattern))]
    return {path.name: path.read_bytes() for path in paths}


def _service_worker(web: Path, files: Files) -> bytes:
    """sw.js, with what each file has to be."""
    kept = {name: integrity(files[name]) for name in files if name.rpartition("/")[2] not in LOADED_ANEW}
    later = sorted(name for name in kept if name.rpartition("/")[2] in LOADED_LATER)
    tokens = {
        "@BUILD@": _digest(files),
        '"@FILES@"': json.dumps(kept, indent=2, sort_keys=True),
        '"@LATER@"': json.dumps(later),
    }
    return _substitute({SERVICE_WORKER: _read(web / SERVICE_WORKER)}, tokens)[SERVICE_WORKER]


def _memory(app: bytes, vendor: str, cache: Path, make: Callable[[bytes], bytes]) -> bytes:
    """What Python's memory is, rebuilt only when what it is made of has changed."""
    parts = (app, vendor.encode(), *(path.read_bytes() for path in MADE_BY))
    digest = hashlib.sha256(b"\0".join(parts)).hexdigest()
    return _cached(cache / f"{digest}.memory", lambda: make(app))


def _pygments(vendor_files: Files, cache: Path, make: Callable[[bytes], bytes]) -> bytes:
    """What colours code, compiled anew only when Pygments, Pyodide or what compiles it has changed."""
    zipped = _zip(libraries.pygments().items())
    parts = (zipped, vendor_files["pyodide/pyodide.asm.wasm"], COMPILE.read_bytes())
    digest = hashlib.sha256(b"\0".join(hashlib.sha256(part).digest() for part in parts)).hexdigest()
    return _cached(cache / f"{digest}.compiled", lambda: make(zipped))


def _app(web: Path, package: Path) -> Files:
    files = {"pychat.zip": zip_package(web, package), "empty.zip": _zip([])}
    for path in sorted(web.rglob("*")):
        name = path.relative_to(web)
        hidden = any(part.startswith(".") or part in NOT_SERVED for part in name.parts)
        elsewhere = path.parent == web and (
            path.name in {SERVICE_WORKER, *COMPOSITION_ROOTS} or any(path.match(pattern) for pattern in TOP)
        )
        if path.is_file() and not hidden and not elsewhere:
            files[name.as_posix()] = path.read_bytes()
    return files


def _vendor(web: Path) -> Files:
    modules = web / "node_modules"
    _check_versions(_locked(web), modules)
    pyodide = modules / "pyodide"
    files = {f"pyodide/{name}": _read(pyodide / name) for name in PYODIDE_FILES}
    files |= {f"pyodide/{name}": _read(modules / ".compiled" / name) for name in COMPILED_FILES}
    files["pyodide/pyodide-lock.json"] = _without_packages(files["pyodide/pyodide-lock.json"])
    for library, names in LIBRARY_FILES.items():
        for name in names:
            files[f"{library}/{name.rpartition('/')[2]}"] = _read(modules / library / name)
    files |= emoji_files(modules)
    pyscript = modules / "@pyscript" / "core" / "dist"
    for pattern in PYSCRIPT_PATTERNS:
        found = sorted(pyscript.glob(pattern))
        if not found:
            raise BuildError(f"PyScript has no file {pattern}: delete web/node_modules and run `make build` again.")
        files.update({f"pyscript/{path.name}": path.read_bytes() for path in found})
    return files


def _locked(web: Path) -> dict[str, str]:
    """The versions that package-lock.json wants."""
    lock = web / "package-lock.json"
    try:
        packages = json.loads(lock.read_text())["packages"]
        return {name: packages[f"node_modules/{name}"]["version"] for name in PACKAGES}
    except (OSError, ValueError, KeyError) as error:
        raise BuildError(f"{lock} cannot be read: {error}") from error


def _check_versions(locked: Mapping[str, str], modules: Path) -> None:
    for name, wanted in locked.items():
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


def zip_package(web: Path, package: Path) -> bytes:
    """The package, and beside it the composition roots of the pages."""
    paths: list[Path] = []
    for part in BROWSER_PARTS:
        path = package / part
        paths += sorted(path.rglob("*.py")) if path.is_dir() else [path] if path.is_file() else []
    files = {path.relative_to(package.parent).as_posix(): path.read_bytes() for path in paths}
    roots = {name: _read(web / name) for name in COMPOSITION_ROOTS}
    bare = {
        name: _bare(source) if name.endswith(".py") else source
        for name, source in (files | roots | libraries.markdown_it()).items()
    }
    return _zip((bare | libraries.segno()).items())


@cache
def _bare(source: bytes) -> bytes:
    return without_docstrings(without_annotations(source))


def without_annotations(source: bytes) -> bytes:
    """Python source without the annotations of its functions: in memory each is a function that makes them.

    Those of classes stay, for they are what a dataclass is made of, and so do those that are longer than a line.
    """
    lines = source.splitlines(keepends=True)
    cuts: list[tuple[int, int, int]] = []  # line, from its beginning in bytes, and up to there
    for node in ast.walk(ast.parse(source)):
        match node:
            case ast.arg(annotation=ast.expr() as what):
                begin = node.col_offset + len(node.arg.encode())
            case ast.FunctionDef(returns=ast.expr() as what) | ast.AsyncFunctionDef(returns=ast.expr() as what):
                begin = lines[what.lineno - 1].rindex(b"->", 0, what.col_offset)
            case _:
                continue
        if what.lineno == what.end_lineno:
            cuts.append((what.lineno - 1, begin, what.end_col_offset or 0))
    for number, begin, end in sorted(cuts, reverse=True):
        lines[number] = lines[number][:begin] + lines[number][end:]
    return b"".join(lines)


def without_docstrings(source: bytes) -> bytes:
    """Python source without its docstrings, which a page has no use for; each line keeps its number.

    A class keeps a docstring of one space: one that has none is given one by `dataclass`. And so does a module, for
    nothing else may stand before what it imports from `__future__`.
    """
    lines = source.splitlines(keepends=True)
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.Module | ast.ClassDef | ast.FunctionDef | ast.AsyncFunctionDef):
            match node.body:
                case [ast.Expr(ast.Constant(str()), lineno=first, end_lineno=int(last), col_offset=indent), *_]:
                    rest = lines[last - 1][node.body[0].end_col_offset or 0 :]
                    bare = b'" "' if isinstance(node, ast.ClassDef | ast.Module) else b"pass"
                    lines[first - 1 : last] = [b" " * indent + bare + (b"\n" * (last - first)) + rest]
                    lines[first:first] = [b""] * (last - first)  # the numbers of the others stay
    return b"".join(lines)


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


def _write(files: Files, out: Path, cache: Path) -> None:
    """Write the files with their compressed forms beside them, then put the whole in the place of the old one."""
    fresh = Path(tempfile.mkdtemp(prefix=f"{out.name}.", dir=out.parent))
    try:
        for name, content in (files | _compress(files, cache)).items():
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
    """The .br and .gz forms that are worth sending."""
    jobs = [(name, content, suffix) for name, content in files.items() for suffix in (".br", ".gz")]
    # The largest first, so that no worker is left with it at the end. Both compressors let go of the GIL.
    jobs.sort(key=lambda job: len(job[1]), reverse=True)
    with ThreadPoolExecutor(os.cpu_count()) as pool:
        done = list(zip(jobs, pool.map(lambda job: _compress_one(cache, *job), jobs), strict=True))
    for stale in cache.iterdir():
        if stale.stat().st_mtime < time.time() - CACHE_AGE:
            stale.unlink(missing_ok=True)
    return {
        name + suffix: compressed
        for (name, content, suffix), compressed in done
        if len(compressed) <= WORTH_IT * len(content)
    }


def _wire_size(cache: Path, name: str, content: bytes) -> int:
    """How many bytes of a file cross the wire with brotli, which every browser takes over https."""
    compressed = len(_compress_one(cache, name, content, ".br"))
    return compressed if compressed <= WORTH_IT * len(content) else len(content)


def _compress_one(cache: Path, name: str, content: bytes, suffix: str) -> bytes:
    is_brotli = suffix == ".br"
    quality = BROTLI_QUALITY.get(name.rpartition("/")[2], BROTLI_QUALITY_ELSE) if is_brotli else GZIP_QUALITY

    def compress() -> bytes:
        if is_brotli:
            return bytes(brotli.compress(content, quality=quality, lgwin=BROTLI_WINDOW))
        return gzip.compress(content, quality, mtime=0)

    return _cached(cache / f"{hashlib.sha256(content).hexdigest()}.{quality}{suffix}", compress)


def _cached(path: Path, make: Callable[[], bytes]) -> bytes:
    """The content of a file in the cache, made when it is not there."""
    if path.is_file():
        path.touch()
        return path.read_bytes()
    content = make()
    path.parent.mkdir(parents=True, exist_ok=True)
    partial = path.with_name(f"{path.name}.{os.getpid()}.{threading.get_ident()}")
    partial.write_bytes(content)
    partial.rename(path)
    return content


def _wire_bytes(out: Path, files: Files, other_pages: set[str]) -> int:
    def size(name: str) -> int:
        compressed = out / f"{name}.br"
        return (compressed if compressed.is_file() else out / name).stat().st_size

    asked_for_later = (*LOADED_ANEW, *LOADED_LATER)
    return sum(
        size(name) for name in files if name not in other_pages and name.rpartition("/")[2] not in asked_for_later
    )
