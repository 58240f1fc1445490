"""`python -m tests.fuzz FOLDER [OPTION…]`: fuzz what reads the state, with libFuzzer's options.

What reached new code is kept in FOLDER, which is made with a few seeds where it is not there.
"""

import sys
from pathlib import Path

import atheris  # type: ignore[import-untyped,import-not-found,unused-ignore]  # only `make fuzz` installs it

with atheris.instrument_imports(include=["vectornator", "tests.fuzz", "json"]):
    from tests.fuzz.target import make_seeds, try_bytes


def main() -> None:
    """Fuzz until a reader does what it must not, or as long as `-max_total_time` says."""
    folder = Path(sys.argv[1])
    folder.mkdir(parents=True, exist_ok=True)
    for number, seed in enumerate(make_seeds()):
        (folder / f"seed-{number}").write_bytes(seed)
    atheris.Setup(sys.argv, try_bytes)
    atheris.Fuzz()


if __name__ == "__main__":
    main()
