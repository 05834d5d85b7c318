"""Recordings as people have them: what becomes of each kind, by what comes out."""

from __future__ import annotations

import io
import subprocess
import sys
from fractions import Fraction
from pathlib import Path

import av
import imageio_ffmpeg
import numpy as np
import pytest
from av.video.frame import PictureType
from conftest import draw_head, read_video, run_gvc, write_clip

import gvc
from gvc.api.input import InputContainer
from gvc.api.transcode import decode, encode
from gvc.bitstream import ColourDescription
from gvc.codec.settings import EncoderSettings
from gvc.errors import InvalidDataError
from gvc.media import AudioMode, Source, colour_of, format_of, from_rgb, tag, to_rgb, to_yuv420
from gvc.media.filters import FilterChain

WIDTH, HEIGHT = 96, 80
FFMPEG = imageio_ffmpeg.get_ffmpeg_exe()

#: Fast, and still the whole codec.
SETTINGS = EncoderSettings.of_preset("faster", size=96, key_qp=20, threads=1)


def head(index: int = 0) -> np.ndarray:
    return draw_head(index, WIDTH, HEIGHT)


def ffmpeg(*arguments: object) -> None:
    subprocess.run([FFMPEG, "-y", "-v", "error", *map(str, arguments)], check=True)


def write(
    path: Path,
    frames: list[av.VideoFrame],
    *,
    codec: str = "ffv1",
    rate: int = 25,
    shape: Fraction = Fraction(1),
    **options: str,
) -> Path:
    """A file of these frames, with their format and colours, at a constant rate."""
    with av.open(str(path), "w") as container:
        stream = container.add_stream(codec, rate=rate, options=options)
        first = frames[0]
        stream.width, stream.height = first.width, first.height
        stream.pix_fmt = first.format.name
        stream.sample_aspect_ratio = shape
        context = stream.codec_context
        context.colorspace, context.color_range = first.colorspace, first.color_range
        context.color_trc, context.color_primaries = first.color_trc, first.color_primaries
        for index, frame in enumerate(frames):
            frame.pts, frame.time_base = index, Fraction(1, rate)
            container.mux(stream.encode(frame))
        container.mux(stream.encode())
    return path


def read(path: Path) -> tuple[list[av.VideoFrame], Source, list[str]]:
    """Frames of a source, the source itself, and what it says."""
    said: list[str] = []
    with Source(path, audio=AudioMode.NONE, say=said.append) as source:
        return [unit for unit in source if isinstance(unit, av.VideoFrame)], source, said


def shown(frame: av.VideoFrame) -> np.ndarray:
    """What is coded of a frame, as RGB."""
    small = to_yuv420(frame, frame.width, frame.height)
    return to_rgb(small, frame.width, frame.height).astype(int)


def there_and_back(source: Path, target: Path, *, audio: AudioMode = AudioMode.OPUS) -> list[str]:
    """Code ``source`` and decode it as ``target``; gives what was said."""
    said: list[str] = []
    coded = io.BytesIO()
    encode(source, coded, settings=SETTINGS, audio=audio, on_warning=said.append)
    coded.seek(0)
    with InputContainer(coded, threads=1) as container, target.open("wb") as file:
        decode(container, file, container=format_of(target), name=str(target))
    return said


def seconds(path: Path) -> list[float]:
    return [round(float(frame.pts * frame.time_base), 3) for frame in read_video(path)]


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


def test_times_come_out_as_they_went_in(tmp_path):
    """At a variable rate, coded with B-frames, and not from 0 on."""
    pts = [5000, 5033, 5067, 5400, 5401, 5500, 5600, 6000]
    path = tmp_path / "in.mkv"
    with av.open(str(path), "w") as container:
        stream = container.add_stream("libx264", rate=25, options={"bf": "3", "crf": "12"})
        stream.width, stream.height, stream.pix_fmt = WIDTH, HEIGHT, "yuv420p"
        stream.codec_context.time_base = Fraction(1, 1000)
        for index, time in enumerate(pts):
            frame = av.VideoFrame.from_ndarray(head(index), format="rgb24")
            frame.pts, frame.time_base = time, Fraction(1, 1000)
            container.mux(stream.encode(frame))
        container.mux(stream.encode())
    assert PictureType.B in {frame.pict_type for frame in read_video(path)}
    target = tmp_path / "out.mkv"
    assert there_and_back(path, target) == []
    assert seconds(target) == seconds(path) == [time / 1000 for time in pts]


