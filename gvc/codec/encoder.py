"""Video frames to groups of pictures."""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass, field
from itertools import pairwise

import av
import numpy as np
import numpy.typing as npt

from gvc import keyframe
from gvc.bitstream import Group, VideoHeader
from gvc.codec.key_choice import KeyCandidates
from gvc.codec.levels import LevelCoding
from gvc.codec.pipeline import share
from gvc.codec.planner import Planner
from gvc.codec.quantiser import quantise
from gvc.codec.settings import EncoderSettings, coded_size
from gvc.errors import KeyFrameError
from gvc.media import VideoInfo, tag, to_rgb
from gvc.model import weights
from gvc.model.adaptation import ADAPTATION_SIDE, Adapter, shrink
from gvc.model.analysis import Analyser
from gvc.model.check import MotionCheck
from gvc.model.device import set_threads
from gvc.model.inference import for_inference
from gvc.model.mttf import network_from
from gvc.model.profiles import get_profile

#: Inter frames analysed in one batch.
_BATCH = 16


@dataclass(slots=True)
class _OpenGroup:
    """A group of pictures on its way: first its motion codes are found, then its key frame."""

    pts: list[int] = field(default_factory=list)
    codes: list[npt.NDArray[np.float32]] = field(default_factory=list)
    pictures: list[npt.NDArray[np.uint8]] = field(default_factory=list)
    candidates: KeyCandidates = field(default_factory=KeyCandidates)
    key_index: int | None = None
    key: bytes | None = None
    closed: bool = False

    @property
    def analysed(self) -> bool:
        return self.closed and len(self.codes) == len(self.pts)


#: Frames that are analysed together: their groups, and their pictures, RGB uint8 [H, W, 3].
_Batch = tuple[list[_OpenGroup], list[npt.NDArray[np.uint8]]]

#: The groups of such frames, their motion codes, and their pictures once more, small.
_Analysed = tuple[list[_OpenGroup], npt.NDArray[np.float32], list[npt.NDArray[np.uint8]]]


@dataclass(frozen=True, slots=True)
class CodedGroup:
    """A whole group and when its last frame ends, in the stream's time base."""

    group: Group
    end_pts: int


