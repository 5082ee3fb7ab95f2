"""The test vectors of docs/reference/protocol.md, which says how to use them: their cases, and their writer.

`python -m tests.vectors` writes the JSON files anew, `python -m tests.vectors --check` says which are stale. Nothing in
here uses `pychat.core`, so that the vectors check the core instead of mirroring it.
"""
