"""`pychat export`: what is in the folder, what never is, and what happens to a folder that something is in."""

from __future__ import annotations

import hashlib
import json
import os
import resource
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest
from starlette.testclient import TestClient

from pychat.server.app import create_app
from pychat.server.checksums import integrity
from pychat.server.config import Config
from pychat.server.export import exported
from pychat.server.headers import CONTENT_SECURITY_POLICY, SECURITY_HEADERS
from pychat.site.build import Site
from tests.site.conftest import Checkout, make_checkout, write

pytestmark = pytest.mark.slow

ROOT = Path(__file__).resolve().parents[2]
COMMAND = (
    "import sys; from pathlib import Path; from pychat.server import files; files.PACKAGE = Path(sys.argv.pop(1)); "
    "from pychat.__main__ import main; sys.exit(main())"
)
PAGE = """\
<!doctype html>
<html lang="en">
  <head>
    <meta charset="utf-8">
    <script type="module" src="@APP@/boot.js"></script>
"""
POLICY = '<meta http-equiv="Content-Security-Policy" content="'

Export = Callable[..., subprocess.CompletedProcess[str]]


@pytest.fixture(scope="module")
def checkout(tmp_path_factory: pytest.TempPathFactory) -> Checkout:
    checkout = make_checkout(tmp_path_factory.mktemp("checkout"))
    write(checkout.web / "index.html", PAGE)
    write(checkout.web / "demo.html", PAGE + "<p>text</p>\n" * 100)
    return checkout


@pytest.fixture(scope="module")
def site(checkout: Checkout) -> Site:
    return checkout.build()


@pytest.fixture
def export(site: Site) -> Export:
    """Runs the command as a person does: `export(folder, PYCHAT_STUN_URLS="…")`."""
    settings = {name: value for name, value in os.environ.items() if not name.startswith("PYCHAT_")}

    def run(folder: Path, *, file_bytes: int | None = None, **environment: str) -> subprocess.CompletedProcess[str]:
        def limit() -> None:
            if file_bytes is not None:
                resource.setrlimit(resource.RLIMIT_FSIZE, (file_bytes, file_bytes))

        return subprocess.run(
            # The built site is where a checkout with this package in it would have it.
            [sys.executable, "-c", COMMAND, str(site.path.parent.parent / "pychat"), "export", str(folder)],
            cwd=ROOT,
            env={**settings, **environment, "PYTHONDONTWRITEBYTECODE": "1"},
            preexec_fn=limit,
            capture_output=True,
            text=True,
        )

    return run


def content_of(folder: Path) -> dict[str, bytes]:
    return {path.relative_to(folder).as_posix(): path.read_bytes() for path in folder.rglob("*") if path.is_file()}


def test_every_file_of_the_site_is_in_it_by_the_same_name(export: Export, site: Site, tmp_path: Path) -> None:
    done = export(tmp_path / "out")
    assert (done.returncode, done.stderr) == (0, "")
    built, out = content_of(site.path), content_of(tmp_path / "out")
    pages = {"index.html", "demo.html"}
    changed = {*pages, "sw.js", "SHA256SUMS"}
    forms = {name + end for name in changed for end in (".br", ".gz")}
    assert set(out) == (set(built) - forms) | {"config.json", "_headers", ".pychat-export"}
    assert f"{site.app}/style.css.br" in out
    for name in set(built) - forms - changed:
        assert out[name] == built[name], name
    for name in pages:
        lines = out[name].splitlines()
        (policy,) = [line for line in lines if POLICY.encode() in line]
        lines.remove(policy)
        assert lines == built[name].splitlines()


@pytest.mark.parametrize("page", sorted((ROOT / "web").glob("*.html")), ids=lambda path: path.name)
def test_the_policy_comes_before_all_that_it_is_for(page: Path, tmp_path: Path) -> None:
    write(tmp_path / "index.html", page.read_bytes())
    write(tmp_path / "sw.js", "")
    before, found, after = exported(tmp_path, Config())["index.html"].decode().partition(POLICY)
    assert found
    assert not any(tag in before for tag in ("<script", "<link", "<style", "<body"))
    policy, _, _ = after.partition('"')
    assert f"{policy}; frame-ancestors 'none'" == CONTENT_SECURITY_POLICY


