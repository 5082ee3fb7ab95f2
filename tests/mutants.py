"""Which checks have no test: takes each out in turn, and sees whether a test fails.

    python -m tests.mutants [--own] [NAME …]

A check is a `raise` of an error, or a guard: an `if` that ends with leaving its function, with False or nothing at all,
or with going on with the next one. NAME is a part of such a name as `pychat/core/meeting.py Meeting._take`; without
any, all of PLACES are taken. The tests of a file run first, then those of its neighbours; what survives them is listed,
with the status 1. `--own` is for a quick look: only the tests of a file itself, so what survives may still be found by
others, or have no tests of its own.
"""

from __future__ import annotations

import ast
import os
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from queue import SimpleQueue
from threading import Lock
from time import monotonic

ROOT = Path(__file__).resolve().parents[1]
AT_ONCE = 2
TIMES, SECONDS = 5, 60
"""A run that takes so many times as long as with all checks in place, and so much more, waits for ever: it failed."""

# Where the checks are of what others do, with the tests that are to notice it when one is missing.
PLACES = {
    "pychat/core": ("tests/core", "tests/test_vectors.py", "tests/test_attacks.py"),
    "pychat/server": ("tests/server",),
    "pychat/native": ("tests/native", "tests/test_contracts.py"),
    "pychat/library.py": ("tests/test_library.py",),
    "pychat/driver.py": ("tests/test_driver.py",),
}
# What builds the site and starts the command is no business of others.
NOT_OTHERS = {"site.py", "wheel.py", "memory.py", "export.py", "cli.py", "config.py", "sums.py"}
KEPT = ("build", ".venv", "web/node_modules")


@dataclass(frozen=True)
class Check:
    """A statement that can be taken out; columns are those of the encoded line."""

    file: str
    function: str
    line: int
    column: int
    end_line: int
    end_column: int
    text: str

    def __str__(self) -> str:
        return f"{self.file}:{self.line} {self.function}: {self.text}"

    def without(self, source: str) -> str:
        """The source with `pass` in its place; all lines keep their numbers."""
        lines = source.encode().splitlines(keepends=True)
        before, after = lines[self.line - 1][: self.column], lines[self.end_line - 1][self.end_column :]
        gone = self.end_line - self.line
        return b"".join(
            [*lines[: self.line - 1], before, b"pass", after, b"\n" * gone, *lines[self.end_line :]]
        ).decode()


def checks() -> list[Check]:
    """All there are, in the order of PLACES."""
    found: list[Check] = []
    for place in PLACES:
        path = ROOT / place
        for file in sorted(path.rglob("*.py")) if path.is_dir() else [path]:
            if file.name not in NOT_OTHERS:
                found += _checks_of(file.relative_to(ROOT).as_posix(), file.read_text(encoding="utf-8"))
    return found


def _checks_of(file: str, source: str) -> Iterator[Check]:
    for function, statement in _statements(ast.parse(source), ""):
        taken = _to_take_out(statement)
        if taken is not None:
            assert taken.end_lineno is not None
            assert taken.end_col_offset is not None
            text = " ".join(ast.unparse(statement).split())
            yield Check(file, function, taken.lineno, taken.col_offset, taken.end_lineno, taken.end_col_offset, text)


def _statements(node: ast.AST, function: str) -> Iterator[tuple[str, ast.stmt]]:
    for child in ast.iter_child_nodes(node):
        name = function
        if isinstance(child, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef):
            name = f"{function}.{child.name}".removeprefix(".")
        if isinstance(child, ast.stmt):
            yield function, child
        yield from _statements(child, name)


def _to_take_out(statement: ast.stmt) -> ast.stmt | None:
    """The error that is raised, or the end of a guard."""
    match statement:
        case ast.Raise(exc=ast.expr()):
            return statement
        case ast.If(body=[*_, ast.Return(value=None) | ast.Continue() as end], orelse=[]):
            return end
        case ast.If(body=[*_, ast.Return(value=ast.expr() as value) as end], orelse=[]) if _is_nothing(value):
            return end
    return None


def _is_nothing(value: ast.expr) -> bool:
    match value:
        case ast.Constant():
            return not value.value
        case ast.List() | ast.Tuple():
            return not value.elts
    return False


def tests_of(check: Check, *, own: bool) -> Iterator[list[str]]:
    """What to run, one after the other until something fails: the tests of the file, then those of its place."""
    place = next(place for place in PLACES if check.file.startswith(place))
    file = f"{PLACES[place][0]}/test_{Path(check.file).name}"
    if (ROOT / file).is_file():
        yield [file]
    if not own:
        yield list(PLACES[place])


def survives(check: Check, copy: Path, *, own: bool) -> bool:
    """Whether all tests pass in a copy of the tree without this check."""
    file = copy / check.file
    source = file.read_text(encoding="utf-8")
    for tests in tests_of(check, own=own):
        seconds = _seconds_of(copy, tests)
        file.write_text(check.without(source), encoding="utf-8")
        try:
            if not _pass(copy, tests, TIMES * seconds + SECONDS):
                return False
        finally:
            file.write_text(source, encoding="utf-8")
    return True


_takes: dict[str, float] = {}
_first = Lock()


def _seconds_of(copy: Path, tests: list[str]) -> float:
    """How long these tests take with all checks in place. Tests that fail anyway would find everything."""
    name = " ".join(tests)
    with _first:
        if name not in _takes:
            begun = monotonic()
            if not _pass(copy, tests, None):
                raise AssertionError(f"{name}: fails with all checks in place")
            _takes[name] = monotonic() - begun
        return _takes[name]


def _pass(copy: Path, tests: list[str], seconds: float | None) -> bool:
    command = [sys.executable, "-m", "pytest", "-x", "-q", "-n0", "-p", "no:cacheprovider", "-m", "not browser", *tests]
    environment = {**os.environ, "PYTHONDONTWRITEBYTECODE": "1", "PYTHONPATH": str(copy)}
    process = subprocess.Popen(
        command, cwd=copy, env=environment, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, start_new_session=True
    )
    try:
        return process.wait(seconds) == 0
    except subprocess.TimeoutExpired:
        return False
    finally:
        if process.poll() is None:
            os.killpg(process.pid, 9)
            process.wait()


def copied(folder: Path) -> Path:
    """A copy of the tree, with links to what is large and stays the same."""
    ignored = shutil.ignore_patterns(".git", "__pycache__", "node_modules", ".*_cache", *KEPT[:2])
    shutil.copytree(ROOT, folder, ignore=ignored)
    for name in KEPT:
        (folder / name).symlink_to((ROOT / name).resolve())
    return folder


def main(arguments: list[str]) -> int:
    own = "--own" in arguments
    names = [name for name in arguments if name != "--own"]
    wanted = [
        check for check in checks() if not names or any(name in f"{check.file} {check.function}" for name in names)
    ]
    survivors = []
    with tempfile.TemporaryDirectory() as folder, ThreadPoolExecutor(AT_ONCE) as workers:
        copies: SimpleQueue[Path] = SimpleQueue()
        for number in range(AT_ONCE):
            copies.put(copied(Path(folder, str(number))))

        def run(check: Check) -> bool:
            copy = copies.get()
            try:
                return survives(check, copy, own=own)
            finally:
                copies.put(copy)

        for check, survived in zip(wanted, workers.map(run, wanted), strict=True):
            print(f"{'SURVIVED' if survived else 'found'}  {check}", flush=True)
            survivors += [check] * survived
    print(f"{len(wanted)} checks taken out, {len(survivors)} not missed")
    return 1 if survivors else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
