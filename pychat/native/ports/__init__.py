"""The ports on CPython, made of aiortc, websockets, files and cryptography."""
