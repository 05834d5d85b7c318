"""Key-frame codecs: every picture decodes alone, close to what went in."""

from __future__ import annotations

import time

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


def code(name: str, *, qp: int, count: int = 2, size: tuple[int, int] = (144, 80)):
    codec = keyframe.get(name)
    encoder = codec.encoder(
        width=size[0], height=size[1], qp=qp, colour=COLOUR, preset=PRESETS[name]
    )
    coded = []
    try:
        for index in range(count):
            coded += encoder.push(from_rgb(draw_head(3 * index, *size), *size, COLOUR))
        coded += encoder.finish()
    finally:
        encoder.close()
    return codec, coded


@pytest.mark.parametrize("name", keyframe.names())
def test_pictures_decode_alone_and_in_any_order(name):
    codec, coded = code(name, qp=27, count=3)
    assert len(coded) == 3
    assert len({picture.parameters for picture in coded}) == 1
    decoder = codec.decoder(coded[0].parameters)
    for index in (2, 0, 1):
        frame = decoder.decode(coded[index].data)
        assert (frame.width, frame.height) == (144, 80)
        shown = to_rgb(tag(frame, COLOUR), 144, 80).astype(int)
        assert np.abs(shown - draw_head(3 * index, 144, 80)).mean() < 4


@pytest.mark.parametrize("name", keyframe.names())
def test_a_higher_qp_costs_fewer_bytes(name):
    sizes = [len(code(name, qp=qp, count=1)[1][0].data) for qp in (22, 32, 42)]
    assert sizes[0] > sizes[1] > sizes[2] > 0


def test_a_missing_program_is_said(monkeypatch):
    def missing():
        raise RuntimeError("No ffmpeg exe could be found.")

    monkeypatch.setattr("imageio_ffmpeg.get_ffmpeg_exe", missing)
    with pytest.raises(KeyFrameError, match=r"for the key frames \(pip install imageio-ffmpeg"):
        code("vvc", qp=32)
    with pytest.raises(UnsupportedError, match=r"no ffmpeg program \(pip install imageio-ffmpeg"):
        ffmpeg_version()


@pytest.mark.parametrize("name", keyframe.names())
def test_damaged_pictures_are_refused(name):
    codec, (coded,) = code(name, qp=32, count=1)
    for data in (b"", b"\0\0\1", coded.data[:5], bytes(500)):
        with pytest.raises(InvalidDataError):
            codec.decoder(coded.parameters).decode(data)
    with pytest.raises(InvalidDataError):
        codec.decoder(b"").decode(coded.data)


def test_flipped_bits_end_in_a_picture_or_a_clear_error():
    codec, (coded,) = code("vvc", qp=32, count=1)
    rng = np.random.default_rng(0)
    for _ in range(40):
        data = bytearray(coded.data)
        data[rng.integers(len(data))] ^= 1 << int(rng.integers(8))
        message = ""
        try:
            assert isinstance(codec.decoder(coded.parameters).decode(bytes(data)), av.VideoFrame)
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
    try:
        frame = av.VideoFrame.from_ndarray(ramp, format="yuv420p")
        (coded,) = encoder.push(tag(frame, colour)) + encoder.finish()
    finally:
        encoder.close()
    decoded = keyframe.get(name).decoder(coded.parameters).decode(coded.data)
    luma = scale(decoded, 64, 64, colour).to_ndarray()[:64].astype(int)
    assert np.abs(luma - ramp[:64]).max() <= 2


def test_vvc_pictures_come_back_before_the_end():
    encoder = keyframe.get("vvc").encoder(
        width=64, height=64, qp=40, colour=COLOUR, preset="faster"
    )
    deadline = time.monotonic() + 60
    coded, pushed = [], 0
    try:
        while not coded and time.monotonic() < deadline:
            coded += encoder.push(from_rgb(draw_head(pushed, 64, 64), 64, 64, COLOUR))
            pushed += 1
            time.sleep(0.1)
        assert coded
        coded += encoder.finish()
    finally:
        encoder.close()
    assert len(coded) == pushed
