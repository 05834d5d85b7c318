"""Key-frame codecs: every picture decodes alone, close to what went in."""

from __future__ import annotations

from dataclasses import replace

import av
import numpy as np
import pytest
from conftest import draw_head

from gvc import keyframe
from gvc.bitstream import ColourDescription
from gvc.errors import GvcError, InvalidDataError, KeyFrameError, UnsupportedError, UsageError
from gvc.media import from_rgb, scale, tag, to_rgb
from gvc.media.program import ffmpeg_version

COLOUR = ColourDescription(1, 1, 1)
PRESETS = {"vvc": "faster", "hevc": "ultrafast"}


def pictures(count: int, size: tuple[int, int] = (144, 80)) -> list[av.VideoFrame]:
    return [from_rgb(draw_head(3 * index, *size), *size, COLOUR) for index in range(count)]


def encoder_of(name: str, *, qp: int, size: tuple[int, int] = (144, 80)):
    return keyframe.get(name).encoder(
        width=size[0], height=size[1], qp=qp, colour=COLOUR, preset=PRESETS[name]
    )


def code(name: str, *, qp: int, count: int = 1, inter: bool = True):
    return keyframe.get(name), encoder_of(name, qp=qp).encode(pictures(count), inter=inter)


def error_of(frame: av.VideoFrame, index: int) -> float:
    """Mean difference from picture number ``index``."""
    assert (frame.width, frame.height) == (144, 80)
    shown = to_rgb(tag(frame, COLOUR), 144, 80).astype(int)
    return float(np.abs(shown - draw_head(3 * index, 144, 80)).mean())


@pytest.mark.parametrize("name", keyframe.names())
def test_intra_pictures_decode_alone_and_in_any_order(name):
    codec, coded = code(name, qp=27, count=3, inter=False)
    assert len(coded.pictures) == 3
    decoder = codec.decoder(coded.parameters)
    for index in (2, 0, 1):
        (frame,) = decoder.decode([coded.pictures[index]])
        assert error_of(frame, index) < 4


@pytest.mark.parametrize("name", keyframe.names())
def test_pictures_are_predicted_from_those_before_them(name):
    codec, coded = code(name, qp=27, count=3)
    decoder = codec.decoder(coded.parameters)
    for count in (3, 2, 1):
        frames = decoder.decode(coded.pictures[:count])
        assert len(frames) == count
        assert all(error_of(frame, index) < 5 for index, frame in enumerate(frames))
    alone = code(name, qp=27, count=3, inter=False)[1]
    assert sum(map(len, coded.pictures[1:])) < 0.8 * sum(map(len, alone.pictures[1:]))


@pytest.mark.parametrize("name", keyframe.names())
def test_video_comes_back_in_order(name):
    stream = encoder_of(name, qp=40).encode_video(pictures(11), qp=27)
    frames = list(keyframe.get(name).decoder(b"").decode_video(stream))
    assert len(frames) == 11
    assert all(error_of(frame, index) < 5 for index, frame in enumerate(frames))
    coarse = encoder_of(name, qp=40).encode_video(pictures(11), qp=42)
    assert len(coarse) < 0.7 * len(stream)


@pytest.mark.parametrize("name", keyframe.names())
def test_a_higher_qp_costs_fewer_bytes(name):
    sizes = [len(code(name, qp=qp)[1].pictures[0]) for qp in (22, 32, 42)]
    assert sizes[0] > sizes[1] > sizes[2] > 0


def test_a_missing_program_is_said(monkeypatch):
    def missing():
        raise RuntimeError("No ffmpeg exe could be found.")

    monkeypatch.setattr("imageio_ffmpeg.get_ffmpeg_exe", missing)
    with pytest.raises(KeyFrameError, match=r"for the key frames \(pip install imageio-ffmpeg"):
        code("vvc", qp=32)
    with pytest.raises(UnsupportedError, match=r"no ffmpeg program \(pip install imageio-ffmpeg"):
        ffmpeg_version()


def test_more_bits_than_vvenc_has_room_for_are_said():
    noise = np.random.default_rng(0).integers(0, 256, (80, 144, 3), np.uint8)
    with pytest.raises(KeyFrameError, match="a higher QP"):
        encoder_of("vvc", qp=0).encode([from_rgb(noise, 144, 80, COLOUR)])


