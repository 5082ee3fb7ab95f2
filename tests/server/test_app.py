"""What the server answers: which file, in which form, under which headers."""

import time
from collections.abc import Iterator
from pathlib import Path

import pytest
from starlette.testclient import TestClient

from pychat.server import files
from pychat.server.app import create_app
from pychat.server.config import Config
from pychat.server.files import SiteMissing, find_site
from pychat.server.headers import SECURITY_HEADERS
from pychat.site.build import Site
from tests.site.conftest import Checkout, write

NO_CODING = {"Accept-Encoding": "identity"}


@pytest.fixture
def client(site: Site) -> Iterator[TestClient]:
    with TestClient(create_app(site.path, Config())) as client:
        yield client


@pytest.mark.slow
def test_the_root_is_the_front_page(client: TestClient, site: Site) -> None:
    answer = client.get("/")
    assert answer.status_code == 200
    assert answer.headers["content-type"] == "text/html; charset=utf-8"
    assert answer.content == (site.path / "index.html").read_bytes()


@pytest.mark.slow
@pytest.mark.parametrize(
    ("name", "media_type"),
    [
        ("demo.html", "text/html; charset=utf-8"),
        ("SHA256SUMS", "text/plain; charset=utf-8"),
        ("sw.js", "text/javascript; charset=utf-8"),
        ("manifest.webmanifest", "application/manifest+json"),
        ("{app}/boot.js", "text/javascript; charset=utf-8"),
        ("{app}/start/chat.py", "text/x-python; charset=utf-8"),
        ("{app}/style.css", "text/css; charset=utf-8"),
        ("{app}/pyscript.json", "application/json"),
        ("{app}/pychat.zip", "application/zip"),
        ("{app}/icons/send.svg", "image/svg+xml"),
        ("{vendor}/pyodide/pyodide.mjs", "text/javascript; charset=utf-8"),
        ("{vendor}/pyodide/pyodide.asm.wasm", "application/wasm"),
    ],
)
def test_every_file_is_served_as_what_it_is(client: TestClient, site: Site, name: str, media_type: str) -> None:
    path = name.format(app=site.app, vendor=site.vendor)
    answer = client.get(f"/{path}")
    assert answer.headers["content-type"] == media_type
    assert answer.content == (site.path / path).read_bytes()


@pytest.mark.slow
@pytest.mark.parametrize(
    ("accepted", "coding"),
    [
        ("gzip, deflate, br, zstd", "br"),
        ("gzip, deflate", "gzip"),
        ("BR;q=1.0, gzip;q=0.5", "br"),
        ("br;q=0, gzip", "gzip"),
        ("br; q=0.0, gzip;q=0.000", None),
        ("identity", None),
        ("", None),
    ],
)
def test_the_best_form_that_the_browser_accepts_is_sent(client: TestClient, accepted: str, coding: str | None) -> None:
    answer = client.get("/demo.html", headers={"Accept-Encoding": accepted})
    assert answer.headers.get("content-encoding") == coding
    assert answer.headers["vary"] == "Accept-Encoding"
    assert "<title>demo</title>" in answer.text


@pytest.mark.slow
def test_a_large_file_arrives_whole(client: TestClient, checkout: Checkout) -> None:
    write(checkout.web / "large.html", bytes(range(256)) * 1000)
    app = create_app(checkout.build().path, Config())
    answer = TestClient(app).get("/large.html", headers=NO_CODING)
    assert answer.content == bytes(range(256)) * 1000
    assert answer.headers["content-length"] == "256000"


def test_compressed_forms_cannot_be_asked_for_by_name(client: TestClient) -> None:
    assert client.get("/demo.html.br").status_code == 404


def test_hashed_names_are_kept_for_ever_and_pages_are_asked_for_again(client: TestClient, site: Site) -> None:
    for_ever = "public, max-age=31536000, immutable"
    assert client.get(f"/{site.app}/boot.js").headers["cache-control"] == for_ever
    assert client.get(f"/{site.vendor}/pyscript/core.js").headers["cache-control"] == for_ever
    assert client.get("/").headers["cache-control"] == "no-cache"
    assert client.get("/config.json").headers["cache-control"] == "no-cache"
    assert client.get("/missing").headers["cache-control"] == "no-cache"


@pytest.mark.parametrize("condition", ["{etag}", "W/{etag}", '"other", {etag}', "*"])
def test_what_the_browser_has_already_is_not_sent_again(client: TestClient, condition: str) -> None:
    etag = client.get("/demo.html").headers["etag"]
    answer = client.get("/demo.html", headers={"If-None-Match": condition.format(etag=etag)})
    assert answer.status_code == 304
    assert answer.content == b""
    assert answer.headers["etag"] == etag
    assert answer.headers["vary"] == "Accept-Encoding"
    assert answer.headers["cache-control"] == "no-cache"


def test_each_form_has_a_strong_etag_of_its_own(client: TestClient) -> None:
    etags = {
        client.get("/demo.html", headers={"Accept-Encoding": coding}).headers["etag"] for coding in ("br", "gzip", "")
    }
    assert len(etags) == 3
    assert all(etag.startswith('"') for etag in etags)


def test_another_etag_gets_the_file(client: TestClient) -> None:
    assert client.get("/demo.html", headers={"If-None-Match": '"other"'}).status_code == 200


