"""A soon first frame: most of the time until then goes to importing torch."""

from __future__ import annotations

import contextlib
import ctypes
import gc
import importlib.util
import sys
import threading
from collections.abc import Iterator
from pathlib import Path


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


def _load(library: Path) -> None:
    with contextlib.suppress(OSError):
        ctypes.CDLL(str(library))
