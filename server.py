"""Serves pychat: `python server.py`, or `uvicorn --no-access-log server:app` behind a server of your own choice."""

import sys
from pathlib import Path

from pychat.server.cli import load_app, main

SITE = Path(__file__).resolve().parent / "build" / "site"

if __name__ == "__main__":
    sys.exit(main(SITE))

app = load_app(SITE)
