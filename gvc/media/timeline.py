"""One timeline for all streams of a recording, made of what its packets say.

Containers of broadcasts, discs and joined files begin their times anew in the middle. Decoders see
none of that: packets get times here, before, and all streams are moved alike, as ffmpeg does it.
"""

from __future__ import annotations

import itertools
from collections import deque
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from fractions import Fraction
from typing import Any, TypeAlias

import av

Packet: TypeAlias = "av.Packet[Any]"

#: FFmpeg's AVFMT_TS_DISCONT: times of this format may begin anew.
_MAY_BEGIN_ANEW = 0x0200

#: Seconds by which a packet may come before the one before it.
_BACKWARD = Fraction(1, 10)

#: Seconds from which on going back is no rounding: it may be where parts overlap.
_OVERLAP = Fraction(1, 200)

#: The same for pictures where FFmpeg makes decoding times out of those at which they are shown.
_REORDERED = Fraction(1)

#: Longest gap in seconds where times may begin anew, and elsewhere. ffmpeg takes the same.
_LONGEST_GAP = Fraction(10)
_LONGEST_PAUSE = Fraction(30 * 3600)

#: Seconds off what is expected from which on the packets that follow are asked, too.
_DOUBTFUL = Fraction(1)

#: Seconds within which packets of different streams are close to each other.
_CLOSE = Fraction(10)

#: Packets of the same stream that confirm a jump, and most packets that wait for them.
_CONFIRMING = 3
_MOST_WAITING = 512

#: Packets whose times are known where a picture has lost its own: more than B-frames in a row.
_REMEMBERED = 6

#: Seconds before 0 that are an encoder's delay, and not the beginning of a recording.
_PRIMING = Fraction(1, 5)


@dataclass(slots=True)
class _Segment:
    """A part of a recording with times of its own.

    :param offset: seconds to add to them. :param latest: of them, of the packet that came last.
    """

    offset: Fraction
    latest: Fraction | None = None


@dataclass(slots=True)
class _Track:
    """A stream on the timeline.

    :param step: seconds from one packet to the next where nobody says. :param backward: seconds by
        which its packets may come before one another.
    :param last: decoding time of the packet that came last, as the file counts, in seconds.
    :param expected: the same of the next one.
    :param went_back: time of the last packet that came a little before the one before it.
    :param shown: pts of its last packets, as the file counts.
    """

    time_base: Fraction
    step: Fraction
    backward: Fraction
    segment: _Segment
    last: Fraction | None = None
    expected: Fraction | None = None
    went_back: Fraction | None = None
    shown: deque[int] = field(default_factory=lambda: deque(maxlen=_REMEMBERED))

    @property
    def is_in_order(self) -> bool:
        """Whether decoding times come from the file, and never go back."""
        return self.backward == _BACKWARD

    def time(self, packet: Packet) -> Fraction | None:
        """Decoding time of ``packet`` in seconds, as the file counts."""
        return None if packet.dts is None else packet.dts * self.time_base

    def departure(self, packet: Packet) -> Fraction:
        """Seconds from when a packet is expected to when it comes; 0 where either is unknown.

        Negative only if it comes before the packet before it: durations may be too long.
        """
        time = self.time(packet)
        if time is None or self.expected is None or self.last is None:
            return Fraction(0)
        return max(Fraction(0), time - self.expected) + min(Fraction(0), time - self.last)

    def goes_on(self, packet: Packet, follower: Packet, departure: Fraction) -> bool:
        """Whether the next packet comes when ``packet`` ends, rather than when it should have."""
        time, later = self.time(packet), self.time(follower)
        lasts = (packet.duration or 0) * self.time_base or self.step
        if time is None or later is None or not lasts:
            return False
        return abs(later - time - lasts) < abs(departure) / 2

    def delay(self, packet: Packet) -> Fraction:
        """Seconds from when a packet is decoded to when it is shown."""
        if packet.pts is None or packet.dts is None:
            return Fraction(0)
        return (packet.pts - packet.dts) * self.time_base

    @property
    def end(self) -> Fraction:
        """When the next packet is expected, on the timeline."""
        assert self.expected is not None
        return self.expected + self.segment.offset

    def offset_behind(self, packet: Packet) -> Fraction:
        """What puts a packet behind all of the stream, as it is decoded and as it is shown."""
        offset = self.end - (packet.dts or 0) * self.time_base
        if self.shown and self.step and packet.pts is not None:
            end = max(self.shown) * self.time_base + self.step + self.segment.offset
            # Where decoding times are made up, they may not tell how far pictures are reordered.
            offset = max(offset, min(end - packet.pts * self.time_base, offset + _REORDERED))
        return offset

    def free_time(self, packet: Packet, followers: Sequence[Packet]) -> int | None:
        """The pts that the packets around a picture leave for it; None if there is no saying."""
        step = self.step / self.time_base
        taken = [*self.shown, *(each.pts for each in followers if each.pts is not None)]
        if packet.dts is None or not step:
            return None
        for number in range(2 * _REMEMBERED):
            pts = round(packet.dts + number * step)
            if all(abs(pts - each) > step / 2 for each in taken):
                return pts
        return None

    @property
    def doubtful(self) -> Fraction:
        """Seconds off what is expected that need to be confirmed."""
        return max(_DOUBTFUL, 3 * self.step)

    @property
    def longest_delay(self) -> Fraction:
        """The most that can be true of :meth:`delay`."""
        return max(_CLOSE, 16 * self.step)


