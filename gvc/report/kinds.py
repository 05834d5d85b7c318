"""What bits are spent on and how frames are coded: names, and one colour each on all pages."""

from __future__ import annotations

import enum

from gvc.bitstream import FrameType
from gvc.codec.summary import GroupSummary, StreamSummary

#: Names of frame types; the colour of each is the lower-case name of the member.
FRAME_NAMES = {
    FrameType.KEY: "key frame",
    FrameType.MOTION: "motion code",
    FrameType.INTERPOLATED: "interpolated",
    FrameType.PREDICTED: "repeats a motion code",
    FrameType.VIDEO: "video (VVC)",
}


class Share(enum.Enum):
    """What bytes of a file are for; the value is its name."""

    KEY = "key frames"
    VIDEO = "video (VVC)"
    MOTION = "motion codes"
    REST = "index, framing"
    SOUND = "sound"


def colour_of(kind: FrameType | Share) -> str:
    """Name of its colour in ``report.css``."""
    return kind.name.lower()


def shares_of(group: GroupSummary) -> dict[Share, int]:
    """Bytes of a group by what they are for."""
    pictures = Share.KEY if group.keys else Share.VIDEO
    return {
        pictures: group.conventional,
        Share.MOTION: group.motion,
        Share.REST: group.overhead,
        Share.SOUND: group.audio,
    }


def shares_of_file(summary: StreamSummary) -> dict[Share, int]:
    """Bytes of a file by what they are for: all of them, in the order of the members."""
    shares = dict.fromkeys(Share, 0)
    for group in summary.by_group:
        for share, size in shares_of(group).items():
            shares[share] += size
    # The header, a speaker pack, the index; sound of a file without pictures.
    shares[Share.SOUND] = summary.audio
    shares[Share.REST] = summary.size - sum(shares.values()) + shares[Share.REST]
    return shares
