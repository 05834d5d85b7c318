"""Steps side by side give what they give one after the other, whatever the number of threads."""

from __future__ import annotations

import io
import threading
import time

import av
import numpy as np
import pytest
import torch
from conftest import draw_head

import gvc
from gvc.codec.pipeline import Stage

FRAMES = 44


def own_threads() -> list[str]:
    return [thread.name for thread in threading.enumerate() if thread.name.startswith("gvc")]


def square(number: int) -> int:
    return number * number


def test_results_come_in_order():
    with Stage(square, bound=3) as stage:
        assert list(stage.map(range(1000))) == [number * number for number in range(1000)]
        assert stage.push(5) == []
        assert stage.finish() == [25]
        assert stage.finish() == []


@pytest.mark.parametrize("bound", [1, 2, 5])
def test_a_long_input_never_waits_in_numbers(bound):
    """Neither a slow step nor a slow taker makes the queue longer than its bound."""
    asked = taken = most = 0

    def numbers():
        nonlocal asked
        for number in range(5000):
            asked += 1
            yield number

    def work(number: int) -> int:
        if number < 50:
            time.sleep(0.001)
        return number

    with Stage(work, bound=bound) as stage:
        for number in stage.map(numbers()):
            most = max(most, asked - taken)
            assert number == taken
            taken += 1
            if 50 < number < 100:
                time.sleep(0.001)
    # One more is in the hands of whoever asks, who waits with it.
    assert bound <= most <= bound + 1
    assert taken == 5000


def test_the_step_runs_beside_its_caller():
    arrived = threading.Event()

    def work(_: int) -> bool:
        return arrived.wait(timeout=60)

    with Stage(work, bound=2) as stage:
        assert stage.push(0) == []
        # Not yet finished, so that only a caller who goes on meanwhile can end it.
        arrived.set()
        assert stage.finish() == [True]


def test_several_threads_work_at_once_and_keep_the_order():
    together = threading.Barrier(3)

    def work(number: int) -> int:
        if number < 3:
            together.wait(timeout=60)
        time.sleep(0.002 * (7 - number % 7))
        return number

    with Stage(work, threads=3, bound=4) as stage:
        assert list(stage.map(range(30))) == list(range(30))
    assert not own_threads()


def test_an_error_of_the_step_comes_in_the_place_of_its_result():
    with Stage(lambda number: 12 // number, bound=2) as stage:
        results = stage.map([1, 2, 0, 4])
        assert [next(results), next(results)] == [12, 6]
        with pytest.raises(ZeroDivisionError):
            next(results)
    assert not own_threads()


def test_an_error_of_the_input_comes_after_what_was_before_it():
    def numbers():
        yield from (1, 2, 3)
        raise ZeroDivisionError

    seen = []
    with Stage(square, bound=2) as stage, pytest.raises(ZeroDivisionError):
        for result in stage.map(numbers()):
            seen.append(result)
    assert seen == [1, 4, 9]


def test_closing_drops_what_waits_and_leaves_no_thread():
    done = []

    def work(number: int) -> None:
        time.sleep(0.05)
        done.append(number)

    stage = Stage(work, bound=10)
    for number in range(10):
        stage.push(number)
    stage.close()
    stage.close()
    assert not own_threads()
    # The one that ran, and one more at most that began meanwhile.
    assert len(done) <= 2


@pytest.fixture
def threads_restored():
    before = torch.get_num_threads()
    yield
    torch.set_num_threads(before)


def coded_with(threads: int | None, frames: int = FRAMES) -> bytes:
    file = io.BytesIO()
    options = {"gop_size": "20", "key_preset": "faster"}
    with gvc.open(file, "w", options=options, threads=threads) as output:
        stream = output.add_stream("gvc", rate=25)
        for index in range(frames):
            picture = draw_head(index, 96, 80)
            output.mux(stream.encode(av.VideoFrame.from_ndarray(picture, format="rgb24")))
        output.mux(stream.encode())
    return file.getvalue()


def decoded_with(threads: int | None, data: bytes) -> np.ndarray:
    with gvc.open(io.BytesIO(data), threads=threads) as container:
        return np.stack([frame.to_ndarray() for frame in container.decode(video=0)])


def test_files_and_pictures_do_not_depend_on_threads(threads_restored):
    data = coded_with(1)
    assert coded_with(2) == data
    assert coded_with(5) == data
    pictures = decoded_with(1, data)
    assert len(pictures) == FRAMES
    assert (decoded_with(2, data) == pictures).all()
    assert (decoded_with(5, data) == pictures).all()
    assert not own_threads()


def test_whoever_stops_early_leaves_no_thread():
    data = coded_with(None, frames=30)
    with gvc.open(io.BytesIO(data)) as container:
        frames = container.decode(video=0)
        for _ in range(3):
            next(frames)
        assert own_threads()
        frames.close()
        # The next loop goes on where this one stopped.
        assert next(container.decode(video=0)).pts == 3
    assert not own_threads()
    with pytest.raises(KeyboardInterrupt), gvc.open(io.BytesIO(), "w") as output:
        stream = output.add_stream("gvc", rate=25)
        for index in range(20):
            picture = draw_head(index, 96, 80)
            output.mux(stream.encode(av.VideoFrame.from_ndarray(picture, format="rgb24")))
        raise KeyboardInterrupt
    assert not own_threads()
