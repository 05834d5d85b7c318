"""Groups of pictures to video frames."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Container, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import av
import numpy as np
import numpy.typing as npt

from gvc import keyframe
from gvc.bitstream import ColourDescription, Group, Rectangle, VideoHeader
from gvc.codec import speaker_packs
from gvc.codec.levels import LevelCoding
from gvc.codec.motion_run import TimedFrame, read_runs
from gvc.codec.networks import for_decoding
from gvc.codec.pipeline import share
from gvc.codec.settings import SIDE_UNIT, Precision, decoded_header
from gvc.errors import InvalidDataError, UnsupportedError
from gvc.media import from_planes, luma_weights, part_to_rgb, scale, tag
from gvc.model import weights
from gvc.model.canvas import Canvas, Place
from gvc.model.device import set_threads
from gvc.model.inference import for_inference
from gvc.model.mttf import KeyState, Mttf, network_from
from gvc.model.synthesis import Synthesiser, YuvMatrix

#: Most inter frames generated in one batch, and most pixels of them where they are several: large
#: ones take memory and time in which nothing comes out.
_BATCH_FRAMES, _BATCH_PIXELS = 8, 8 << 16


@dataclass(frozen=True, slots=True)
class MotionBatch:
    """Inter frames that are generated together.

    :param key: the key frame that they are animated from, a number in the order of coding.
    :param times: their pts. :param codes: float32 [N, code_length], in units of the coder's spread.
    :param layers: the frames as each rectangle shows them; ``key`` and ``codes`` are of the first.
    :param key_time: pts of the key frame if it is the frame right after these, of which there may
        then be none.
    """

    key: int
    times: list[int]
    codes: npt.NDArray[np.float32]
    layers: tuple[tuple[TimedFrame, ...], ...]
    key_time: int | None = None


def _mixed(
    picture: npt.NDArray[np.uint8], other: npt.NDArray[np.uint8], fifths: int
) -> npt.NDArray[np.uint8]:
    """Two pictures in one, ``fifths`` of the other one."""
    # Arrays carry the width: before NumPy 2 a scalar does not widen the array beside it.
    mixed = picture.astype(np.uint16) * (5 - fifths) + other.astype(np.uint16) * fifths + 2
    return (mixed // 5).astype(np.uint8)


def _keys_of(frames: Sequence[TimedFrame]) -> set[int]:
    """The key frames that frames are made of."""
    return {frame.key for frame in frames} | {frame.fade.key for frame in frames if frame.fade}


def _scaled(rectangle: Rectangle | None, size: tuple[int, int], wanted: tuple[int, int]) -> Place:
    """A rectangle of a picture of one size, or all of that, in a picture of another size."""
    if rectangle is None:
        return Place(0, 0, *wanted)
    across, down = (
        [2 * round(side * new / (2 * old)) for side in sides]
        for sides, new, old in zip(
            ((rectangle.left, rectangle.right), (rectangle.top, rectangle.bottom)),
            wanted,
            size,
            strict=True,
        )
    )
    # In a small picture not much may be left of it.
    left, top = min(across[0], wanted[0] - 2), min(down[0], wanted[1] - 2)
    return Place(left, top, max(2, across[1] - left), max(2, down[1] - top))


def matrix_of(colour: ColourDescription) -> YuvMatrix:
    """How generated pictures become planes that have the colours ``colour``."""
    return YuvMatrix(*luma_weights(colour), full_range=colour.full_range)


class VideoDecoder:
    """Decodes groups of one video stream, each on its own.

    Pictures are generated in threads of their own, while those before are converted and taken.

    :param header: of the stream.
    :param size: decode at a reduced size, see :func:`gvc.codec.settings.decoded_header`.
    :param extra_weights: a weights file, or a folder of them, besides those that ship.
    :param pack: the speaker pack inside the file, if there is one. :param pack_places: where to
        look for it otherwise, see :func:`gvc.codec.speaker_packs.find`.
    :param threads: see :func:`gvc.codec.pipeline.share`.
    :param precision: of the generators. What is made of a file in integers does not depend on
        threads either.
    :param network: that of the header's weights, for inference at some precision, where it is at
        hand already.
    :param coding: the entropy model that the header names, likewise.
    :raises WeightsError: if the weights or the pack that the file was made with are not here.
    :raises UnsupportedError, UsageError: if the header asks for what this build lacks.
    """

    def __init__(
        self,
        header: VideoHeader,
        *,
        size: int | None = None,
        extra_weights: Path | None = None,
        pack: bytes | None = None,
        pack_places: Sequence[Path] = (),
        device: str = "cpu",
        threads: int | None = None,
        precision: Precision = Precision.AUTO,
        network: Mttf | None = None,
        coding: LevelCoding | None = None,
    ) -> None:
        self._shares = share(threads, side_by_side=device == "cpu")
        set_threads(self._shares.each)
        self._header = header
        #: The stream as it comes out: the file's own header but for the sizes.
        self.header = decoded_header(header, size)
        if network is None:
            found = weights.find(header.weights, extra=extra_weights)
            if header.pack is not None:
                own = speaker_packs.find(header.pack, embedded=pack, places=pack_places)
                found = own.adapt(found)
            network = for_decoding(
                for_inference(network_from(found)),
                header.weights,
                precision,
                device=device,
                extra_weights=extra_weights,
            )
        if network.profile.code_length != header.code_length:
            raise InvalidDataError("motion codes do not have the length that the weights need")
        self._level_coding = coding or LevelCoding.for_decoder(header, extra=extra_weights)
        if header.coded_width % SIDE_UNIT or header.coded_height % SIDE_UNIT:
            raise UnsupportedError("coded size is not a multiple of 16")
        self._synthesiser = Synthesiser(network, device=device)
        self._matrix = matrix_of(header.colour)
        self._key_frames = keyframe.get(header.key_codec).decoder(
            header.key_parameters, size=header.key_size
        )

    def decode(
        self, group: Group, *, only: Container[int] | None = None
    ) -> Iterator[av.VideoFrame]:
        """Frames of ``group`` in order: yuv420p, of the size in :attr:`header`, with pts.

        :param only: pts of the frames that are wanted; None for all.
        :raises InvalidDataError, KeyFrameError: if the group is damaged.
        """
        if group.video:
            shown = self._decode_video(group)
            yield from (frame for frame in shown if only is None or frame.pts in only)
            return
        keys = self._decode_keys(group)
        states: list[dict[int, KeyState | Canvas]] = [{} for _ in group.runs]

        def prepared() -> Iterator[MotionBatch]:
            rectangles = group.rectangles or (None,)
            for batch in self.motion(group, only=only):
                for known, rectangle, frames in zip(states, rectangles, batch.layers, strict=True):
                    for key in _keys_of(frames) - known.keys():
                        known[key] = self._prepared(keys[key], rectangle)
                yield batch

        def generate(batch: MotionBatch) -> tuple[MotionBatch, Sequence[npt.NDArray[np.uint8]]]:
            pictures: npt.NDArray[np.uint8] | None = None
            for known, frames in zip(states, batch.layers, strict=True):
                if frames:
                    pictures = self._drawn(known, frames, pictures)
            return batch, () if pictures is None else list(pictures)

        with self._shares.stage(generate) as generator:
            for batch, pictures in generator.map(prepared()):
                yield from self._frames(batch.times, pictures)
                if batch.key_time is not None:
                    yield self._show(keys[batch.key], batch.key_time)

    def key_pictures(self, group: Group) -> list[npt.NDArray[np.uint8]]:
        """What the network animates: the key frames in the order of coding.

        :returns: RGB, uint8 [H, W, 3], of the coded size; none of a group coded as video.
        :raises InvalidDataError, KeyFrameError: if they are damaged.
        """
        return [self._seen(key, group.rectangle) for key in self._decode_keys(group)]

    def motion(self, group: Group, *, only: Container[int] | None = None) -> Iterator[MotionBatch]:
        """Times of all frames of ``group`` and the motion codes of its inter frames, in batches.

        :param only: pts of the frames that are wanted; None for all.
        :raises InvalidDataError: if they are damaged.
        """
        area = self.header.coded_width * self.header.coded_height
        most = min(_BATCH_FRAMES, max(1, _BATCH_PIXELS // area))
        # Alone, so that there is something to show soon.
        wanted = 1
        # Each frame as all rectangles show it.
        frames = list[tuple[TimedFrame, ...]]()
        for shown in self._timed(group):
            frame = shown[0]
            if only is not None and frame.pts not in only:
                continue
            if frames and (len(frames) == wanted or frame.key != frames[0][0].key):
                yield self._batch(group, frames)
                frames, wanted = [], most
            if frame.code is not None:
                frames.append(shown)
            else:
                yield replace(self._batch(group, frames), key=frame.key, key_time=frame.pts)
                frames = []
        if frames:
            yield self._batch(group, frames)

    def times(self, group: Group) -> list[int]:
        """The pts of all frames of ``group``; nothing is generated.

        :raises InvalidDataError: if they are damaged.
        """
        return [frame.pts for frame, *_ in self._timed(group)]

    def _timed(self, group: Group) -> Iterator[tuple[TimedFrame, ...]]:
        duration = self._header.frame_duration
        return read_runs(self._level_coding, group, frame_duration=duration)

    def _batch(self, group: Group, frames: Sequence[tuple[TimedFrame, ...]]) -> MotionBatch:
        layers = tuple(zip(*frames, strict=True)) or tuple(() for _ in group.runs)
        key = frames[0][0].key if frames else 0
        times = [frame.pts for frame in layers[0]]
        return MotionBatch(key, times, self._codes(layers[0]), layers)

    def _codes(self, frames: Sequence[TimedFrame]) -> npt.NDArray[np.float32]:
        codes = np.empty((len(frames), self._header.code_length), np.float32)
        for place, frame in enumerate(frames):
            codes[place] = frame.code
        return codes

    def _decode_video(self, group: Group) -> Iterator[av.VideoFrame]:
        pictures = self._key_frames.decode_video(group.video)
        for (frame,) in self._timed(group):
            picture = next(pictures, None)
            if picture is None:
                raise InvalidDataError("a group coded as video holds too few pictures")
            yield self._show(self._checked(picture), frame.pts)

    def _decode_keys(self, group: Group) -> list[av.VideoFrame]:
        if not group.keys:
            return []
        before = [group.reference.data] if group.reference else []
        pictures = self._key_frames.decode([*before, *(key.data for key in group.keys)])
        return [self._checked(picture) for picture in pictures[len(before) :]]

    def _checked(self, key: av.VideoFrame) -> av.VideoFrame:
        if (key.width, key.height) != self._header.key_size:
            raise InvalidDataError("key frame does not have the size that the header says")
        return tag(key, self._header.colour)

    def _show(self, picture: av.VideoFrame, pts: int) -> av.VideoFrame:
        header = self.header
        return self._finish(scale(picture, header.width, header.height, header.colour), pts)

    def _prepared(self, key: av.VideoFrame, rectangle: Rectangle | None) -> KeyState | Canvas:
        state = self._synthesiser.prepare(self._seen(key, rectangle))
        canvas = self.header.canvas
        if canvas is None:
            return state
        place = _scaled(rectangle, self._header.key_size, canvas)
        planes = scale(key, *canvas, self._header.colour).to_ndarray()
        return self._synthesiser.spread(state, np.asarray(planes, np.uint8), place, self._matrix)

    def _drawn(
        self,
        states: Mapping[int, KeyState | Canvas],
        frames: Sequence[TimedFrame],
        pictures: npt.NDArray[np.uint8] | None,
    ) -> npt.NDArray[np.uint8]:
        """Frames as one rectangle shows them, drawn on ``pictures`` if there is one before it.

        :param states: of the rectangle, by key frame.
        """
        codes = self._codes(frames)

        def animated(key: int, places: list[int]) -> npt.NDArray[np.uint8]:
            state = states[key]
            if isinstance(state, Canvas):
                on = None if pictures is None else pictures[places]
                return self._synthesiser.animate_on(state, codes[places], on)
            return self._synthesiser.animate(state, codes[places], self._matrix)

        places_of = defaultdict[int, list[int]](list)
        for place, frame in enumerate(frames):
            places_of[frame.key].append(place)
        order = [place for places in places_of.values() for place in places]
        parts = [animated(key, places) for key, places in places_of.items()]
        drawn = np.concatenate(parts)[np.argsort(order)]
        for place, frame in enumerate(frames):
            if frame.fade is not None:
                (other,) = animated(frame.fade.key, [place])
                drawn[place] = _mixed(drawn[place], other, frame.fade.fifths)
        return drawn

    def _seen(self, key: av.VideoFrame, rectangle: Rectangle | None) -> npt.NDArray[np.uint8]:
        """The part of a key frame that the network animates, at the network's size."""
        size = self.header.coded_width, self.header.coded_height
        return part_to_rgb(key, rectangle, size, self._header.colour)

    def _frames(
        self, times: list[int], pictures: Sequence[npt.NDArray[np.uint8]]
    ) -> Iterator[av.VideoFrame]:
        header = self.header
        for pts, planes in zip(times, pictures, strict=True):
            yield self._finish(from_planes(planes, header.width, header.height, header.colour), pts)

    def _finish(self, frame: av.VideoFrame, pts: int) -> av.VideoFrame:
        frame.pts = pts
        frame.time_base = self._header.time_base
        return frame
