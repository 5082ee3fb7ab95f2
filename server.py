"""Serves pychat: `python server.py`. For settings of your own for uvicorn see docs/how-to/deploying.md."""

import sys

from pychat.server.cli import load_app, main
from pychat.server.files import find_site

if __name__ == "__main__":
    sys.exit(main(find_site(), prog="python server.py"))

app = load_app(find_site())
