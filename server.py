"""Serves pychat: `python server.py`. With settings of your own for uvicorn, for which see docs/deploying.md:

uvicorn --ws pychat.server.sockets:WebSocketProtocol --no-proxy-headers --log-level warning server:app
"""

import sys

from pychat.server.cli import load_app, main
from pychat.server.files import find_site

if __name__ == "__main__":
    sys.exit(main(find_site(), prog="python server.py"))

app = load_app(find_site())
