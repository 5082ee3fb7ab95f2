"""pychat as it is installed: the wheel, in an empty virtual environment far from the checkout, run as a person does."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
import urllib.request
import venv
import zipfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from pychat.core.codes import invite
from pychat.core.errors import CodeError
from pychat.site.build import Site, build_site
from pychat.site.snapshot import BuildError

ROOT = Path(__file__).resolve().parents[1]
READY = "pychat is ready: "
SECONDS = 60  # far more than anything here takes; only so that what hangs does not hang the tests

pytestmark = pytest.mark.slow


@pytest.fixture(scope="session")
def site() -> Site:
    """The built site, made anew when it is not up to date."""
    try:
        return build_site(ROOT / "web", ROOT / "pychat", ROOT / "build" / "site")
    except BuildError as error:
        pytest.fail(str(error))


def run_hatchling(checkout: Path, out: Path) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "hatchling", "build", "--target", "wheel", "--directory", str(out)]
    return subprocess.run(command, cwd=checkout, capture_output=True, text=True)


def build_wheel(out: Path) -> Path:
    done = run_hatchling(ROOT, out)
    assert done.returncode == 0, done.stdout + done.stderr
    [wheel] = out.glob("*.whl")
    return wheel


@pytest.fixture(scope="session")
def wheel(site: Site, tmp_path_factory: pytest.TempPathFactory) -> Path:
    return build_wheel(tmp_path_factory.mktemp("wheel"))


class Installed:
    """A virtual environment with nothing but the wheel and what it asks for; commands know nothing of the checkout."""

    def __init__(self, folder: Path, wheel: Path) -> None:
        self._home = folder
        self._bin = folder / "venv" / "bin"
        venv.create(folder / "venv", symlinks=True)
        # pip takes hashes in constraints only where every requirement has one, and the wheel has none.
        constraints = folder / "constraints.txt"
        pins = re.findall(r"^\S+==[^\\\n]+", (ROOT / "requirements.txt").read_text(), re.MULTILINE)
        constraints.write_text("\n".join(pins))
        pip = [sys.executable, "-m", "pip", "--python", str(self._bin / "python"), "--quiet"]
        options = ("--no-compile", "--disable-pip-version-check", "--constraint", str(constraints))
        install = [*pip, "install", *options, str(wheel)]
        environment = {name: value for name, value in os.environ.items() if not name.startswith("PYTHON")}
        done = subprocess.run(install, cwd=folder, env=environment, capture_output=True, text=True)
        assert done.returncode == 0, done.stderr

    def start(self, *arguments: str) -> subprocess.Popen[str]:
        """`pychat` with these arguments and an empty standard input."""
        return subprocess.Popen(
            [str(self._bin / "pychat"), *arguments],
            cwd=self._home,
            env={"PATH": os.defpath, "HOME": str(self._home), "LANG": "C.UTF-8"},
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )

    def run(self, *arguments: str) -> tuple[int, str, str]:
        """The exit status of `pychat` with these arguments, and what it said on standard output and standard error."""
        with self.start(*arguments) as process:
            try:
                out, err = process.communicate(timeout=SECONDS)
            finally:
                process.kill()
        return process.returncode, out, err


@pytest.fixture(scope="session")
def installed(wheel: Path, tmp_path_factory: pytest.TempPathFactory) -> Installed:
    return Installed(tmp_path_factory.mktemp("installed"), wheel)


@pytest.fixture
def server(installed: Installed) -> Iterator[str]:
    """The address of a running `pychat serve`."""
    with installed.start("serve", "--port", "0") as process:
        try:
            assert process.stdout
            assert process.stderr
            line = process.stdout.readline().strip()
            assert line.startswith(READY), line or process.stderr.read()
            yield line.removeprefix(READY)
        finally:
            process.kill()


def test_the_wheel_holds_the_site_and_what_runs_natively(wheel: Path, site: Site) -> None:
    with zipfile.ZipFile(wheel) as archive:
        held = {name.removeprefix("pychat/") for name in archive.namelist() if name.startswith("pychat/")}
        others = {name.partition("/")[0] for name in archive.namelist()} - {"pychat"}
    built = {f"static/{path.relative_to(site.path).as_posix()}" for path in site.path.rglob("*") if path.is_file()}
    package = {path.relative_to(ROOT / "pychat") for path in (ROOT / "pychat").rglob("*") if path.is_file()}
    sources = {path.as_posix() for path in package if path.parent.name != "__pycache__"}
    for_building = {name for name in sources if name.startswith("site/")}
    for_browsers = {name for name in sources if name.startswith("browser/")}
    assert held == built | sources - for_building - for_browsers
    assert {Path(name).suffix for name in others} == {".dist-info"}


def test_a_second_wheel_is_the_same_to_the_byte(wheel: Path, tmp_path: Path) -> None:
    assert build_wheel(tmp_path).read_bytes() == wheel.read_bytes()


def test_without_a_built_site_there_is_no_wheel_but_a_sentence(tmp_path: Path) -> None:
    for name in ("pyproject.toml", "README.md", "pychat/__init__.py", "pychat/site/wheel.py"):
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        shutil.copy(ROOT / name, tmp_path / name)
    done = run_hatchling(tmp_path, tmp_path / "build" / "wheel")
    assert done.returncode != 0
    assert done.stdout + done.stderr == "pychat: a wheel needs the built site: run `make wheel`, which builds both.\n"


def test_every_file_of_the_site_is_served_as_it_was_built(server: str, site: Site) -> None:
    built = {path.relative_to(site.path).as_posix(): path for path in site.path.rglob("*") if path.is_file()}
    pages = {name: path for name, path in built.items() if path.suffix not in {".br", ".gz"}}
    assert "index.html" in pages
    for name, path in {**pages, "": pages["index.html"]}.items():
        with urllib.request.urlopen(server + name, timeout=SECONDS) as answer:
            assert answer.read() == path.read_bytes(), name


def test_its_help_lists_what_it_can_do(installed: Installed) -> None:
    status, out, err = installed.run("--help")
    assert (status, err) == (0, "")
    assert out.startswith("usage: pychat ")
    for command in ("invite", "join", "serve"):
        assert re.search(rf"^ +{command}\b", out, re.MULTILINE), command


def test_the_help_of_serving_names_the_command(installed: Installed) -> None:
    status, out, _ = installed.run("serve", "--help")
    assert status == 0
    assert out.startswith("usage: pychat serve [")


def test_an_invite_that_nobody_answers_ends_with_a_sentence(installed: Installed) -> None:
    status, out, err = installed.run("invite")
    assert status > 0
    assert out == ""
    assert any(is_invite(line) for line in err.splitlines()), err
    assert err.splitlines()[-1].endswith("."), err
    assert "Traceback" not in err


def is_invite(line: str) -> bool:
    try:
        return not invite.decode(line).is_reply
    except CodeError:
        return False