class Timeline:
    """Moves packets of several streams to one timeline that begins at 0.

    Where times jump (back; or ahead by more than 10 s in formats whose times may begin anew, by
    more than 30 h in others), what follows is moved to where it would have been expected, all
    streams alike. A single packet far from its neighbours gets the time that they leave for it.
    Shorter gaps stay. Packets wait for later ones only where their times are doubtful.

    :param container: whose packets these are. :param streams: of which packets are taken.
    """

    def __init__(
        self, container: av.container.InputContainer, streams: Sequence[av.stream.Stream]
    ) -> None:
        self._begins_anew = bool(container.format.flags & _MAY_BEGIN_ANEW)
        self._start = start_of(streams)
        self._newest = _Segment(-self._start, self._start)
        self._tracks = {stream.index: self._track(stream) for stream in streams}
        self._waiting: deque[Packet] = deque()

    def follow(self, packets: Iterable[Packet]) -> Iterator[Packet]:
        """The packets with their times on the timeline, in their order; they are changed.

        Empty ones are left out, by which Theora says that nothing changes: decoders refuse them.
        """
        for packet in packets:
            if not packet.size and (packet.dts is not None or packet.pts is not None):
                continue
            self._waiting.append(packet)
            while self._waiting and self._is_clear():
                yield self._placed(self._waiting.popleft())
        while self._waiting:
            yield self._placed(self._waiting.popleft())

    def _track(self, stream: av.stream.Stream) -> _Track:
        video = isinstance(stream, av.VideoStream)
        rate = stream.guessed_rate if isinstance(stream, av.VideoStream) else None
        return _Track(
            time_base=Fraction(stream.time_base or Fraction(1, 90_000)),
            step=1 / Fraction(rate) if rate else Fraction(0),
            backward=_REORDERED if video and not self._begins_anew else _BACKWARD,
            segment=self._newest,
        )

    def _is_clear(self) -> bool:
        """Whether enough is known to place the packet that waits longest."""
        packet = self._waiting[0]
        track = self._tracks.get(packet.stream_index)
        if track is None or not packet.size or not self._is_doubtful(track, packet):
            return True
        return len(self._waiting) >= _MOST_WAITING or len(self._followers(packet)) >= _CONFIRMING

    def _is_doubtful(self, track: _Track, packet: Packet) -> bool:
        departure = track.departure(packet)
        return (
            departure < -track.backward
            or departure > track.doubtful
            or abs(track.delay(packet)) > track.longest_delay
        )

    def _followers(self, packet: Packet) -> list[Packet]:
        """The next packets of the stream that wait behind ``packet``."""
        same = (
            each
            for each in self._waiting
            if each.stream_index == packet.stream_index and each.size and each is not packet
        )
        return list(itertools.islice(same, _CONFIRMING))

    def _placed(self, packet: Packet) -> Packet:
        track = self._tracks.get(packet.stream_index)
        if track is None or not packet.size:
            return packet
        if self._is_doubtful(track, packet):
            self._leave_outliers(track, packet)
        time = track.time(packet)
        if time is not None:
            track.segment = self._segment_of(track, packet, time)
            track.segment.latest = time
        self._expect(track, packet, time)
        if packet.pts is not None:
            track.shown.append(packet.pts)
        shift = round(track.segment.offset / track.time_base)
        if packet.pts is not None:
            packet.pts += shift
        if packet.dts is not None:
            packet.dts += shift
        return packet

    def _expect(self, track: _Track, packet: Packet, time: Fraction | None) -> None:
        """Foresee when the next packet of the stream comes."""
        if time is not None:
            track.last = time
        begin = track.expected if time is None else time
        if begin is not None:
            duration = (packet.duration or 0) * track.time_base
            track.expected = begin + (duration if duration > 0 else track.step)

    def _leave_outliers(self, track: _Track, packet: Packet) -> None:
        """Correct the times of a packet that is far from those before and behind it."""
        followers = self._followers(packet)
        departure = track.departure(packet)
        if departure < -track.backward or departure > track.doubtful:
            back = [track.departure(each) for each in followers]
            returns = any(-track.backward <= each <= track.doubtful for each in back)
            # After a short jump back, too, what was expected is reached again.
            if returns and not track.goes_on(packet, followers[0], departure):
                assert track.expected is not None
                packet.dts = round(track.expected / track.time_base)
                packet.pts = track.free_time(packet, followers) if track.step else packet.dts
                return
        pts = packet.pts
        if pts is not None and abs(track.delay(packet)) > track.longest_delay:
            later = [each.pts for each in followers if each.pts is not None]
            if not any(abs(each - pts) * track.time_base <= _CLOSE for each in later):
                packet.pts = track.free_time(packet, followers)

    def _segment_of(self, track: _Track, packet: Packet, time: Fraction) -> _Segment:
        """The segment that a packet belongs to: that of its stream, the newest, or a new one."""
        if track.expected is None:
            return self._first_segment(track, time)
        departure = track.departure(packet)
        newest = self._newest
        goes_back = departure < -_OVERLAP and track.is_in_order
        if track.segment is not newest and (goes_back or abs(departure) > _BACKWARD):
            # Another stream has gone on to a new segment; this packet may be of it, too.
            moved = departure + newest.offset - track.segment.offset
            close = newest.latest is not None and abs(time - newest.latest) <= _CLOSE
            fits = goes_back or abs(moved) < abs(departure) or self._is_jump(track, departure)
            if close and fits:
                return newest
        if not self._is_jump(track, departure):
            if goes_back:
                track.went_back = time
            return track.segment
        self._newest = _Segment(self._offset_behind(track, packet, time))
        self._take_along(time)
        return self._newest

    def _take_along(self, time: Fraction) -> None:
        """Move streams to the newest segment that went on to it by less than a jump, before."""
        for track in self._tracks.values():
            if track.went_back is not None and abs(track.went_back - time) <= _DOUBTFUL:
                track.segment = self._newest
                track.went_back = None

    def _first_segment(self, track: _Track, time: Fraction) -> _Segment:
        newest = self._newest
        if not self._begins_anew or newest.latest is None or abs(time - newest.latest) <= _CLOSE:
            return newest
        # A clock of its own: the stream begins where the others are.
        return _Segment(newest.latest + newest.offset - time)

    def _is_jump(self, track: _Track, departure: Fraction) -> bool:
        longest = _LONGEST_GAP if self._begins_anew else _LONGEST_PAUSE
        return departure < -track.backward or departure > max(longest, track.doubtful)

    def _offset_behind(self, track: _Track, packet: Packet, time: Fraction) -> Fraction:
        """What puts a packet, the first of a new segment, behind all that came before."""
        offset = track.offset_behind(packet)
        for other in self._tracks.values():
            if other is track or other.expected is None:
                continue
            begin = self._beginning(other, time)
            if begin is not None:
                offset = max(offset, other.offset_behind(begin))
            elif other.end - time - offset > _BACKWARD:
                # Only sound came last, or only pictures.
                offset = other.end - time
        return offset

    def _beginning(self, track: _Track, time: Fraction) -> Packet | None:
        """The packet with which a stream goes on near ``time`` after a jump, if it waits."""
        for packet in self._waiting:
            if self._tracks.get(packet.stream_index) is not track:
                continue
            own = track.time(packet)
            jumps = self._is_jump(track, track.departure(packet))
            if own is not None and jumps and abs(own - time) <= _DOUBTFUL:
                return packet
        return None


def start_of(streams: Sequence[av.stream.Stream]) -> Fraction:
    """When the first of the streams begins, in seconds of the file's clock.

    A delay of an encoder before 0 is none of the recording: what is heard begins at 0.
    """
    starts = {
        stream.type: stream.start_time * Fraction(stream.time_base)
        for stream in reversed(streams)
        if stream.start_time is not None and stream.time_base is not None
    }
    start = min(starts.values(), default=Fraction(0))
    if -_PRIMING < start < 0 <= starts.get("video", Fraction(0)):
        return Fraction(0)
    return start
