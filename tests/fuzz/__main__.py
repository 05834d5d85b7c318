"""``python -m fuzz TARGET [libFuzzer's options and folders]``: one target under atheris."""

from __future__ import annotations

import random
import sys

import atheris

import fuzz


def main() -> None:
    name = sys.argv[1]
    with atheris.instrument_imports(include=["gvc"], enable_loader_override=False):
        target = fuzz.target(name)

    def mutate(data: bytes, most: int, seed: int) -> bytes:
        def change(part: bytes) -> bytes:
            return bytes(atheris.Mutate(part, len(part) + 16))

        return target.mutate(data, random.Random(seed), change)[:most]

    # What libFuzzer runs by a shell where it needs another process, with -merge=1, say.
    arguments = [f"{sys.executable} -m fuzz {name}", *sys.argv[2:]]
    atheris.Setup(arguments, target.check, custom_mutator=mutate)
    atheris.Fuzz()


if __name__ == "__main__":
    main()