@pytest.mark.parametrize("suffix", [".mp4", ".mkv"])
def test_times_before_zero_move_both_streams(suffix, tmp_path):
    source = tmp_path / "early.ts"
    write_clip(tmp_path / "clip.mp4", width=WIDTH, height=HEIGHT, frames=25)
    with (
        av.open(str(tmp_path / "clip.mp4")) as given,
        av.open(
            str(source), "w", options={"avoid_negative_ts": "disabled", "muxdelay": "0"}
        ) as taken,
    ):
        streams = {s: taken.add_stream_from_template(s) for s in given.streams}
        for packet in given.demux():
            if packet.dts is None:
                continue
            early = round(Fraction(2, 5) / packet.time_base)
            packet.pts, packet.dts = packet.pts - early, packet.dts - early
            packet.stream = streams[packet.stream]
            taken.mux(packet)
    before = seconds(source)
    assert before[0] < -0.3
    target = tmp_path / f"out{suffix}"
    there_and_back(source, target)
    after = seconds(target)
    assert after[0] == pytest.approx(0, abs=0.03)
    assert np.diff(after) == pytest.approx(np.diff(before), abs=2e-3)
    assert click_times(target) - after[0] == pytest.approx(
        click_times(source) - before[0], abs=6e-3
    )


def samples_of(path: Path) -> tuple[float, np.ndarray]:
    """When the sound begins, in seconds, and its first channel."""
    with av.open(str(path)) as container:
        frames = list(container.decode(audio=0))
    start = float(frames[0].pts * frames[0].time_base)
    parts = [np.atleast_2d(frame.to_ndarray())[0].astype(float) for frame in frames]
    return start, np.concatenate(parts) / (32768 if frames[0].format.name == "s16" else 1)


