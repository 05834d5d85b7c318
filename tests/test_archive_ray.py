"""Archives on a Ray cluster of this machine: lost workers cost time, and nothing else."""

from __future__ import annotations

import importlib.util
import os
import signal
import threading
import time
from pathlib import Path

import pytest
from archives import check, entries, make_tree

from gvc.archive import Archive
from gvc.archive.entry import State, Verification
from gvc.archive.recipe import EngineName, Options, Recipe
from gvc.codec.settings import EncoderSettings
from gvc.errors import UnsupportedError

HAS_RAY = importlib.util.find_spec("ray") is not None

RECIPE = Recipe(EncoderSettings.of_preset("faster", threads=1), verification=Verification.NONE)


def workers_at_work() -> list[int]:
    """Processes of Ray that do one of our tasks, among the descendants of this one."""
    found = []
    for folder in Path("/proc").glob("[0-9]*"):
        try:
            title = (folder / "cmdline").read_bytes()
        except OSError:
            continue
        if title.startswith(b"ray::gvc archive"):
            found.append(int(folder.name))
    return found


@pytest.mark.skipif(not HAS_RAY, reason="Ray is not installed")
def test_a_worker_that_is_killed_costs_no_file(tmp_path):
    import ray

    source = make_tree(tmp_path / "talks", *(f"{number}.mp4" for number in range(6)))
    archive = Archive(tmp_path / "archive")
    killed = []

    def kill_one() -> None:
        # Once both are at work on files.
        while not killed:
            at_work = workers_at_work()
            if len(at_work) == 2 and list(archive.folder.rglob("*.gvc-partial")):
                os.kill(at_work[0], signal.SIGKILL)
                killed.append(at_work[0])
            time.sleep(0.01)

    killer = threading.Thread(target=kill_one, daemon=True)
    ray.init(num_cpus=2, num_gpus=0, include_dashboard=False, log_to_driver=False)
    try:
        killer.start()
        report = archive.run([source], RECIPE, Options(engine=EngineName.RAY))
    finally:
        ray.shutdown()
    assert killed
    assert (len(report.coded), report.failed) == (6, [])
    assert {entry.state for entry in entries(archive.folder).values()} == {State.DONE}
    check(archive.folder)


@pytest.mark.skipif(HAS_RAY, reason="Ray is installed")
def test_without_ray_there_is_a_hint(tmp_path):
    source = make_tree(tmp_path / "talks", "a.mp4")
    archive = Archive(tmp_path / "archive")
    with pytest.raises(UnsupportedError, match=r"gvc\[ray\]"):
        archive.run([source], RECIPE, Options(engine=EngineName.RAY))
    check(archive.folder)
