"""Recordings as people have them: what becomes of their pictures, by what comes out."""

from __future__ import annotations

import io
from fractions import Fraction
from pathlib import Path

import av
import numpy as np
import pytest
from conftest import read_video, write_clip
from recordings import HEIGHT, WIDTH, ffmpeg, head, read, shown, there_and_back, write

import gvc
from gvc.bitstream import ColourDescription
from gvc.media import Source, colour_of, from_rgb, tag, to_rgb, to_yuv420
from gvc.media.filters import FilterChain


@pytest.mark.parametrize(
    "pixel_format",
    ["yuv422p", "yuv444p", "gray", "yuv420p10le", "yuv422p10le", "yuv444p12le", "bgr0", "bgra"],
)
def test_pixel_formats_keep_the_picture(pixel_format, tmp_path):
    frame = av.VideoFrame.from_ndarray(head(), format="rgb24").reformat(format=pixel_format)
    frames, _, said = read(write(tmp_path / "clip.mkv", [frame]))
    wanted = head().astype(int)
    if pixel_format == "gray":
        wanted = (wanted @ (0.299, 0.587, 0.114))[..., None].repeat(3, axis=-1)
    error = shown(frames[0]) - wanted
    assert abs(error.mean()) < 0.6
    # Colours lose resolution at edges.
    assert np.median(np.abs(error)) <= 1
    assert np.abs(error).mean() < 2
    assert said == []


