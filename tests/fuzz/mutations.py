"""Random changes of whole files, each decoded in a process of its own, with limits.

``python -m fuzz.mutations RESULTS FILE… [--count N] [--seed S]`` writes a line for each to RESULTS
and goes on where that ends. Half of the changes are blind, half are inside of chunks whose
checksums fit again. Every file has to be refused with an error of gvc's own, or to be decoded.
"""

from __future__ import annotations

import argparse
import os
import random
import resource
import time
from collections import Counter
from dataclasses import astuple, dataclass
from functools import partial
from pathlib import Path

from fuzz import structure
from fuzz.changes import change_bytes, cut
from fuzz.decode import FORMS, EnoughError, decode, shipped_network
from gvc.api.limits import OnError
from gvc.errors import GvcError

#: What a file may take: seconds of the processor, bytes of memory beyond those at the start.
_SECONDS, _MEMORY = 30, 2 << 30

#: How much is decoded of each: time grows with the pictures.
_FRAMES, _PIXELS = 32, 1 << 20


@dataclass(frozen=True)
class Ending:
    """How a changed file ended.

    :param number: of the change. :param on_error: what became of damage.
    :param outcome: name of an error, ``played``, or what broke.
    :param seconds: of the processor. :param megabytes: most that the process had in memory.
    """

    number: int
    file: str
    kind: str
    form: str
    on_error: str
    outcome: str
    seconds: float
    megabytes: int


def changed(data: bytes, chance: random.Random) -> tuple[str, bytes]:
    """A change of a file, and of which kind it is."""
    if chance.random() < 0.5:
        change = partial(change_bytes, chance=chance)
        return "structure", structure.mutate(data, chance, change)
    if chance.random() < 0.2:
        return "blind", cut(data, chance)
    return "blind", change_bytes(data, chance)


def in_a_process(data: bytes, form: str | None, on_error: str) -> tuple[str, float, int]:
    """Outcome, seconds and megabytes of decoding a file."""
    reading, writing = os.pipe()
    child = os.fork()
    if not child:
        os.close(reading)
        os.write(writing, outcome_of(data, form, on_error).encode()[:200])
        os._exit(0)
    os.close(writing)
    with os.fdopen(reading) as said:
        outcome = said.read()
    _, status, used = os.wait4(child, 0)
    seconds = used.ru_utime + used.ru_stime
    if os.WIFSIGNALED(status):
        timeout = seconds >= _SECONDS
        outcome = "timeout" if timeout else f"signal {os.WTERMSIG(status)}"
    return outcome, seconds, used.ru_maxrss >> 10


def outcome_of(data: bytes, form: str | None, on_error: str) -> str:
    """What comes of a file under the limits."""
    resource.setrlimit(resource.RLIMIT_CPU, (_SECONDS, _SECONDS))
    pages = int(Path("/proc/self/statm").read_text().split()[0])
    most = pages * resource.getpagesize() + _MEMORY
    resource.setrlimit(resource.RLIMIT_AS, (most, most))
    try:
        problem = decode(data, form, on_error=on_error, frames=_FRAMES, pixels=_PIXELS)
    except EnoughError:
        return "left out"
    except GvcError as error:
        return type(error).__name__
    except BaseException as error:
        return f"broke: {type(error).__name__}: {' '.join(str(error).split())}"
    return "played" if problem is None else "played in part"


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("results", type=Path)
    parser.add_argument("files", type=Path, nargs="+")
    parser.add_argument("--count", type=int, default=10_000)
    parser.add_argument("--seed", type=int, default=0)
    options = parser.parse_args()
    files = {path.name: path.read_bytes() for path in options.files}
    names = sorted(files)
    # Not in each process anew.
    shipped_network()
    options.results.touch()
    done = len(options.results.read_text().splitlines())
    with options.results.open("a") as results:
        for number in range(done, options.count):
            chance = random.Random(f"{options.seed} {number}")
            name = chance.choice(names)
            kind, data = changed(files[name], chance)
            form = chance.choice(FORMS)
            on_error = chance.choice(tuple(OnError))
            found = in_a_process(data, form, on_error)
            ending = Ending(number, name, kind, str(form), on_error, *found)
            if ending.outcome.startswith(("broke", "signal", "timeout")):
                options.results.with_name(f"finding-{number}.gvc").write_bytes(data)
            print(*astuple(ending), sep="\t", file=results, flush=True)
    print(summary(options.results))


def summary(results: Path) -> str:
    """How many files ended how, and the most that one took."""
    rows = [line.split("\t") for line in results.read_text().splitlines()]
    lines = [f"{len(rows)} files, at most {max(float(row[6]) for row in rows):.1f} s of the "
             f"processor and {max(int(row[7]) for row in rows)} MB"]  # fmt: skip
    for kind in ("blind", "structure"):
        counted = Counter(row[5] for row in rows if row[2] == kind)
        lines.append(f"{kind}: " + ", ".join(f"{n} {what}" for what, n in counted.most_common()))
    return "\n".join(lines)


if __name__ == "__main__":
    started = time.monotonic()
    main()
    print(f"{time.monotonic() - started:.0f} s in all")
