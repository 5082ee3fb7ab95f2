"""Write the vectors: `python -m tests.vectors`; with `--check`, only say which files are stale."""

import sys

from tests.vectors import files


def main(arguments: list[str]) -> int:
    if arguments not in ([], ["--check"]):
        print(__doc__, file=sys.stderr)
        return 2
    stale = files.stale()
    if arguments:
        for path in stale:
            print(f"{path.name} is stale: run python -m tests.vectors", file=sys.stderr)
        return 1 if stale else 0
    for path in stale:
        path.write_text(files.contents()[path], encoding="ascii")
        print(f"{path.name} is written")
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
