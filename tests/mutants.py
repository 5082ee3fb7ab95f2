"""Which checks have no test: takes each out in turn, and sees whether a test fails.

    python -m tests.mutants [NAME …]

A check is a `raise` of an error, or a guard: an `if` that ends with leaving its function, with False or nothing at all,
or with going on with the next one. NAME is a part of such a name as `pychat/core/services/room.py Room._take`; without
any, all of PLACES are taken. Each place's tests run once to find out which of them come to which check; without the
check only those can fail, so only they are run again. What survives is listed, with the status 1.
"""

from __future__ import annotations

import ast
import os
import shutil
import subprocess
import sys
import tempfile
from collections import defaultdict
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from queue import SimpleQueue

ROOT = Path(__file__).resolve().parents[1]
AT_ONCE = 2
SECONDS = 300
"""Of a run without a check: what takes longer waits for ever, which is as good as a failure."""
MOST = 400
"""Tests that are named one by one; of more their files are."""

# Where the checks are of what others do, with the tests that are to notice it when one is missing.
# The adapters of browsers run in pages, from a site that is built anew, so nobody notes who comes to them.
IN_PAGES = ("tests/browser/test_contracts.py", "tests/browser/test_restricted.py", "tests/browser/test_offline.py")
PLACES = {
    "pychat/core": ("tests/core", "tests/ui", "tests/test_vectors.py", "tests/test_attacks.py"),
    "pychat/server": ("tests/server",),
    "pychat/native": ("tests/native", "tests/test_contracts.py", "tests/terminal"),
    "pychat/client.py": ("tests/test_client.py",),
    "pychat/driver.py": ("tests/test_driver.py",),
    "pychat/startup.py": ("tests/test_client.py",),
    "pychat/browser/server.py": IN_PAGES,
    **{f"pychat/browser/ports/{name}.py": IN_PAGES for name in ("crypto", "peer", "relay", "store", "tabs")},
}
# What starts the commands is no business of others.
NOT_OTHERS = {"export.py", "cli.py", "config.py", "checksums.py"}
KEPT = (".venv", "web/node_modules")
HITS = "hits.txt"

# Notes, in the copy, which test comes to which check; in a process that a test has started it is known only by then.
RECORDER = """
import os, threading
from contextlib import suppress
from pathlib import Path
_seen, _lock = set(), threading.Lock()
_main = os.environ.setdefault("MUTANTS_MAIN", str(os.getpid())) == str(os.getpid())

def hit(number):
    test, _, phase = os.environ.get("PYTEST_CURRENT_TEST", "").rpartition(" ")
    if not _main or phase == "(setup)":
        test = test.partition("::")[0]
    with _lock, suppress(OSError):  # a test may leave no files to be opened
        if (number, test) not in _seen:
            with Path(__file__).with_name("@HITS@").open("a") as file:
                file.write(f"{number} {test}\\n")
            _seen.add((number, test))
"""


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


def noted(source: str, numbers: dict[Check, int]) -> str:
    """The source with a note before each of these checks that somebody has come there."""
    lines = source.encode().splitlines(keepends=True)
    for check in sorted(numbers, key=lambda check: (check.line, check.column), reverse=True):
        line, note = lines[check.line - 1], f"__import__('recorder').hit({numbers[check]}); ".encode()
        lines[check.line - 1] = line[: check.column] + note + line[check.column :]
    return b"".join(lines).decode()


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


def place_of(check: Check) -> str:
    return next(place for place in PLACES if check.file.startswith(place))


def who_comes(place: str, there: list[Check], copy: Path) -> dict[Check, list[str]]:
    """For each check the tests that come to it.

    Raises:
        AssertionError: a test fails although all checks are in place; such tests would find everything.
    """
    if PLACES[place] is IN_PAGES:
        return {check: list(IN_PAGES) for check in there}
    numbers = {check: number for number, check in enumerate(there)}
    sources = {check.file: (copy / check.file).read_text(encoding="utf-8") for check in there}
    for file, source in sources.items():
        here = {check: number for check, number in numbers.items() if check.file == file}
        (copy / file).write_text(noted(source, here), encoding="utf-8")
    (copy / "recorder.py").write_text(RECORDER.replace("@HITS@", HITS), encoding="utf-8")
    hits = copy / HITS
    hits.write_text("", encoding="utf-8")
    try:
        output = _run(copy, list(PLACES[place]), None)
        assert output is None, f"{place}: a test fails with all checks in place\n{output}"
        lines = hits.read_text(encoding="utf-8").splitlines()
    finally:
        for file, source in sources.items():
            (copy / file).write_text(source, encoding="utf-8")
    found: dict[int, set[str]] = defaultdict(set)
    for number, _, test in (line.partition(" ") for line in lines):
        found[int(number)].add(test)
    return {check: _fewer(place, found[number]) for check, number in numbers.items()}