def test_ten_bits_become_eight_without_a_bias():
    for level in range(256, 776, 8):
        for rest in range(4):
            frame = av.VideoFrame(32, 32, "yuv420p10le")
            for plane in frame.planes:
                plane.update(np.full(plane.buffer_size // 2, level + rest, "<u2").tobytes())
            samples = to_yuv420(frame, 32, 32).to_ndarray()
            assert abs(samples.mean() - (level + rest) / 4) <= 0.51
            assert np.ptp(samples) <= 1


@pytest.mark.parametrize(
    ("colour", "shape"),
    [
        (ColourDescription(1, 1, 1, False), Fraction(4, 3)),
        (ColourDescription(6, 6, 6, False), Fraction(1)),
        (ColourDescription(5, 6, 5, True), Fraction(1)),
        (ColourDescription(1, 1, 1, True), Fraction(10, 11)),
    ],
)
@pytest.mark.parametrize("suffix", [".mkv", ".nut"])
def test_colours_and_shape_come_out_as_they_went_in(colour, shape, suffix, tmp_path):
    frames = [from_rgb(head(index), WIDTH, HEIGHT, colour) for index in range(2)]
    source = write(tmp_path / "in.mp4", frames, codec="libx264", shape=shape, crf="4")
    target = tmp_path / f"out{suffix}"
    assert there_and_back(source, target) == []
    with Source(target) as told:
        assert told.video.sample_aspect_ratio == shape
    after = read_video(target)[0]
    if suffix == ".mkv":
        assert colour_of(after) == colour
    else:
        # Raw samples in NUT say nothing of it; they are always of limited range.
        assert not colour_of(after).full_range
        after.colorspace = colour.matrix
    difference = to_rgb(after, WIDTH, HEIGHT).astype(int) - head()
    assert np.abs(difference.mean(axis=(0, 1))).max() < 2.5
    assert np.abs(difference).mean() < 9


def combing_of(frames: list[av.VideoFrame]) -> float:
    """How much lines differ from both of their neighbours alike."""
    luma = np.stack([shown(frame) for frame in frames]).astype(float).mean(axis=-1)
    above, below = luma[:, 1:-1] - luma[:, :-2], luma[:, 1:-1] - luma[:, 2:]
    return float(np.minimum(np.abs(above), np.abs(below))[above * below > 0].sum())


def woven(even: av.VideoFrame, odd: av.VideoFrame) -> av.VideoFrame:
    """The even lines of one frame and the odd lines of another, yuv420p, in every plane."""
    planes = []
    for one, other in zip(even.planes, odd.planes, strict=True):
        lines, others = (
            np.frombuffer(bytes(plane), np.uint8).reshape(plane.height, -1)[:, : plane.width].copy()
            for plane in (one, other)
        )
        lines[1::2] = others[1::2]
        planes.append(lines.reshape(-1, WIDTH))
    return av.VideoFrame.from_ndarray(np.concatenate(planes), format="yuv420p")


def interlaced(path: Path, first: str, frames: int = 6) -> Path:
    """Frames whose lines are of two times; ``first`` is tff or bff."""
    colour = ColourDescription(1, 1, 1)
    pictures = []
    for index in range(frames):
        # A quick head: half of its sway in one frame.
        early, late = (
            from_rgb(head(time), WIDTH, HEIGHT, colour) for time in (12 * index, 12 * index + 6)
        )
        both = (early, late) if first == "tff" else (late, early)
        # x264 takes the order of the fields from the frames.
        pictures += FilterChain([("setfield", first)]).push(tag(woven(*both), colour))
    flags = {"x264-params": f"{first}=1"}
    return write(path, pictures, codec="libx264", crf="6", bf="2", **flags)


@pytest.mark.parametrize("first", ["tff", "bff"])
def test_interlaced_frames_lose_their_combs(first, tmp_path):
    path = interlaced(tmp_path / "interlaced.mp4", first)
    before = read_video(path)
    assert all(frame.interlaced_frame for frame in before)
    frames, source, said = read(path)
    assert said == ["is interlaced; deinterlaced (bwdif), one frame for two fields"]
    assert [float(f.pts * f.time_base) for f in frames] == pytest.approx(
        [float(f.pts * f.time_base) for f in before]
    )
    assert source.video.frame_rate == 25
    assert not any(frame.interlaced_frame for frame in frames)
    assert combing_of(frames) < 0.2 * combing_of(before)
    for index, frame in enumerate(frames):
        # What is shown is the first field.
        assert np.abs(shown(frame) - head(12 * index)).mean() < 4


def test_an_interlaced_file_is_told_and_clean_in_the_end(tmp_path):
    source = interlaced(tmp_path / "in.mp4", "tff", frames=3)
    target = tmp_path / "out.mkv"
    said = there_and_back(source, target)
    assert len(said) == 1
    assert combing_of(read_video(target)) < 0.2 * combing_of(read_video(source))


def test_progressive_frames_are_not_filtered(tmp_path):
    path = write_clip(tmp_path / "clip.mp4", frames=4, audio=False)
    frames, _, said = read(path)
    for frame, before in zip(frames, read_video(path), strict=True):
        assert np.array_equal(frame.to_ndarray(), before.to_ndarray())
    assert said == []


def high_dynamic_range(nits: np.ndarray, transfer: str) -> av.VideoFrame:
    """Light in cd/m², BT.709 [H, W, 3], by the formulae of BT.2087 and BT.2100."""
    to_2020 = np.array(
        [[0.6274, 0.3293, 0.0433], [0.0691, 0.9195, 0.0114], [0.0164, 0.0880, 0.8956]]
    )
    weights = np.array([0.2627, 0.6780, 0.0593])
    light = nits @ to_2020.T
    if transfer == "PQ":
        power = (light / 10_000) ** 0.1593017578125
        signal = ((0.8359375 + 18.8515625 * power) / (1 + 18.6875 * power)) ** 78.84375
    else:
        light = light / 1000
        scene = light * np.maximum(light @ weights, 1e-9)[..., None] ** (1 / 1.2 - 1)
        dark, bright = np.sqrt(3 * scene), np.log(np.maximum(12 * scene - 0.28466892, 1e-9))
        signal = np.where(scene <= 1 / 12, dark, 0.17883277 * bright + 0.55991073)
    y = signal @ weights
    cb, cr = (signal[..., 2] - y) / 1.8814, (signal[..., 0] - y) / 1.4746
    frame = av.VideoFrame(y.shape[1], y.shape[0], "yuv444p10le")
    for plane, samples in zip(
        frame.planes, (64 + 876 * y, 512 + 896 * cb, 512 + 896 * cr), strict=True
    ):
        lines = np.zeros((plane.height, plane.line_size // 2), "<u2")
        lines[:, : plane.width] = samples.round().clip(0, 1023)
        plane.update(lines.tobytes())
    frame.colorspace, frame.color_primaries, frame.color_range = 9, 9, 1
    frame.color_trc = 16 if transfer == "PQ" else 18
    return frame


@pytest.mark.parametrize("transfer", ["PQ", "HLG"])
def test_high_dynamic_range_becomes_what_it_was_made_from(transfer, tmp_path):
    light = 203 * (head() / 255) ** 2.4
    # A lamp, brighter than white.
    light[:10, :10] = 900
    frame = high_dynamic_range(light, transfer)
    frames, source, said = read(write(tmp_path / "hdr.mkv", [frame]))
    assert source.video.colour == ColourDescription(1, 1, 1, False)
    picture = shown(frames[0])
    error = np.abs(picture - head())
    error[:12, :12] = 0
    assert np.median(error) <= 2
    assert error.mean() < 3
    assert picture[:8, :8].min() >= 240
    assert len(said) == 1
    assert transfer in said[0]
    # A writer of frames does the same.
    target = io.BytesIO()
    with gvc.open(target, "w", options={"size": "96", "key_preset": "faster"}) as output:
        stream = output.add_stream("gvc", rate=25)
        output.mux(stream.encode(high_dynamic_range(light, transfer)))
        output.mux(stream.encode())
    target.seek(0)
    with gvc.open(target) as container:
        assert container.header.video.colour == ColourDescription(1, 1, 1, False)


def with_exif(jpeg: bytes, orientation: int) -> bytes:
    """A JPEG as a camera writes it that was held in this way."""
    entry = b"\x12\x01\x03\x00\x01\x00\x00\x00" + bytes([orientation, 0, 0, 0])
    exif = b"Exif\0\0II*\0\x08\0\0\0\x01\0" + entry + bytes(4)
    return jpeg[:2] + b"\xff\xe1" + (len(exif) + 2).to_bytes(2, "big") + exif + jpeg[2:]


@pytest.mark.parametrize(("orientation", "turns"), [(1, 0), (3, 2), (6, -1), (8, 1)])
def test_pictures_of_cameras_come_out_upright(orientation, turns, tmp_path):
    write_clip(tmp_path / "a.mkv", width=WIDTH, height=HEIGHT, frames=1, audio=False)
    ffmpeg("-i", tmp_path / "a.mkv", "-q:v", 2, tmp_path / "plain.jpg")
    path = tmp_path / "camera.jpg"
    path.write_bytes(with_exif((tmp_path / "plain.jpg").read_bytes(), orientation))
    frames, source, said = read(path)
    wanted = np.rot90(head(), turns)
    assert (source.video.height, source.video.width) == wanted.shape[:2]
    assert np.abs(shown(frames[0]) - wanted).mean() < 6
    assert said == []
