"""Video frames to groups of pictures."""

from __future__ import annotations

import copy
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Protocol

import av
import numpy as np
import numpy.typing as npt

from gvc.bitstream import VideoHeader
from gvc.codec import speaker_packs
from gvc.codec.analysed_group import AnalysedGroup, AnalysedPart
from gvc.codec.canvas_choice import CanvasChoice
from gvc.codec.face_focus import canvas_scale, focus_for
from gvc.codec.group_coder import CodedGroup, GroupCoder, with_parameters
from gvc.codec.group_planner import GroupPlanner
from gvc.codec.group_starts import GroupStarts
from gvc.codec.known_keys import KnownKeys, alike
from gvc.codec.levels import LevelCoding
from gvc.codec.networks import for_decoding
from gvc.codec.pipeline import Stage, share
from gvc.codec.rate_planner import RatePlanner
from gvc.codec.rectangles import FACES_EVERY, choose_rectangles
from gvc.codec.settings import EncoderSettings, canvas_size, coded_size
from gvc.codec.shown import Shown
from gvc.errors import KeyFrameError
from gvc.faces import Faces
from gvc.media import VideoInfo, part_to_rgb, to_rgb, to_yuv420
from gvc.model import models
from gvc.model.adaptation import ADAPTATION_SIDE, shrink
from gvc.model.analysis import Analyser
from gvc.model.device import set_threads
from gvc.model.distance import Distance
from gvc.model.inference import for_inference
from gvc.model.mttf import network_from
from gvc.model.weights import Weights

#: Inter frames analysed in one batch.
_BATCH = 16

#: Parts of frames that are analysed together, and their pictures, RGB uint8 [H, W, 3].
_Batch = tuple[list[AnalysedPart], list[npt.NDArray[np.uint8]]]

#: Such parts, their motion codes, and their pictures once more, small.
_Analysed = tuple[list[AnalysedPart], npt.NDArray[np.float32], list[npt.NDArray[np.uint8]]]


class Planner(Protocol):
    """Decides how groups are coded."""

    def code(self, frames: AnalysedGroup) -> list[CodedGroup]:
        """Code a group, as several if it has to be cut, or as none if it is only looked at.

        :raises KeyFrameError: if the key-frame codec fails.
        """


@dataclass(frozen=True, slots=True)
class _Plan:
    """How a stream is coded.

    :param header: of it, but for the parameter sets. :param whole: width and height of the pictures
        that show where groups begin. :param coding: whole groups to what the file holds.
    """

    header: VideoHeader
    whole: tuple[int, int]
    coding: Stage[AnalysedGroup, list[CodedGroup]]


