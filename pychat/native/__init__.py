"""The adapters of CPython: ports made of aiortc and the file system, and the screen of a terminal."""
