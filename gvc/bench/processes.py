"""The command line in processes of its own: how soon it starts, how much memory it takes."""

from __future__ import annotations

import statistics
import subprocess
import sys
import time
from collections.abc import Sequence
from pathlib import Path

from gvc.errors import MediaError

_GVC = (sys.executable, "-m", "gvc")

#: Runs a command and prints its peak resident memory. In a small process of its own, since Linux
#: counts what the parent had when it started a child towards the child's peak.
_PROBE = """
import resource, subprocess, sys
code = subprocess.run(sys.argv[1:]).returncode
print(resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss)
sys.exit(code)
"""

#: Bytes in the unit of ``ru_maxrss``.
_RSS_UNIT = 1 if sys.platform == "darwin" else 1024


def info_seconds(coded: Path, *, repeat: int) -> float:
    """Median time of ``gvc info``, from nothing to its end, after one run for warmth."""

    def run() -> float:
        started = time.perf_counter()
        _check(subprocess.run([*_GVC, "info", coded], capture_output=True, check=False))
        return time.perf_counter() - started

    run()
    return statistics.median(run() for _ in range(repeat))


def frame_seconds(
    coded: Path, *, index: int, side: int, options: Sequence[str], repeat: int
) -> float:
    """Median time from nothing until ``gvc decode`` writes frame ``index``, as y4m to a pipe.

    :param side: of the decoded pictures. :param options: further ones of the command line.
    """

    def run() -> float:
        command = [*_GVC, "decode", str(coded), "-", "-q", *options]
        started = time.perf_counter()
        with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE) as process:
            assert process.stdout is not None
            process.stdout.readline()
            # Each picture has a line before it; what comes first of the last one will do, since
            # FFmpeg keeps the end in its buffer.
            wanted = index * (len(b"FRAME\n") + side * side * 3 // 2) + len(b"FRAME\n") + 1
            found = len(process.stdout.read(wanted))
            seconds = time.perf_counter() - started
            process.stdout.close()
            if found < wanted:
                assert process.stderr is not None
                raise MediaError(f"gvc decode failed: {process.stderr.read().decode().strip()}")
        return seconds

    run()
    return statistics.median(run() for _ in range(repeat))


def decode_memory(coded: Path, target: Path, *, options: Sequence[str]) -> int:
    """Peak resident memory in bytes of decoding a whole file.

    :param options: further ones of the command line.
    """
    arguments = ["decode", str(coded), str(target), "-q", "-y", *options]
    command = [sys.executable, "-c", _PROBE, *_GVC, *arguments]
    done = subprocess.run(command, capture_output=True, check=False)
    _check(done)
    return int(done.stdout) * _RSS_UNIT


def _check(done: subprocess.CompletedProcess[bytes]) -> None:
    if done.returncode != 0:
        lines = done.stderr.decode(errors="replace").strip().splitlines()
        raise MediaError(f"gvc failed: {lines[-1] if lines else 'no reason given'}")