def click_times(path: Path) -> np.ndarray:
    start, samples = samples_of(path)
    with av.open(str(path)) as container:
        rate = container.streams.audio[0].rate
    loud = np.flatnonzero(np.abs(samples) > 0.4 * np.abs(samples).max())
    return start + loud[np.insert(np.diff(loud) > rate // 5, 0, True)] / rate


@pytest.fixture(scope="module")
def crowded(tmp_path_factory) -> Path:
    """Two videos, two sounds of which the second is the default, subtitles, a font, chapters."""
    folder = tmp_path_factory.mktemp("crowded")
    clip = write_clip(folder / "a.mkv", width=WIDTH, height=HEIGHT, frames=20)
    (folder / "a.srt").write_text("1\n00:00:00,000 --> 00:00:00,500\nhello\n")
    (folder / "chapters.txt").write_text(
        ";FFMETADATA1\n[CHAPTER]\nTIMEBASE=1/1000\nSTART=0\nEND=400\ntitle=One\n"
        "[CHAPTER]\nTIMEBASE=1/1000\nSTART=400\nEND=800\ntitle=Two\n"
    )
    (folder / "note.txt").write_text("note")
    path = folder / "crowded.mkv"
    ffmpeg(
        *("-i", clip, "-i", folder / "a.srt", "-i", folder / "chapters.txt"),
        *("-map", "0:v", "-map", "0:v", "-map", "0:a", "-map", "0:a", "-map", "1:s"),
        *("-map_chapters", 2, "-attach", folder / "note.txt"),
        *("-metadata:s:t", "mimetype=text/plain", "-metadata:s:a:0", "language=fra"),
        *("-filter:v:0", "scale=48:40", "-c:v", "ffv1", "-c:a", "pcm_s16le", "-c:s", "subrip"),
        *("-filter:a:0", "volume=0.1", "-disposition:v:0", 0, "-disposition:v:1", 0),
        *("-disposition:a:0", 0, "-disposition:a:1", "default", path),
    )  # fmt: skip
    return path


LEFT_OUT = (
    "stream #0:0 (video: ffv1) is left out",
    "stream #0:2 (audio: pcm_s16le, fra) is left out",
    "stream #0:4 (subtitle: subrip) is left out",
    "stream #0:5 (attachment: note.txt) is left out",
    "2 chapters are left out",
)


def test_one_video_and_one_sound_are_taken_and_the_rest_is_named(crowded, tmp_path):
    coded, target = tmp_path / "out.gvc", tmp_path / "out.mkv"
    done = run_gvc("encode", crowded, coded, "--preset", "faster")
    assert done.returncode == 0
    assert done.stderr.decode().splitlines() == [
        f"gvc: warning: {crowded}: {line}" for line in LEFT_OUT
    ]
    done = run_gvc("decode", coded, target)
    assert (done.returncode, done.stderr) == (0, b"")
    with av.open(str(target)) as container:
        assert [stream.type for stream in container.streams] == ["video", "audio"]
        # The larger video, and the sound that is the default one.
        assert (container.streams.video[0].width, container.streams.video[0].height) == (96, 80)
    assert np.abs(samples_of(target)[1]).max() > 0.5
    with Source(crowded, audio=AudioMode.NONE, say=(said := []).append):
        assert said == [line for line in LEFT_OUT if "audio" not in line]
    quiet = run_gvc("encode", crowded, coded, "-y", "-q", "--preset", "faster", "--audio", "copy")
    assert (quiet.returncode, quiet.stderr) == (0, b"")
    with gvc.open(coded) as container:
        assert container.streams.audio[0].name == "pcm_s16le"
        heard = np.concatenate([f.to_ndarray()[0] for f in container.decode(audio=0)])
    assert np.abs(heard).max() > 0.5 * 32768


def test_a_codec_that_nobody_knows_is_no_video(tmp_path):
    clip = write_clip(tmp_path / "clip.mp4", frames=3)
    path = tmp_path / "unknown.mp4"
    path.write_bytes(clip.read_bytes().replace(b"avc1", b"zzzz"))
    with pytest.raises(InvalidDataError, match="no video stream"):
        Source(path)


def test_an_interlaced_file_is_told_and_clean_in_the_end(tmp_path):
    source = interlaced(tmp_path / "in.mp4", "tff", frames=3)
    target = tmp_path / "out.mkv"
    said = there_and_back(source, target)
    assert len(said) == 1
    assert combing_of(read_video(target)) < 0.2 * combing_of(read_video(source))


@pytest.fixture(scope="module")
def still(tmp_path_factory) -> Path:
    """A PNG of a head that can be seen through on the left."""
    path = tmp_path_factory.mktemp("stills") / "face.png"
    picture = np.dstack([draw_head(3, 150, 121), np.full((121, 150), 255, np.uint8)])
    picture[:, :20, 3] = 0
    write(path, [av.VideoFrame.from_ndarray(picture, format="rgba")], codec="png")
    return path


@pytest.fixture(scope="module")
def coded_still(still: Path) -> Path:
    target = still.with_name("face.gvc")
    done = run_gvc("encode", still, target, "--key-qp", 12, "--preset", "faster")
    assert done.returncode == 0
    assert done.stderr.decode() == f"gvc: warning: {still}: transparency is left out\n"
    return target


@pytest.mark.parametrize("name", ["out.png", "out.jpg", "out.JPEG"])
def test_a_still_picture_goes_in_and_comes_out(name, coded_still, tmp_path):
    target = tmp_path / name
    done = run_gvc("decode", coded_still, target)
    assert (done.returncode, done.stdout, done.stderr) == (0, b"", b"")
    signature = b"\x89PNG" if name.endswith("png") else b"\xff\xd8\xff"
    assert target.read_bytes().startswith(signature)
    (frame,) = read_video(target)
    assert (frame.width, frame.height) == (150, 121)
    difference = to_rgb(frame, 150, 121).astype(int) - draw_head(3, 150, 121)
    assert np.abs(difference.mean(axis=(0, 1))).max() < 2
    assert np.abs(difference).mean() < 4


def test_a_still_picture_is_a_file_of_one_key_frame(coded_still):
    with gvc.open(coded_still) as container:
        (packet,) = container.demux()
        assert packet.unit.frames == 1
        assert len(packet.unit.keys) == 1
        container.seek(0)
        (frame,) = container.decode(video=0)
        assert (
            np.abs(frame.to_ndarray(format="rgb24") - draw_head(3, 150, 121).astype(int)).mean() < 4
        )
    piped = run_gvc("decode", "-", "-", "-f", "png", input=coded_still.read_bytes())
    assert piped.returncode == 0
    with av.open(io.BytesIO(piped.stdout)) as container:
        assert next(container.decode(video=0)).width == 150


def test_a_still_picture_of_a_video_is_refused(coded, tmp_path):
    target = tmp_path / "out.png"
    done = run_gvc("decode", coded, target)
    text = done.stderr.decode()
    assert (done.returncode, len(text.splitlines())) == (2, 1)
    assert "-frames:v 1" in text
    assert not list(tmp_path.iterdir())
    # What it says to do works.
    gvc = f"'{sys.executable}' -m gvc"
    command = f"{gvc} decode '{coded}' - | '{FFMPEG}' -v error -i - -frames:v 1 '{target}'"
    subprocess.run(command, shell=True, check=True)
    assert len(read_video(target)) == 1