@pytest.mark.parametrize("path", ["/", "/demo.html", "/config.json"])
def test_head_gets_the_headers_of_get_and_no_body(client: TestClient, path: str) -> None:
    head, get = client.head(path), client.get(path)
    assert head.status_code == 200
    assert head.content == b""
    assert head.headers == get.headers


def test_security_headers_are_on_every_response(client: TestClient) -> None:
    etag = client.get("/").headers["etag"]
    for answer in (
        client.get("/"),
        client.get("/", headers={"If-None-Match": etag}),
        client.get("/config.json"),
        client.get("/missing"),
        client.post("/"),
    ):
        for name, value in SECURITY_HEADERS.items():
            assert answer.headers[name] == value


@pytest.mark.slow
@pytest.mark.parametrize(
    "path",
    [
        "/missing",
        "/%2e%2e/site.sha256",
        "/..%2fsite.sha256",
        "/%2e%2e%2f%2e%2e%2fweb%2f.hidden",
        "//etc/passwd",
        "/index.html/",
        "/demo.html%00",
        "/.hidden",
        "/app-000000000000/boot.js",
    ],
)
def test_what_is_not_in_the_site_is_not_found(client: TestClient, path: str) -> None:
    answer = client.get(path)
    assert answer.status_code == 404
    assert answer.text == "There is no such page here.\n"
    assert answer.headers["content-type"] == "text/plain; charset=utf-8"


CODE = "F1nZb_-c0de"


@pytest.mark.slow
@pytest.mark.parametrize(
    ("asked", "address"),
    [
        (f"/%23{CODE}", f"./#{CODE}"),
        (f"/%2523{CODE}", f"./#{CODE}"),
        (f"/%252523{CODE}", f"./#{CODE}"),
        (f"/%23{CODE}?fbclid=x", f"./#{CODE}"),
        (f"/?fbclid=x%23{CODE}", f"./#{CODE}"),
        (f"/?fbclid=x%2523{CODE}", f"./#{CODE}"),
        (f"/index.html%23{CODE}", f"./index.html#{CODE}"),
        (f"/demo.html%2523{CODE}", f"./demo.html#{CODE}"),
        (f"/%23{CODE}/", f"../#{CODE}/"),
        (f"/?%23{CODE}%0d%0aSet-Cookie:%20a", f"./#{CODE}%0D%0ASet-Cookie%3A%20a"),
        ("/%23%22%3e%c3%a9", "./#%22%3E%C3%A9"),
    ],
)
def test_a_link_whose_hash_was_encoded_leads_to_the_page(client: TestClient, asked: str, address: str) -> None:
    answer = client.get(asked, follow_redirects=False)
    assert (answer.status_code, answer.headers["location"]) == (302, address)
    assert answer.headers["cache-control"] == "no-store"
    assert answer.content == b""
    assert client.get(asked).headers["content-type"] == "text/html; charset=utf-8"


@pytest.mark.parametrize("asked", [f"/missing%23{CODE}", f"/a//elsewhere.example/%23{CODE}", "/%23", "/%25252523x"])
def test_another_encoded_hash_leads_nowhere(client: TestClient, asked: str) -> None:
    assert client.get(asked, follow_redirects=False).status_code == 404


@pytest.mark.parametrize("path", ["/", "/config.json", "/missing"])
@pytest.mark.parametrize("method", ["POST", "PUT", "DELETE", "OPTIONS"])
def test_files_are_only_given_out(client: TestClient, method: str, path: str) -> None:
    answer = client.request(method, path)
    assert answer.status_code == 405
    assert set(answer.headers["allow"].split(", ")) == {"GET", "HEAD"}


def test_the_page_is_told_that_the_operator_chose_nothing(client: TestClient) -> None:
    assert client.get("/config.json").json() == {"iceServers": None, "relay": True}


def test_the_page_is_told_of_the_operators_ice_servers(site: Site) -> None:
    config = Config.from_environment({"PYCHAT_STUN_URLS": "stun:one.example"})
    answer = TestClient(create_app(site.path, config)).get("/config.json")
    assert answer.json() == {"iceServers": [{"urls": ["stun:one.example"]}], "relay": True}


def test_the_page_is_told_of_a_turn_credential_made_for_it(site: Site) -> None:
    config = Config.from_environment({"PYCHAT_TURN_URLS": "turn:one.example", "PYCHAT_TURN_SECRET": "s3cret"})
    (server,) = TestClient(create_app(site.path, config)).get("/config.json").json()["iceServers"]
    assert time.time() < int(server["username"]) <= time.time() + 12 * 3600
    assert "s3cret" not in server.values()


@pytest.mark.slow
def test_what_an_installer_compiled_is_not_served(checkout: Checkout) -> None:
    site = checkout.build()
    write(site.path / site.app / "__pycache__" / "main.cpython-311.pyc", b"compiled")
    assert TestClient(create_app(site.path, Config())).get(f"/{site.app}/__pycache__/main.cpython-311.pyc").is_error


def test_the_site_of_a_checkout_is_where_the_build_puts_it() -> None:
    assert find_site() == Path(__file__).resolve().parents[2] / "build" / "site"


def test_the_site_of_an_installed_package_comes_first(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    write(tmp_path / "static" / "index.html", "installed")
    monkeypatch.setattr(files, "PACKAGE", tmp_path)
    assert find_site() == tmp_path / "static"


def test_a_site_that_is_not_built_cannot_be_served(tmp_path: Path) -> None:
    with pytest.raises(SiteMissing):
        create_app(tmp_path, Config())