class VideoEncoder:
    """Codes the frames of one video stream.

    Motion is analysed in threads of its own, and whole groups are coded in another, while the next
    frames are taken. Groups come out in order, some time after their last frame is known: then key
    frames are chosen among their frames, and the rectangles that are generated, where there is a
    canvas.

    :param info: the stream, as the source describes it.
    :param distance: what groups are planned by, as ``settings`` name it.
    :param planner: makes what plans and codes groups; None takes what the settings ask for.
    :param canvas: what says whether there is one; it may have looked at the first frames already.
    :param faces: what finds faces, where that is needed; None takes what this machine has.
    :raises GvcError: if the settings cannot be carried out.
    """

    def __init__(
        self,
        info: VideoInfo,
        settings: EncoderSettings,
        distance: Distance,
        *,
        canvas: CanvasChoice,
        planner: Callable[[GroupCoder, Shown], Planner] | None = None,
        faces: Faces | None = None,
    ) -> None:
        self._shares = share(settings.threads, side_by_side=settings.device == "cpu")
        set_threads(self._shares.each)
        self._settings, self._distance = settings, distance
        chosen = models.weights_for(settings.model, settings.weights)
        pack = speaker_packs.load(settings.pack) if settings.pack else None
        shown = chosen if pack is None else pack.adapt(chosen)
        self._network = for_inference(network_from(shown, path=settings.weights))
        #: The speaker pack that the file is to hold, or None.
        self.embedded_pack = pack.data if pack is not None and settings.embed_pack else None
        self._levels = LevelCoding.for_encoder(settings, chosen)
        self._header = _header(info, settings, chosen, self._levels)
        if pack is not None:
            self._header = replace(self._header, pack=pack.fingerprint)
        self._analyser = Analyser(self._network, device=settings.device)
        self._make_planner = planner or (RatePlanner if settings.bit_rate else GroupPlanner)
        self._starts = GroupStarts(gop_size=settings.gop_size, threshold=settings.scene_cut)
        self._groups: deque[AnalysedGroup] = deque()
        self._batch: _Batch = [], []
        self._analysis = self._shares.stage(self._codes_of)
        self._parameters: bytes | None = None
        self._focus = focus_for(settings, faces)
        self._choice = canvas
        self._waiting: list[av.VideoFrame] = []
        self._begun: _Plan | None = None
        if self._choice.made is not None:
            # Whatever keeps groups from being coded must show before there is a frame.
            self._begun = self._begin(canvas=self._choice.made)

    @property
    def header(self) -> VideoHeader:
        """What a decoder has to know; complete once the first group has come out."""
        if self._parameters is None:
            raise KeyFrameError("no key frame has been coded yet")
        return replace(self._plan.header, key_parameters=self._parameters)

    def push(self, frame: av.VideoFrame) -> list[CodedGroup]:
        """Take the next frame, upright, its pts in the stream's time base; give whole groups."""
        self._waiting.append(frame)
        self._choice.look(frame)
        return self._finished(self._take_waiting() if self._choice.made is not None else [])

    def flush(self) -> list[CodedGroup]:
        """Finish; give the groups that are left."""
        coded = self._take_waiting()
        if self._plan.header.canvas is not None and self._groups:
            self._look_closely(self._groups[-1])
        if self._batch[0]:
            self._analyse()
        self._store(self._analysis.finish())
        coded += self._code(ended=True)
        for groups in self._plan.coding.finish():
            coded += groups
        return self._finished(coded)

    def close(self) -> None:
        """Release the threads, also where the encoding was not finished."""
        self._analysis.close()
        if self._begun is not None:
            self._begun.coding.close()

    @property
    def _plan(self) -> _Plan:
        """How the stream is coded; made when it has to be."""
        if self._begun is None:
            self._begun = self._begin(canvas=self._choice.settle())
        return self._begun

    def _begin(self, *, canvas: bool) -> _Plan:
        header, settings = self._header, self._settings
        if canvas:
            size = coded_size(settings.size, settings.size, settings.size)
            scale = canvas_scale(settings, self._choice.face)
            header = replace(
                header,
                coded_width=size[0],
                coded_height=size[1],
                canvas=canvas_size(header.width, header.height, scale=scale),
            )
        decoding = for_decoding(
            copy.deepcopy(self._network),
            header.weights,
            settings.precision,
            device=settings.device,
            extra_weights=settings.weights,
        )
        known = KnownKeys(round(settings.refresh / header.time_base))
        coder = GroupCoder(header, settings, self._network, self._levels, known)
        planner = self._make_planner(coder, Shown(coder, decoding, self._distance))

        def code(frames: AnalysedGroup) -> list[CodedGroup]:
            coded = planner.code(frames)
            for each in coded:
                known.add(each.known)
            return coded

        threads = self._shares.each
        coding = Stage(code, bound=2, start=lambda: set_threads(threads))
        whole = self._header.coded_width, self._header.coded_height
        return _Plan(header, whole, coding)

    def _take_waiting(self) -> list[CodedGroup]:
        waiting, self._waiting = self._waiting, []
        return [group for frame in waiting for group in self._take(frame)]

    def _take(self, frame: av.VideoFrame) -> list[CodedGroup]:
        assert frame.pts is not None
        header = self._plan.header
        kept = to_yuv420(frame, *header.key_size)
        picture = to_rgb(kept, *self._plan.whole)
        starts = self._starts.starts_group(picture)
        if self._focus is not None:
            kept = self._focus.keep_faces(kept, anew=starts)
        if starts:
            if header.canvas is not None and self._groups:
                self._look_closely(self._groups[-1])
            # With a canvas nobody knows the parts before the group is whole.
            parts = [AnalysedPart()] if header.canvas is None else []
            self._groups.append(AnalysedGroup(parts=parts))
        group = self._groups[-1]
        group.pts.append(frame.pts)
        group.frames.append(kept)
        if header.canvas is None:
            if self._focus is not None:
                picture = to_rgb(kept, *self._plan.whole)
            self._look_at(group.parts[0], picture)
        return self._code()

    def _look_closely(self, group: AnalysedGroup) -> None:
        """Choose the rectangles of a group whose frames are all there; look at them in each."""
        header, finder = self._plan.header, self._choice.finder
        assert header.canvas is not None
        assert finder is not None
        sampled = group.frames[::FACES_EVERY]
        found = [finder.find(to_rgb(frame, *header.canvas)) for frame in sampled]
        rectangles = choose_rectangles(found, *header.canvas, most=self._settings.faces)
        group.parts = [AnalysedPart(rectangle) for rectangle in rectangles] or [AnalysedPart()]
        size = header.coded_width, header.coded_height
        for part in group.parts:
            for frame in group.frames:
                self._look_at(part, part_to_rgb(frame, part.rectangle, size, header.colour))

    def _look_at(self, part: AnalysedPart, picture: npt.NDArray[np.uint8]) -> None:
        parts, pictures = self._batch
        parts.append(part)
        pictures.append(picture)
        if len(pictures) == _BATCH:
            self._analyse()

    def _analyse(self) -> None:
        batch, self._batch = self._batch, ([], [])
        self._store(self._analysis.push(batch))

    def _codes_of(self, batch: _Batch) -> _Analysed:
        parts, pictures = batch
        small = [shrink(picture, ADAPTATION_SIDE) for picture in pictures]
        return parts, self._analyser.codes(pictures), small

    def _store(self, analysed: list[_Analysed]) -> None:
        for parts, codes, pictures in analysed:
            for part, code, picture in zip(parts, codes, pictures, strict=True):
                part.codes.append(code)
                part.pictures.append(picture)

    def _code(self, *, ended: bool = False) -> list[CodedGroup]:
        """Hand on the groups whose motion codes are all known; give those that were coded."""
        coded = []
        while len(self._groups) > (0 if ended else 1):
            if not self._groups[0].analysed:
                break
            group = self._groups.popleft()
            group.recurs = self._recurs(group)
            for groups in self._plan.coding.push(group):
                coded += groups
        return coded

    def _recurs(self, group: AnalysedGroup) -> bool:
        if not self._groups or not self._settings.refresh:
            return False
        return alike(group.frames[0], self._groups[0].frames[0])

    def _finished(self, coded: list[CodedGroup]) -> list[CodedGroup]:
        if self._parameters is None and coded:
            # Parameter sets are sent once, in the header.
            self._parameters = coded[0].parameters
        return [with_parameters(each, self._parameters or b"") for each in coded]


def _header(
    info: VideoInfo,
    settings: EncoderSettings,
    chosen: Weights,
    coding: LevelCoding,
) -> VideoHeader:
    """Without a canvas."""
    size = coded_size(info.width, info.height, settings.size)
    return VideoHeader(
        width=info.width,
        height=info.height,
        coded_width=size[0],
        coded_height=size[1],
        time_base=info.time_base,
        frame_rate=info.frame_rate,
        sample_aspect_ratio=info.sample_aspect_ratio,
        colour=info.colour,
        key_codec=settings.key_codec,
        key_parameters=b"",
        entropy_model=coding.model,
        model=chosen.model,
        weights=chosen.fingerprint,
        motion_step=settings.step,
        code_length=coding.length,
        prior=coding.fingerprint,
    )
