"""Accounts of recordings: how many pictures, for how long, with how much sound, begun when.

Two accounts that were made in different ways are compared: of the source's packets
(:mod:`.packet_survey`), and of the file that was made of it (:mod:`.coded_survey`).
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace

#: Seconds by which sound may be shorter than that of the source, and by which it may be longer
#: besides a packet of the source: the last one is decoded as a whole, whatever its duration is, and
#: Opus fills its own last packet of 20 ms.
SHORTER, LONGER = 0.030, 0.050

#: Seconds by which sound may begin earlier or later, beside the first picture.
EARLIER = 0.020

#: Seconds that each join of a recording adds to these.
JOIN = 0.1


@dataclass(frozen=True, slots=True)
class SoundAccount:
    """What there is of sound.

    :param start: seconds from the first picture to the first sound; negative if that is earlier.
    :param seconds: of sound, without gaps of more than 0.1 s and without what overlaps.
    :param gaps: seconds of these gaps.
    :param end: seconds from the end of the last picture to the end of the sound.
    :param packet: seconds of a packet, at most 0.1.
    :param held_back: seconds at the beginning for which a decoder may give nothing.
    :param priming: seconds at the beginning that a decoder drops, which do not count in the above.
    :param joins: how often times begin anew.
    """

    start: float
    seconds: float
    gaps: float
    end: float
    packet: float = 0.0
    held_back: float = 0.0
    priming: float = 0.0
    joins: int = 0

    def with_priming(self) -> SoundAccount:
        """The same where what decoders drop counts, too: of packets that are copied."""
        start, seconds = self.start - self.priming, self.seconds + self.priming
        return replace(self, start=start, seconds=seconds, priming=0.0)


@dataclass(frozen=True, slots=True)
class Account:
    """What there is of a recording.

    :param pictures: number of pictures that are shown.
    :param uncertain: how many of these a decoder may leave out: those before the first key frame
        and those that need one before it, damaged ones, empty ones.
    :param seconds: from the first picture to the end of the last one; where times begin anew, the
        pieces one after the other.
    :param jumps: seconds that were jumped over, forwards, in a format where times may begin anew;
        not in ``seconds``.
    :param frame: seconds that a picture lasts, the longest that is usual.
    :param joins: how often times begin anew.
    :param vague: whether times of pictures are known to a few frames only.
    :param sound: None if there is none.
    :param problem: why the account ends before the recording does; None if it does not.
    :param early: how many of the uncertain pictures come before all others, and :param late: after
        them; times of begin and end leave them out.
    """

    pictures: int
    uncertain: int
    seconds: float
    jumps: float
    frame: float
    joins: int
    vague: bool
    sound: SoundAccount | None
    problem: str | None = None
    early: int = 0
    late: int = 0


def difference(source: Account, made: Account, *, sound: bool, copied: bool = False) -> str | None:
    """What of a recording is missing in what was made of it, or different, in a line.

    :param made: account of the file that was made. :param sound: whether sound was to be kept.
    :param copied: whether its packets were copied.
    :returns: None if nothing is.
    """
    found = [*_pictures(source, made)]
    if sound:
        found += _sound(source, made, copied=copied)
    if source.problem is not None:
        found.append(f"the source can be read no further: {source.problem}")
    return "; ".join(found) or None


def _pictures(source: Account, made: Account) -> Iterator[str]:
    least = source.pictures - source.uncertain
    if made.pictures < least or made.pictures - made.uncertain > source.pictures:
        expected = f"{least} to {source.pictures}" if source.uncertain else f"{source.pictures}"
        yield f"{made.pictures} pictures, not {expected}"
    spare = max(source.frame, made.frame) * (1 + source.joins + 2 * source.vague)
    spare += _early(source, made) + _late(source, made) + JOIN * source.joins + 0.001
    low = high = source.seconds
    if source.joins and source.sound is not None:
        # Pieces whose sound and picture are not of one length overlap, or leave gaps.
        low, high = min(low, source.sound.seconds), max(high, source.sound.seconds)
    fits = low - spare <= made.seconds <= high + spare
    # A jump in such a format is closed or kept.
    if not fits and not abs(made.seconds - source.seconds - source.jumps) <= spare:
        yield f"{made.seconds:.3f} s of pictures, not {source.seconds:.3f} s"


def _sound(source: Account, made: Account, *, copied: bool) -> Iterator[str]:
    one, two = source.sound, made.sound
    if one is None:
        if two is not None:
            yield f"{two.seconds:.3f} s of sound, not none"
        return
    if two is None:
        yield f"no sound, not {one.seconds:.3f} s"
        return
    if copied:
        one, two = one.with_priming(), two.with_priming()
    joined = JOIN * max(one.joins, source.joins)
    vague = 2 * source.frame * source.vague
    spare = vague + _early(source, made)
    # Silence before the sound, from the first picture on, is as good as none.
    filled = one.start - two.start if abs(two.start) <= EARLIER < one.start else 0.0
    late = two.start + filled - one.start
    if not -EARLIER - spare <= late <= EARLIER + spare + one.held_back:
        yield f"sound begins {abs(late) * 1000:.0f} ms too {'late' if late > 0 else 'early'}"
    length = two.seconds - filled
    shorter, longer = SHORTER + joined + one.held_back, LONGER + joined + one.packet
    if source.joins:
        # Silence between pieces whose sound is shorter than their pictures.
        longer += max(0.0, source.seconds - one.seconds)
    if not one.seconds - shorter <= length <= one.seconds + one.gaps + longer:
        yield f"{length:.3f} s of sound, not {one.seconds:.3f} s"
    elif one.joins == source.joins:
        late = two.end - one.end
        spare = vague + _late(source, made) + max(source.frame, made.frame) * bool(source.joins)
        if not -shorter - spare <= late <= longer + one.held_back + spare:
            yield f"sound ends {abs(late) * 1000:.0f} ms too {'late' if late > 0 else 'early'}"


def _early(source: Account, made: Account) -> float:
    """Seconds by which begins differ where pictures are left out there."""
    return source.early * source.frame + made.early * made.frame


def _late(source: Account, made: Account) -> float:
    """The same of ends."""
    return source.late * source.frame + made.late * made.frame