class VideoEncoder:
    """Codes the frames of one video stream.

    Motion is analysed in threads of its own and key frames are coded in a process, while the next
    frames are taken.

    Groups come out in order, some time after their last frame is known: then a key frame is chosen
    among their frames and coded, and how soon the key-frame codec gives a picture back depends on
    its look-ahead.

    :param info: the stream, as the source describes it.
    :raises UsageError, WeightsError, KeyFrameError: if the settings cannot be carried out.
    """

    def __init__(self, info: VideoInfo, settings: EncoderSettings) -> None:
        # Fitting codes to pictures goes from batch to batch.
        side_by_side = settings.device == "cpu" and not settings.adapt
        shares = share(settings.threads, side_by_side=side_by_side)
        set_threads(shares.each)
        self._info = info
        self._settings = settings
        self._size = coded_size(info.width, info.height, settings.size)
        # A name that means nothing is an error of usage; a profile without weights is another.
        profile = get_profile(settings.model)
        chosen = (
            weights.load(settings.weights) if settings.weights else weights.default(profile.name)
        )
        network = for_inference(network_from(chosen, path=settings.weights))
        self._weights = chosen
        self._level_coding = LevelCoding.for_encoder(settings, chosen)
        self._analyser = Analyser(network, device=settings.device)
        self._check = MotionCheck(network, device=settings.device)
        self._adapter = (
            Adapter(network, steps=settings.adapt, device=settings.device)
            if settings.adapt
            else None
        )
        self._planner = Planner(gop_size=settings.gop_size, threshold=settings.scene_cut)
        width, height = self._size
        self._key_codec = keyframe.get(settings.key_codec)
        self._key_frames = self._key_codec.encoder(
            width=width,
            height=height,
            qp=settings.key_qp,
            colour=info.colour,
            preset=settings.key_preset,
        )
        self._groups: deque[_OpenGroup] = deque()
        self._keyless: deque[_OpenGroup] = deque()
        self._batch: _Batch = [], []
        self._analysis = shares.stage(self._codes_of)
        self._parameters: bytes | None = None

    @property
    def header(self) -> VideoHeader:
        """What a decoder has to know; complete once the first group has come out."""
        if self._parameters is None:
            raise KeyFrameError("no key frame has been coded yet")
        info, settings = self._info, self._settings
        return VideoHeader(
            width=info.width,
            height=info.height,
            coded_width=self._size[0],
            coded_height=self._size[1],
            time_base=info.time_base,
            frame_rate=info.frame_rate,
            sample_aspect_ratio=info.sample_aspect_ratio,
            colour=info.colour,
            key_codec=settings.key_codec,
            key_parameters=self._parameters,
            entropy_model=self._level_coding.model,
            model=self._weights.model,
            weights=self._weights.fingerprint,
            motion_step=settings.motion_step,
            code_length=self._level_coding.length,
            prior=self._level_coding.fingerprint,
        )

    def push(self, frame: av.VideoFrame) -> list[CodedGroup]:
        """Take the next frame, upright, its pts in the stream's time base; give whole groups."""
        assert frame.pts is not None
        picture = to_rgb(frame, *self._size)
        if self._planner.starts_group(picture):
            self._start_group()
        group = self._groups[-1]
        group.candidates.offer(len(group.pts), frame, self._size)
        group.pts.append(frame.pts)
        groups, pictures = self._batch
        groups.append(group)
        pictures.append(picture)
        if len(pictures) == _BATCH:
            self._analyse()
        return self._finished()

    def flush(self) -> list[CodedGroup]:
        """Finish; give the groups that are left."""
        if self._groups:
            self._groups[-1].closed = True
        if self._batch[0]:
            self._analyse()
        self._store(self._analysis.finish())
        self._accept(self._key_frames.finish())
        if self._keyless:
            raise KeyFrameError("the key-frame encoder returned fewer pictures than it was given")
        return self._finished()

    def close(self) -> None:
        """Release thread and key-frame encoder, also where the encoding was not finished."""
        self._analysis.close()
        self._key_frames.close()

    def _start_group(self) -> None:
        if self._groups:
            self._groups[-1].closed = True
        self._groups.append(_OpenGroup())
        self._choose_keys()

    def _choose_keys(self) -> None:
        """Choose and code the key frames of the groups whose motion codes are all known."""
        for group in self._groups:
            if group.analysed and group.key_index is None:
                group.key_index, picture = group.candidates.choose(np.stack(group.codes))
                self._keyless.append(group)
                self._accept(self._key_frames.push(picture))

    def _accept(self, coded: list[keyframe.CodedKeyFrame]) -> None:
        for picture in coded:
            if self._parameters is None:
                self._parameters = picture.parameters
            # Parameter sets are sent once, in the header; a picture with others carries its own.
            same = picture.parameters == self._parameters
            group = self._keyless.popleft()
            group.key = picture.data if same else picture.parameters + picture.data

    def _analyse(self) -> None:
        batch, self._batch = self._batch, ([], [])
        self._store(self._analysis.push(batch))

    def _codes_of(self, batch: _Batch) -> _Analysed:
        groups, pictures = batch
        small = [shrink(picture, ADAPTATION_SIDE) for picture in pictures]
        return groups, self._analyser.codes(pictures), small

    def _store(self, analysed: list[_Analysed]) -> None:
        for groups, codes, pictures in analysed:
            for group, code, picture in zip(groups, codes, pictures, strict=True):
                group.codes.append(code)
                group.pictures.append(picture)
        self._choose_keys()

    def _finished(self) -> list[CodedGroup]:
        finished = []
        while self._groups and self._groups[0].key is not None:
            finished.append(self._pack(self._groups.popleft()))
        return finished

    def _pack(self, group: _OpenGroup) -> CodedGroup:
        assert group.key is not None
        assert group.key_index is not None
        step = self.header.frame_duration
        delays = [b - a - step for a, b in pairwise(group.pts)]
        variable_rate = any(delays)
        coder = self._level_coding.encoder()
        settings = self._settings
        codes = self._motion_codes(group)
        levels = iter(quantise(codes, settings.motion_step, bit_cost=settings.bit_cost))
        for index in range(len(group.pts)):
            if index and variable_rate:
                coder.encode_delay(delays[index - 1])
            if index != group.key_index:
                coder.encode(next(levels))
        packed = Group(
            pts=group.pts[0],
            frames=len(group.pts),
            variable_rate=variable_rate,
            key_index=group.key_index,
            key=group.key,
            motion=coder.finish() if delays else b"",
        )
        return CodedGroup(packed, end_pts=group.pts[-1] + step)

    def _motion_codes(self, group: _OpenGroup) -> npt.NDArray[np.float32]:
        """What to send for the inter frames of a whole group, before quantisation."""
        assert group.key is not None
        assert group.key_index is not None
        assert self._parameters is not None
        codes = np.stack(group.codes)
        own, codes = codes[group.key_index], np.delete(codes, group.key_index, axis=0)
        pictures = [*group.pictures[: group.key_index], *group.pictures[group.key_index + 1 :]]
        if not pictures:
            return codes
        decoder = self._key_codec.decoder(self._parameters)
        key = to_rgb(tag(decoder.decode(group.key), self._info.colour), *self._size)
        # A decoder measures motion from the key frame that it has, not from the original.
        codes = codes - own + self._analyser.codes([key])
        codes = self._check.check(key, pictures, codes)
        if self._adapter is None:
            return codes
        return self._adapter.adapt(key, pictures, codes)
