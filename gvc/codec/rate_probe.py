"""How many bytes a group's key frames take at which QP, found by trial."""

from __future__ import annotations

from gvc import keyframe
from gvc.bitstream import VideoHeader
from gvc.codec.analysed_group import AnalysedGroup
from gvc.codec.group_coder import CodedGroup, GroupCoder, first_qp
from gvc.codec.key_choice import choose_keys, least_saving
from gvc.codec.known_keys import KnownKey
from gvc.codec.rate_control import PROBE_QPS, VIDEO_QPS, GroupRate, RateCurve
from gvc.codec.settings import EncoderSettings
from gvc.codec.shown import Shown
from gvc.keyframe import CodedReference

#: Preset of the trials. What slower ones save is nearly the same share everywhere.
_PRESET = "faster"


class RateProbe:
    """Measures groups of one stream.

    :raises KeyFrameError: if key frames cannot be coded on this machine.
    """

    def __init__(self, header: VideoHeader, settings: EncoderSettings) -> None:
        self._header = header
        self._most, self._purpose = settings.key_frames, settings.purpose
        self._references: dict[int, tuple[int, CodedReference]] = {}
        codec = keyframe.get(header.key_codec)
        width, height = header.key_size
        self._encoders = {
            qp: codec.encoder(
                width=width,
                height=height,
                qp=qp,
                colour=header.colour,
                preset=_PRESET,
            )
            for qp in PROBE_QPS
        }

    def measure(self, frames: AnalysedGroup, reference: KnownKey | None) -> GroupRate:
        """Code the group's key frames at a few QPs, each time as many as pay there.

        :param reference: what they may be predicted from.
        """
        codes = frames.codes
        sizes = []
        for qp, encoder in self._encoders.items():
            saving = least_saving(qp, self._purpose)
            places = choose_keys(codes, most=self._most, saving=saving)
            pictures = [frames.frames[place] for place in places]
            coded = None
            if reference is not None:
                coded = encoder.encode_after(self._as_here(reference, qp), pictures)
            if coded is None:
                first = first_qp(qp, recurs=frames.recurs)
                coded = encoder.encode(pictures, first_qp=first)
            sizes.append(float(sum(map(len, coded.pictures))))
        ticks = frames.pts[-1] + self._header.frame_duration - frames.pts[0]
        return GroupRate(
            RateCurve(tuple(sizes)),
            float(ticks * self._header.time_base),
            serves=frames.recurs and reference is None,
        )

    def _as_here(self, reference: KnownKey, qp: int) -> CodedReference:
        """A reference as it would be, had it been coded by these encoders."""
        pts, made = self._references.get(qp, (None, None))
        if pts != reference.pts or made is None:
            picture = reference.coded.picture
            finer = first_qp(qp, recurs=True)
            coded = self._encoders[qp].encode([picture], first_qp=finer)
            made = CodedReference(picture, coded.parameters, coded.pictures[0], finer)
            self._references[qp] = reference.pts, made
        return made

    def video(self, frames: AnalysedGroup) -> RateCurve:
        """Code the group as video at a few QPs."""
        encoder = self._encoders[PROBE_QPS[0]]
        coded = (encoder.encode_video(frames.frames, qp=qp) for qp in VIDEO_QPS)
        return RateCurve(tuple(float(len(stream)) for stream in coded), VIDEO_QPS)


class FirstPass:
    """Measures the groups of one stream and codes none.

    :param coder: that of the stream. :param shown: nothing is decoded.
    :param rates: takes what is measured.
    """

    def __init__(self, coder: GroupCoder, shown: Shown, rates: list[GroupRate]) -> None:
        self._probe = RateProbe(coder.header, coder.settings)
        self._known = coder.known
        self._rates = rates

    def code(self, frames: AnalysedGroup) -> list[CodedGroup]:
        """Measure a group; nothing is made of it."""
        known, pts, first = self._known, frames.pts[0], frames.frames[0]
        reference = known.like(first, pts=pts)
        self._rates.append(self._probe.measure(frames, reference))
        if reference is None:
            known.add(KnownKey(pts, CodedReference(first, b"", b"", 0)))
        return []