def test_what_lists_the_files_knows_the_pages_as_they_are_exported(site: Site) -> None:
    content = exported(site.path, Config())
    lines = content["SHA256SUMS"].decode().splitlines()
    listed = {name: digest for digest, _, name in (line.partition("  ") for line in lines)}
    assert listed == {name: hashlib.sha256(content[name]).hexdigest() for name in listed}
    assert {"index.html", "demo.html", "sw.js", f"{site.app}/boot.js"} <= listed.keys()
    for name in ("index.html", "demo.html"):
        before = integrity((site.path / name).read_bytes())
        assert before.encode() not in content["sw.js"]
        assert integrity(content[name]).encode() in content["sw.js"]


def test_a_page_that_could_be_left_without_a_policy_is_not_exported(tmp_path: Path) -> None:
    write(tmp_path / "index.html", "<!doctype html><script></script>")
    write(tmp_path / "sw.js", "")
    with pytest.raises(ValueError, match="page"):
        exported(tmp_path, Config())


def test_the_headers_of_the_app_are_in_a_file_for_hosts_that_heed_it(site: Site) -> None:
    headers: dict[str, dict[str, str]] = {}
    for line in exported(site.path, Config())["_headers"].decode().splitlines():
        if line.startswith("/"):
            headers[line] = {}
        else:
            name, _, value = line.strip().partition(": ")
            headers[list(headers)[-1]][name] = value
    assert headers["/*"] == SECURITY_HEADERS
    client = TestClient(create_app(site.path, Config()))
    for folder, name in ((site.app, "boot.js"), (site.vendor, "pyscript/core.js")):
        cache_control = client.get(f"/{folder}/{name}").headers["cache-control"]
        assert headers[f"/{folder}/*"] == {"Cache-Control": cache_control}
    assert len(headers) == 3


@pytest.mark.parametrize(
    "environment",
    [
        {},
        {"PYCHAT_STUN_URLS": ""},
        {"PYCHAT_STUN_URLS": "stun:one.example"},
        {
            "PYCHAT_STUN_URLS": "stun:one.example",
            "PYCHAT_TURN_URLS": "turn:one.example",
            "PYCHAT_TURN_USERNAME": "name",
            "PYCHAT_TURN_CREDENTIAL": "known to all",
        },
    ],
)
def test_the_page_is_told_what_the_app_would_tell_it_but_of_no_relay(
    export: Export, site: Site, tmp_path: Path, environment: dict[str, str]
) -> None:
    assert export(tmp_path / "out", **environment).stderr == ""
    told = TestClient(create_app(site.path, Config.from_environment(environment))).get("/config.json").json()
    assert told["relay"]
    assert json.loads((tmp_path / "out" / "config.json").read_text()) == {**told, "relay": False}


@pytest.mark.parametrize(
    ("stun", "servers", "sentence"),
    [
        ({"PYCHAT_STUN_URLS": "stun:one.example"}, [{"urls": ["stun:one.example"]}], "STUN servers stay"),
        ({}, [], "PYCHAT_STUN_URLS names no STUN server either"),
    ],
)
def test_what_expires_is_left_out_and_the_secret_goes_nowhere(
    export: Export, tmp_path: Path, stun: dict[str, str], servers: list[object], sentence: str
) -> None:
    done = export(tmp_path / "out", PYCHAT_TURN_URLS="turn:one.example", PYCHAT_TURN_SECRET="s3cret-of-coturn", **stun)
    assert done.returncode == 0
    assert done.stderr.startswith("pychat: TURN is left out")
    assert sentence in done.stderr
    out = content_of(tmp_path / "out")
    assert json.loads(out["config.json"]) == {"iceServers": servers, "relay": False}
    for text in (done.stdout.encode(), done.stderr.encode(), *out.values()):
        assert b"s3cret-of-coturn" not in text


def test_an_empty_folder_is_filled(export: Export, tmp_path: Path) -> None:
    (tmp_path / "out").mkdir()
    assert export(tmp_path / "out").returncode == 0
    assert (tmp_path / "out" / "index.html").is_file()