@pytest.mark.parametrize("name", keyframe.names())
def test_damaged_pictures_are_refused(name):
    codec, coded = code(name, qp=32)
    for data in (b"", b"\0\0\1", coded.pictures[0][:5], bytes(500)):
        with pytest.raises(InvalidDataError):
            codec.decoder(coded.parameters).decode([data])
        with pytest.raises(InvalidDataError):
            codec.decoder(coded.parameters).decode([coded.pictures[0], data])
    with pytest.raises(InvalidDataError):
        codec.decoder(b"").decode(coded.pictures)


def test_flipped_bits_end_in_a_picture_or_a_clear_error():
    codec, coded = code("vvc", qp=32)
    rng = np.random.default_rng(0)
    for _ in range(40):
        data = bytearray(coded.pictures[0])
        data[rng.integers(len(data))] ^= 1 << int(rng.integers(8))
        message = ""
        try:
            (frame,) = codec.decoder(coded.parameters).decode([bytes(data)])
            assert isinstance(frame, av.VideoFrame)
        except GvcError as error:
            message = str(error)
        assert "\n" not in message


def test_unknown_names_and_presets():
    with pytest.raises(UnsupportedError, match="nonesuch"):
        keyframe.get("nonesuch")
    codec = keyframe.get("vvc")
    with pytest.raises(UsageError, match="preset"):
        codec.encoder(width=64, height=64, qp=32, colour=COLOUR, preset="warp")


def test_a_missing_ffmpeg_is_explained(monkeypatch):
    monkeypatch.setenv("IMAGEIO_FFMPEG_EXE", "/nonexistent/ffmpeg")
    with pytest.raises(GvcError, match="ffmpeg"):
        keyframe.get("vvc").encoder(width=64, height=64, qp=32, colour=COLOUR)


@pytest.mark.parametrize("name", keyframe.names())
@pytest.mark.parametrize("full_range", [False, True])
def test_samples_keep_their_range(name, full_range):
    colour = ColourDescription(1, 1, 1, full_range)
    ramp = np.tile(np.linspace(0, 255, 64).round().astype(np.uint8), (96, 1))
    encoder = keyframe.get(name).encoder(
        width=64, height=64, qp=2, colour=colour, preset=PRESETS[name]
    )
    frame = av.VideoFrame.from_ndarray(ramp, format="yuv420p")
    coded = encoder.encode([tag(frame, colour)])
    (decoded,) = keyframe.get(name).decoder(coded.parameters).decode(coded.pictures)
    luma = scale(decoded, 64, 64, colour).to_ndarray()[:64].astype(int)
    assert np.abs(luma - ramp[:64]).max() <= 2


def reference_of(name: str, *, qp: int, coded_with: int | None = None):
    """A picture coded alone with ``qp``, by an encoder of another QP perhaps."""
    (picture,) = pictures(1)
    coded = encoder_of(name, qp=coded_with or qp).encode([picture], first_qp=qp)
    return keyframe.CodedReference(picture, coded.parameters, coded.pictures[0], qp)


@pytest.mark.parametrize("name", keyframe.names())
def test_pictures_can_be_predicted_from_one_that_was_coded_before(name):
    reference = reference_of(name, qp=21, coded_with=27)
    later = pictures(3)[1:]
    coded = encoder_of(name, qp=27).encode_after(reference, later)
    assert coded is not None
    alone = encoder_of(name, qp=27).encode(later)
    assert sum(map(len, coded.pictures)) < 0.9 * sum(map(len, alone.pictures))
    decoder = keyframe.get(name).decoder(coded.parameters)
    _, *shown = decoder.decode([reference.data, *coded.pictures])
    assert [error_of(frame, index) < 5 for index, frame in enumerate(shown, start=1)] == [True] * 2
    with pytest.raises(InvalidDataError):
        decoder.decode(coded.pictures)


@pytest.mark.parametrize("qp", [17, 32, 47])
def test_vvc_pictures_can_be_predicted_from_one_of_any_qp(qp):
    reference = reference_of("vvc", qp=26, coded_with=32)
    coded = encoder_of("vvc", qp=qp).encode_after(reference, pictures(2)[1:])
    assert coded is not None
    _, frame = (
        keyframe.get("vvc").decoder(coded.parameters).decode([reference.data, *coded.pictures])
    )
    assert error_of(frame, 1) < 8


@pytest.mark.parametrize("name", keyframe.names())
def test_what_another_encoder_made_is_no_reference(name):
    reference = reference_of(name, qp=27)
    other = replace(reference, data=reference.data + b"x")
    assert encoder_of(name, qp=27).encode_after(other, pictures(2)[1:]) is None
