"""`python -m pychat.site` builds the site of this checkout; `make build` runs it."""

from __future__ import annotations

import argparse
import os
import sys
from pathlib import Path

from pychat.site.build import ROOT, build_site
from pychat.site.snapshot import BuildError


def main(arguments: list[str] | None = None) -> int:
    """Build the site of this checkout; 0 when it is there, 1 with one sentence when it cannot be built."""
    parser = argparse.ArgumentParser(prog="python -m pychat.site", description="Build the web site.")
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
