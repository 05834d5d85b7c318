"""A whole group of pictures to what the file holds of it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from itertools import pairwise

import av
import numpy as np
import numpy.typing as npt

from gvc import keyframe
from gvc.bitstream import FurtherRectangle, Group, KeyFrame, Reference, VideoHeader
from gvc.codec.analysed_group import AnalysedGroup, AnalysedPart
from gvc.codec.key_choice import assign_keys
from gvc.codec.known_keys import KnownKey, KnownKeys
from gvc.codec.levels import LevelCoding
from gvc.codec.motion_path import find_path
from gvc.codec.motion_run import inter_frames, write_run
from gvc.codec.settings import EncoderSettings
from gvc.entropy import KeyChoice
from gvc.media import part_to_rgb, tag
from gvc.model.adaptation import Adapter
from gvc.model.analysis import Analyser
from gvc.model.check import MotionCheck
from gvc.model.mttf import Mttf

#: By how much lower the QP of a key frame is from which others will be predicted: what is spent on
#: it they all have. A minute of a speaker with QPs 26 and 32 takes 1.68 kb/s and is within 0.090
#: (LPIPS-alex); with 32 and 26 it takes 2.49 and is within 0.099.
FINER = 6

#: But not below this QP: pictures get no better by it.
_FINEST = 16

#: A group is coded alone, too, where its key frames take more than this share of what those of its
#: reference took; and stays alone unless it is larger than the other one by more than this factor,
#: since it will serve as a reference itself.
_DEAR, _WORTH = 0.6, 1.2


@dataclass(frozen=True, slots=True)
class KeyedPart:
    """How a part of a group's frames moves from its key frames.

    :param codes: what to send of all frames, before quantisation, float32 [N, L].
    :param choices: from which key frame each of the others is animated.
    """

    codes: npt.NDArray[np.float32]
    choices: tuple[KeyChoice, ...]


@dataclass(frozen=True, slots=True)
class KeyedGroup:
    """A group whose key frames are coded.

    :param places: of these, in the order of coding.
    :param coded: what they became.
    :param inter: places of the frames that are not key frames, in order.
    :param parts: how these move, for each part of ``frames``.
    :param reference: the earlier key frame that they are predicted from, if they are.
    """

    frames: AnalysedGroup
    places: tuple[int, ...]
    coded: keyframe.CodedPictures
    inter: npt.NDArray[np.intp]
    parts: tuple[KeyedPart, ...]
    reference: KnownKey | None


@dataclass(frozen=True, slots=True)
class CodedGroup:
    """A coded group.

    :param group: what the file holds.
    :param parameters: parameter sets of its key frames.
    :param end_pts: when its last frame ends, in the stream's time base.
    :param known: what later groups may be predicted from, if it can serve for that.
    """

    group: Group
    parameters: bytes
    end_pts: int
    known: KnownKey | None = None


class GroupCoder:
    """Codes groups of one stream, each for itself.

    :param header: of the stream; its parameter sets need not be known yet.
    :param network: in evaluation mode, for inference.
    :param coding: of the levels of motion codes.
    :param known: what key frames may be predicted from; whoever keeps a coded group adds its own.
    :raises KeyFrameError: if key frames cannot be coded on this machine.

    The parameters are attributes, too.
    """

    def __init__(
        self,
        header: VideoHeader,
        settings: EncoderSettings,
        network: Mttf,
        coding: LevelCoding,
        known: KnownKeys,
    ) -> None:
        self.header = header
        self.settings = settings
        self.network = network
        self.coding = coding
        self.known = known
        self._analyser = Analyser(network, device=settings.device)
        self._check = MotionCheck(network, device=settings.device)
        self._adapter = (
            Adapter(network, steps=settings.refine, device=settings.device)
            if settings.refine
            else None
        )
        self._key_codec = keyframe.get(header.key_codec)
        width, height = header.key_size
        self._key_encoder = self._key_codec.encoder(
            width=width,
            height=height,
            qp=settings.key_qp,
            colour=header.colour,
            preset=settings.key_preset,
        )

    def at_qp(self, qp: int) -> GroupCoder:
        """One that codes key frames at another QP."""
        settings = replace(self.settings, key_qp=qp)
        return GroupCoder(self.header, settings, self.network, self.coding, self.known)

    def key(
        self,
        frames: AnalysedGroup,
        places: Sequence[int],
        *,
        looks: npt.NDArray[np.float32] | None = None,
    ) -> KeyedGroup:
        """Code the key frames of a group, and find out how its other frames move from them.

        :param places: of its key frames, in the order of coding.
        :param looks: what tells from which key frame each other one is animated, [frames, any
            number], see :func:`gvc.codec.key_choice.assign_keys`; None takes the motion codes. All
            parts of a frame are animated from the same one, which is held around them.
        :raises KeyFrameError: if the key-frame codec fails.
        """
        coded, reference = self._coded_keys([frames.frames[place] for place in places], frames)
        inter = np.delete(np.arange(len(frames.pts)), places)
        keys = self._decoded(coded, reference) if len(inter) else []
        assigned = assign_keys(frames.codes if looks is None else looks, places)
        parts = tuple(self._keyed(part, places, assigned, keys) for part in frames.parts)
        return KeyedGroup(frames, tuple(places), coded, inter, parts, reference)

    def send(
        self,
        keyed: KeyedGroup,
        *,
        weights: npt.NDArray[np.float64] | None = None,
        most_interpolated: int | None = None,
    ) -> CodedGroup:
        """Code the motion of a group whose key frames are coded.

        :param weights: how much errors of each frame's motion count, [frames], more than 0; those
            of key frames mean nothing. 1 by default.
        :param most_interpolated: see :func:`gvc.codec.motion_path.find_path`; None takes the
            setting.
        """
        settings, frames = self.settings, keyed.frames
        step = self.header.motion_step
        delays = self._delays(frames.pts)

        def run(part: KeyedPart, delays: Sequence[int]) -> bytes:
            path = find_path(
                part.codes[keyed.inter],
                keyed.inter,
                step=step,
                bit_cost=settings.error_per_bit(step),
                most_interpolated=(
                    settings.interpolate if most_interpolated is None else most_interpolated
                ),
                weights=None if weights is None else weights[keyed.inter],
            )
            sent = inter_frames(path, part.choices)
            return write_run(self.coding, delays, sent, keys=len(keyed.places))

        first, *further = keyed.parts
        group = Group(
            pts=frames.pts[0],
            frames=len(frames.pts),
            variable_rate=any(delays),
            keys=tuple(map(KeyFrame, keyed.places, keyed.coded.pictures)),
            motion=run(first, delays),
            rectangle=frames.parts[0].rectangle,
            reference=_reference(keyed.reference),
            further=tuple(
                FurtherRectangle(rectangle, run(part, []))
                for rectangle, part in zip(frames.rectangles[1:], further, strict=True)
            ),
        )
        return CodedGroup(group, keyed.coded.parameters, self._end(frames), self._known(keyed))

    def video(self, frames: AnalysedGroup, *, qp: int) -> CodedGroup:
        """Code all frames of a group by the key-frame codec.

        :raises KeyFrameError: if it fails.
        """
        delays = self._delays(frames.pts)
        group = Group(
            pts=frames.pts[0],
            frames=len(frames.pts),
            variable_rate=any(delays),
            keys=(),
            motion=write_run(self.coding, delays, [], keys=0),
            video=self._key_encoder.encode_video(frames.frames, qp=qp),
        )
        return CodedGroup(group, b"", self._end(frames))

    def _end(self, frames: AnalysedGroup) -> int:
        return frames.pts[-1] + self.header.frame_duration

    def _delays(self, pts: Sequence[int]) -> list[int]:
        """How many ticks later than usual each frame but the first comes."""
        return [after - before - self.header.frame_duration for before, after in pairwise(pts)]

    def _coded_keys(
        self, pictures: Sequence[av.VideoFrame], frames: AnalysedGroup
    ) -> tuple[keyframe.CodedPictures, KnownKey | None]:
        """Key frames of a group, and what they are predicted from where that spares bytes."""
        known = self.known.like(pictures[0], pts=frames.pts[0])
        predicted = self._key_encoder.encode_after(known.coded, pictures) if known else None
        if known is None or predicted is None:
            return self._key_encoder.encode(pictures, first_qp=self._first_qp(frames)), None
        if len(predicted.pictures[0]) > _DEAR * len(known.coded.data):
            alone = self._key_encoder.encode(pictures, first_qp=self._first_qp(frames))
            if _size(alone) < _WORTH * _size(predicted):
                return alone, None
        return predicted, known

    def _first_qp(self, frames: AnalysedGroup) -> int:
        """QP of the first key frame of a group that is coded alone."""
        return first_qp(self.settings.key_qp, recurs=frames.recurs)

    def _known(self, keyed: KeyedGroup) -> KnownKey | None:
        """What later groups may be predicted from."""
        if keyed.reference is not None:
            return None
        picture, data = keyed.frames.frames[keyed.places[0]], keyed.coded.pictures[0]
        qp = self._first_qp(keyed.frames)
        coded = keyframe.CodedReference(picture, keyed.coded.parameters, data, qp)
        return KnownKey(keyed.frames.pts[0], coded)

    def _decoded(
        self, coded: keyframe.CodedPictures, reference: KnownKey | None
    ) -> list[av.VideoFrame]:
        """The key frames as a decoder has them."""
        before = [reference.coded.data] if reference else []
        decoder = self._key_codec.decoder(coded.parameters)
        return decoder.decode([*before, *coded.pictures])[len(before) :]

    def _seen(self, key: av.VideoFrame, part: AnalysedPart) -> npt.NDArray[np.uint8]:
        """What a decoder animates of a key frame, RGB uint8 [H, W, 3]."""
        header = self.header
        size, colour = (header.coded_width, header.coded_height), header.colour
        return part_to_rgb(tag(key, colour), part.rectangle, size, colour)

    def _keyed(
        self,
        part: AnalysedPart,
        places: Sequence[int],
        assigned: npt.NDArray[np.intp],
        keys: Sequence[av.VideoFrame],
    ) -> KeyedPart:
        """How a part moves from the key frames ``keys``, of which there are none if all are."""
        codes = np.stack(part.codes)
        if not keys:
            return KeyedPart(codes, ())
        seen = [self._seen(key, part) for key in keys]
        wanted = self._wanted(part, codes, places, assigned, seen)
        fading = self._fading(part, wanted, places, assigned, seen)
        inter = np.delete(np.arange(len(codes)), places)
        choices = tuple(KeyChoice(int(assigned[place]), place in fading) for place in inter)
        return KeyedPart(wanted, choices)

    def _wanted(
        self,
        part: AnalysedPart,
        codes: npt.NDArray[np.float32],
        places: Sequence[int],
        assigned: npt.NDArray[np.intp],
        keys: Sequence[npt.NDArray[np.uint8]],
    ) -> npt.NDArray[np.float32]:
        """What to send for all frames, before quantisation; key frames keep what they have."""
        wanted = codes.copy()
        for number, key in enumerate(keys):
            mine = np.setdiff1d(np.flatnonzero(assigned == number), places)
            if not len(mine):
                continue
            pictures = [part.pictures[place] for place in mine]
            # A decoder measures motion from the key frame that it has, not from the original.
            moved = codes[mine] - codes[places[number]] + self._analyser.codes([key])
            moved = self._check.check(key, pictures, moved)
            if self._adapter is not None:
                moved = self._adapter.adapt(key, pictures, moved)
            wanted[mine] = moved
        return wanted

    def _fading(
        self,
        part: AnalysedPart,
        codes: npt.NDArray[np.float32],
        places: Sequence[int],
        assigned: npt.NDArray[np.intp],
        keys: Sequence[npt.NDArray[np.uint8]],
    ) -> set[int]:
        """The first frames of runs from another key frame that had better fade in."""
        changes = np.setdiff1d(np.flatnonzero(np.diff(assigned)) + 1, places)
        return {
            int(place)
            for place in changes
            if place - 1 not in places
            and self._check.mixes(
                keys[assigned[place]],
                keys[assigned[place - 1]],
                part.pictures[place],
                codes[place],
            )
        }


def first_qp(key_qp: int, *, recurs: bool) -> int:
    """QP of a key frame that is predicted from no other.

    :param key_qp: of key frames as they are. :param recurs: whether others will be predicted from
        it.
    """
    return max(min(_FINEST, key_qp), key_qp - FINER) if recurs else key_qp


def _reference(known: KnownKey | None) -> Reference | None:
    return None if known is None else Reference(known.pts, known.coded.data)


def _size(coded: keyframe.CodedPictures) -> int:
    return sum(map(len, coded.pictures))


def with_parameters(coded: CodedGroup, parameters: bytes) -> CodedGroup:
    """A group for a file whose header holds ``parameters``: other ones it carries itself."""
    group = coded.group
    if group.video or coded.parameters == parameters:
        return coded
    first, *further = group.keys
    first = replace(first, data=coded.parameters + first.data)
    return replace(coded, group=replace(group, keys=(first, *further)))
