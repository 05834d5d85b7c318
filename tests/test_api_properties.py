"""Whatever a script calls, in any order: an error of ours, or a file that gives it back."""

from __future__ import annotations

import contextlib
import io
from dataclasses import dataclass, field
from fractions import Fraction
from typing import Any

import av
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from small_files import frame_of, picture, reader, tone, writer

from gvc.api.output import OutputContainer
from gvc.errors import GvcError

#: Times that scripts have: usual ones, missing ones, and those that no file can hold.
TIMES = st.one_of(
    st.none(), st.integers(-50, 200), st.integers(-(1 << 62), 1 << 62), st.sampled_from([0, 1])
)
UNITS = st.sampled_from([None, Fraction(1, 25), Fraction(1, 1000), Fraction(1001, 30_000)])

VIDEO_SETTINGS = st.fixed_dictionaries(
    {},
    optional={
        "rate": st.sampled_from([25, 0, Fraction(30_000, 1001), Fraction(1, 1 << 31), 1 << 31]),
        "width": st.sampled_from([0, 1, 48, 16_384, 20_000]),
        "height": st.sampled_from([0, 1, 33, 16_384]),
        "gop_size": st.integers(0, 3),
        "time_base": st.sampled_from([Fraction(1, 25), Fraction(1, 1000), Fraction(1, 1 << 31)]),
        "bit_rate": st.sampled_from([None, 5, 20_000]),
        "nonsense": st.just(1),
    },
)
AUDIO_SETTINGS = st.fixed_dictionaries(
    {},
    optional={
        "rate": st.sampled_from([48_000, 44_100, 0]),
        "layout": st.sampled_from(["mono", "stereo", "5.1"]),
        "bit_rate": st.sampled_from([0, 24_000, 1]),
    },
)

#: Calls by name, with their arguments. Usual ones are more frequent, or nothing would be written.
CALLS = st.one_of(
    st.tuples(st.just("add_video"), st.one_of(st.just({}), VIDEO_SETTINGS)),
    st.tuples(st.just("add_audio"), st.one_of(st.just({}), AUDIO_SETTINGS)),
    st.tuples(st.just("show"), st.just((None, None))),
    st.tuples(st.just("show"), st.tuples(TIMES, UNITS)),
    st.tuples(st.just("hear"), st.tuples(TIMES, st.integers(0, 3000))),
    st.tuples(st.just("mux"), st.sampled_from(["all", "all", "all", "first", "last", "twice"])),
    st.tuples(st.just("flush"), st.sampled_from(["video", "audio"])),
    st.tuples(st.just("close"), st.none()),
)


@dataclass
class Script:
    """A script that writes a file, and what it knows of it."""

    output: OutputContainer
    waiting: list[Any] = field(default_factory=list)
    shown: dict[int, int] = field(default_factory=dict)
    written: list[Any] = field(default_factory=list)
    done: bool = False
    refused: bool = False

    def call(self, name: str, argument: Any) -> None:
        """One call; what goes wrong is an error of ours."""
        with contextlib.suppress(GvcError):
            getattr(self, name)(argument)

    def add_video(self, attributes: dict[str, Any]) -> None:
        # In a large group, pictures of this kind are not kept apart.
        self.output.add_stream("gvc", **{"gop_size": 1, **attributes})

    def add_audio(self, attributes: dict[str, Any]) -> None:
        self.output.add_stream("libopus", **attributes)

    def show(self, times: tuple[int | None, Fraction | None]) -> None:
        number = len(self.shown) + 1
        for stream in self.output.streams.video:
            self.waiting += stream.encode(frame_of(number, *times))
            pts, unit = times
            step = max(1, round(1 / (stream.average_rate * stream.time_base)))
            if pts is None:
                pts = max(self.shown, default=-step) + step
            elif unit is not None:
                pts = round(pts * unit / stream.time_base)
            self.shown[pts] = number

    def hear(self, sound: tuple[int | None, int]) -> None:
        pts, samples = sound
        for stream in self.output.streams.audio:
            # A gap of an hour of silence is right, and slow.
            frame = tone(samples, pts=None if pts is None else pts % 96_000)
            self.waiting += stream.encode(frame)

    def mux(self, which: str) -> None:
        taken = self.waiting if which == "all" else self.waiting[-1:]
        taken = self.waiting[:1] if which == "first" else list(taken)
        for packet in taken:
            if packet in self.waiting and which != "twice":
                self.waiting.remove(packet)
            try:
                self.output.mux(packet)
            except GvcError:
                self.refused = True
                raise
            self.written.append(packet)

    def flush(self, kind: str) -> None:
        for stream in getattr(self.output.streams, kind):
            self.waiting += stream.encode()

    def close(self, _: None) -> None:
        closed = self.output.closed
        self.output.close()
        self.done = self.done or not closed


@given(st.lists(CALLS, min_size=1, max_size=14), st.booleans())
@settings(max_examples=20, deadline=None, suppress_health_check=list(HealthCheck))
def test_any_order_of_calls_gives_an_error_or_a_file_that_is_right(calls, usual):
    file = io.BytesIO()
    script = Script(writer(file))
    if usual:
        # Else few files would be whole.
        calls = [("add_video", {"gop_size": 2}), ("add_audio", {}), *calls, ("mux", "all")]
    for name, argument in calls:
        script.call(name, argument)
    script.call("close", None)
    if not script.done:
        script.output.abort()
        return
    file.seek(0)
    with reader(file) as container:
        packets = list(container.demux())
        container.seek(-(1 << 62), stream=container.streams.video[0])
        frames = list(container.decode(video=0))
    check(script, packets, frames)


def check(script: Script, packets: list[Any], frames: list[av.VideoFrame]) -> None:
    """Compare what came out with what went in, the groups that closing flushed after it."""
    for kind in ("video", "audio"):
        before = [packet for packet in script.written if packet.stream.type == kind]
        after = [packet for packet in packets if packet.stream.type == kind]
        assert [bytes(packet) for packet in after[: len(before)]] == [bytes(p) for p in before]
        times = [packet.pts for packet in after]
        assert times == sorted(set(times))
    assert len(frames) == sum(packet.frames for packet in packets if packet.stream.type == "video")
    times = [frame.pts for frame in frames]
    assert times == sorted(set(times))
    assert set(times) <= set(script.shown)
    if not script.waiting and not script.refused:
        assert set(times) == set(script.shown)
    for frame in frames:
        if min(frame.width, frame.height) >= 32:
            shown = frame.to_ndarray(format="rgb24").mean()
            assert abs(shown - picture(script.shown[frame.pts]).mean()) < 8 * 3