def _fewer(place: str, tests: set[str]) -> list[str]:
    """The same tests, with files in the place of all those in them where there are many."""
    if "" in tests:  # somebody comes there while the tests are being found
        return list(PLACES[place])
    files = {test.partition("::")[0] for test in tests} if len(tests) > MOST else {t for t in tests if "::" not in t}
    return sorted(files) + sorted(test for test in tests if test.partition("::")[0] not in files)


def survives(check: Check, tests: list[str], copy: Path) -> bool:
    """Whether these tests pass in a copy of the tree without this check."""
    if not tests:
        return True
    file = copy / check.file
    source = file.read_text(encoding="utf-8")
    file.write_text(check.without(source), encoding="utf-8")
    try:
        return _run(copy, tests, SECONDS) is None
    finally:
        file.write_text(source, encoding="utf-8")


def _run(copy: Path, tests: list[str], seconds: float | None) -> str | None:
    """Run tests in a copy; None if all pass, else the end of what they said."""
    command = [sys.executable, "-m", "pytest", "-x", "-q", "-n0", "-p", "no:cacheprovider", *tests]
    environment = {**os.environ, "PYTHONDONTWRITEBYTECODE": "1", "PYTHONPATH": str(copy)}
    with (copy / "output.txt").open("w+") as output:
        process = subprocess.Popen(
            command, cwd=copy, env=environment, stdout=output, stderr=output, start_new_session=True
        )
        try:
            passed = process.wait(seconds) == 0
        except subprocess.TimeoutExpired:
            passed = False
        finally:
            if process.poll() is None:
                os.killpg(process.pid, 9)
                process.wait()
        output.seek(0)
        return None if passed else output.read()[-3000:]


def copied(folder: Path) -> Path:
    """A copy of the tree, with links to what is large and stays the same."""
    ignored = shutil.ignore_patterns(".git", ".venv", "__pycache__", "node_modules", ".*_cache")
    shutil.copytree(ROOT, folder, ignore=ignored)
    for name in KEPT:
        (folder / name).symlink_to((ROOT / name).resolve())
    return folder


def main(names: list[str]) -> int:
    wanted = [
        check for check in checks() if not names or any(name in f"{check.file} {check.function}" for name in names)
    ]
    survivors = []
    with tempfile.TemporaryDirectory() as folder, ThreadPoolExecutor(AT_ONCE) as workers:
        copies: SimpleQueue[Path] = SimpleQueue()
        for number in range(AT_ONCE):
            copies.put(copied(Path(folder, str(number))))

        def note(place: str) -> dict[Check, list[str]]:
            with _one_of(copies) as copy:
                return who_comes(place, [check for check in wanted if place_of(check) == place], copy)

        def run(check: Check) -> bool:
            with _one_of(copies) as copy:
                return survives(check, tests[check], copy)

        tests: dict[Check, list[str]] = {}
        for noted_there in workers.map(note, dict.fromkeys(map(place_of, wanted))):
            tests.update(noted_there)
        for check, survived in zip(wanted, workers.map(run, wanted), strict=True):
            how = "found" if not survived else "SURVIVED" if tests[check] else "NO TEST"
            print(f"{how:8}  {check}", flush=True)
            survivors += [check] * survived
    print(f"{len(wanted)} checks taken out, {len(survivors)} not missed")
    return 1 if survivors else 0


@contextmanager
def _one_of(copies: SimpleQueue[Path]) -> Iterator[Path]:
    copy = copies.get()
    try:
        yield copy
    finally:
        copies.put(copy)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
