"""What commands that run networks ask of Python and of the C library as they begin.

Most of the time until a first frame goes to importing torch.
"""

from __future__ import annotations

import contextlib
import ctypes
import gc
import importlib.util
import sys
import threading
from collections.abc import Iterator
from pathlib import Path

#: Numbers of mallopt's parameters in glibc's malloc.h.
_TRIM_THRESHOLD, _MMAP_THRESHOLD, _ARENA_MAX = -1, -3, -8


def preload_torch() -> None:
    """Begin to load torch's libraries; returns at once.

    Mapping and linking 400 MB needs no Python, so it can go on beside other imports. Where nothing
    is found, importing torch does all of it, as ever.
    """
    if "torch" in sys.modules or not sys.platform.startswith("linux"):
        return
    found = importlib.util.find_spec("torch")
    if found is not None and found.origin is not None:
        library = Path(found.origin).with_name("lib") / "libtorch_cpu.so"
        # Without memory for a thread, importing will say so.
        with contextlib.suppress(RuntimeError):
            threading.Thread(target=_load, args=(library,), daemon=True).start()


@contextlib.contextmanager
def making_what_stays() -> Iterator[None]:
    """Spare the garbage collector what is made inside: modules and networks, none of which goes.

    It would look at the 170,000 objects of torch again and again while they are made, and once in a
    while later.
    """
    gc.disable()
    try:
        yield
    finally:
        gc.freeze()
        gc.enable()


def keep_freed_memory() -> None:
    """Let glibc hand freed memory out again rather than give it back to the kernel.

    Feature maps of 17 MB come and go with every batch, in threads of their own. By default each
    thread has a heap that shrinks in between, and every page of it is faulted in anew: 1500 times
    a decoded frame of 256×256. One heap for all also takes less memory. Does nothing elsewhere.
    """
    mallopt = getattr(ctypes.CDLL(None), "mallopt", None) if sys.platform == "linux" else None
    if mallopt is not None:
        for parameter, value in (
            (_ARENA_MAX, 1),
            (_MMAP_THRESHOLD, 1 << 30),
            (_TRIM_THRESHOLD, 1 << 30),
        ):
            mallopt(parameter, value)


def prepare_worker() -> None:
    """What a process does first that runs networks for another one."""
    keep_freed_memory()
    preload_torch()


def _load(library: Path) -> None:
    with contextlib.suppress(OSError, MemoryError):
        ctypes.CDLL(str(library))