def test_an_earlier_export_is_replaced_with_all_its_names(export: Export, tmp_path: Path) -> None:
    export(tmp_path / "out")
    fresh = content_of(tmp_path / "out")
    write(tmp_path / "out" / "app-000000000000" / "main.py", "from an older version")
    with (tmp_path / "out" / ".pychat-export").open("a") as names:
        names.write("app-000000000000/main.py\n")
    assert export(tmp_path / "out").returncode == 0
    assert content_of(tmp_path / "out") == fresh
    assert [path.name for path in tmp_path.iterdir()] == ["out"]


@pytest.mark.parametrize("exported_before", [False, True])
def test_what_no_export_has_written_is_never_lost(export: Export, tmp_path: Path, exported_before: bool) -> None:
    if exported_before:
        export(tmp_path / "out")
    write(tmp_path / "out" / "notes" / "mine.txt", "not to be lost")
    before = content_of(tmp_path)
    done = export(tmp_path / "out")
    assert done.returncode == 2
    assert done.stderr.startswith(f"pychat: {tmp_path / 'out'} holds notes/mine.txt, which no export has written:")
    assert content_of(tmp_path) == before


def test_a_link_in_an_earlier_export_is_somebodys(export: Export, tmp_path: Path) -> None:
    export(tmp_path / "out")
    (tmp_path / "out" / "more").symlink_to(tmp_path)
    assert "holds more, which no export has written" in export(tmp_path / "out").stderr


def test_a_file_is_no_folder(export: Export, tmp_path: Path) -> None:
    write(tmp_path / "out", "a file")
    done = export(tmp_path / "out")
    assert done.returncode == 2
    assert done.stderr.startswith(f"pychat: {tmp_path / 'out'} is no folder")
    assert (tmp_path / "out").read_text() == "a file"


@pytest.mark.parametrize("exported_before", [False, True])
def test_one_that_fails_half_way_leaves_nothing_of_itself(
    export: Export, site: Site, tmp_path: Path, exported_before: bool
) -> None:
    if exported_before:
        export(tmp_path / "out")
    before = content_of(tmp_path)
    largest = max(path.stat().st_size for path in site.path.rglob("*") if path.is_file())
    done = export(tmp_path / "out", file_bytes=largest - 1)
    assert done.returncode == 1
    assert done.stderr == f"pychat: cannot write {tmp_path / 'out'}: File too large.\n"
    assert content_of(tmp_path) == before
    assert [path.name for path in tmp_path.iterdir()] == ["out"] * exported_before


def test_a_folder_that_cannot_be_made_is_said_in_one_sentence(export: Export, tmp_path: Path) -> None:
    done = export(tmp_path / "missing" / "out")
    assert done.returncode == 1
    assert done.stderr == f"pychat: cannot write {tmp_path / 'missing' / 'out'}: No such file or directory.\n"


def test_a_setting_that_cannot_be_used_is_said_in_one_sentence(export: Export, tmp_path: Path) -> None:
    done = export(tmp_path / "out", PYCHAT_STUN_URLS="stun://x")
    assert done.returncode == 2
    assert done.stderr.startswith("pychat: PYCHAT_STUN_URLS holds 'stun://x', which is no STUN address")
    assert not (tmp_path / "out").exists()


def test_without_a_built_site_there_is_a_sentence(tmp_path: Path) -> None:
    done = subprocess.run(
        [sys.executable, "-c", COMMAND, str(tmp_path / "pychat"), "export", str(tmp_path / "out")],
        cwd=ROOT,
        capture_output=True,
        text=True,
    )
    assert done.returncode == 1
    assert done.stderr.startswith(f"pychat: there is no built site in {tmp_path / 'build' / 'site'}: run `make build`")
    assert done.stderr.count("\n") == 1


def test_it_says_that_it_wants_an_origin_of_its_own(export: Export, tmp_path: Path) -> None:
    done = export(tmp_path / "out")
    assert (done.returncode, done.stderr) == (0, "")
    assert "Give it an origin of its own" in done.stdout
