"""Media in and out: colour, rotation, times, sound, formats."""

from __future__ import annotations

import io
import os
import re
import subprocess
from fractions import Fraction
from pathlib import Path

import av
import imageio_ffmpeg
import numpy as np
import pytest
from conftest import AUDIO_RATE, draw_head, read_video, write_clip

from gvc.bitstream import AudioHeader, AudioPacket, ColourDescription, VideoHeader
from gvc.errors import GvcError, MediaError, UnsupportedError
from gvc.media import (
    AudioMode,
    Sink,
    SinkOptions,
    Source,
    colour_of,
    format_of,
    from_rgb,
    to_rgb,
    to_yuv420,
)


def smooth_picture(width: int = 96, height: int = 64) -> np.ndarray:
    y, x = np.mgrid[0:height, 0:width]
    return np.stack([255 * x / width, 255 * y / height, 127 + 0 * x], axis=-1).astype(np.uint8)


@pytest.mark.parametrize("matrix", [1, 6])
@pytest.mark.parametrize("full_range", [False, True])
def test_colours_survive_both_ways(matrix, full_range):
    colour = ColourDescription(1, 1, matrix, full_range)
    picture = smooth_picture()
    frame = from_rgb(picture, 96, 64, colour)
    assert colour_of(frame) == colour
    luma = frame.to_ndarray()[:64]
    assert luma.max() <= (255 if full_range else 235)
    difference = np.abs(to_rgb(frame, 96, 64).astype(int) - picture)
    assert difference.mean() < 1
    assert difference.max() <= 5


def test_a_matrix_that_is_not_named_is_guessed_by_size():
    for lines, matrix in ((480, 6), (720, 1), (1080, 1)):
        frame = av.VideoFrame(64, lines, "yuv420p")
        assert colour_of(frame).matrix == matrix


@pytest.mark.parametrize("pixel_format", ["yuv444p", "yuv420p10le", "gray", "rgb24", "yuvj420p"])
def test_other_pixel_formats_become_yuv420(pixel_format):
    picture = smooth_picture()
    frame = av.VideoFrame.from_ndarray(picture, format="rgb24").reformat(format=pixel_format)
    converted = to_yuv420(frame, 48, 32)
    assert (converted.format.name, converted.width, converted.height) == ("yuv420p", 48, 32)


@pytest.mark.parametrize("angle", [90, 180, 270])
def test_rotated_recordings_come_out_upright(angle, tmp_path):
    plain = write_clip(tmp_path / "plain.mp4", width=96, height=64, frames=3, audio=False)
    turned = tmp_path / "turned.mp4"
    ffmpeg = imageio_ffmpeg.get_ffmpeg_exe()
    subprocess.run(
        [ffmpeg, "-v", "error", "-display_rotation", str(angle), "-i", plain, "-c", "copy", turned],
        check=True,
    )
    expected = tmp_path / "expected.mkv"
    subprocess.run([ffmpeg, "-v", "error", "-i", turned, "-c:v", "ffv1", expected], check=True)
    wanted = read_video(expected)[0]
    with Source(turned, audio=AudioMode.NONE) as source:
        frame = next(iter(source))
        assert (source.video.width, source.video.height) == (wanted.width, wanted.height)
    size = wanted.width, wanted.height
    assert np.abs(to_rgb(frame, *size).astype(int) - to_rgb(wanted, *size)).mean() < 1


def test_times_are_strictly_increasing_even_where_the_source_is_not(tmp_path):
    path = write_clip(tmp_path / "clip.mkv", frames=4, audio=False)
    with Source(path) as source:
        pts = [unit.pts for unit in source]
    assert pts == sorted(set(pts))
    assert len(pts) == 4


def test_tags_are_kept_and_container_noise_is_not(tmp_path):
    path = tmp_path / "tagged.mp4"
    plain = write_clip(tmp_path / "plain.mp4", frames=2, audio=False)
    ffmpeg = imageio_ffmpeg.get_ffmpeg_exe()
    subprocess.run(
        [ffmpeg, "-v", "error", "-i", plain, "-c", "copy", "-metadata", "title=A talk", path],
        check=True,
    )
    with Source(path) as source:
        assert source.metadata == {"title": "A talk"}


def sink_video(
    width=96, height=64, time_base=Fraction(1, 1000), rate=Fraction(25), shape=Fraction(4, 3)
):
    return VideoHeader(
        width=width, height=height, coded_width=96, coded_height=64, time_base=time_base,
        frame_rate=rate, sample_aspect_ratio=shape,
        colour=ColourDescription(1, 1, 1), key_codec="vvc", key_parameters=b"",
        entropy_model="adaptive", model="lite", weights=bytes(16), motion_step=Fraction(1),
        code_length=40,
    )  # fmt: skip


def write_heads(file, container, *, size=(96, 64), frames=5, codec=None, shape=Fraction(4, 3)):
    """Write a drawn head through a sink."""
    header = sink_video(*size, time_base=Fraction(1, 25), shape=shape)
    sink = Sink(
        file, container=container, video=header, audio=None,
        options=SinkOptions(codec=codec), metadata={}, name="heads",
    )  # fmt: skip
    for index in range(frames):
        frame = from_rgb(draw_head(index, 96, 64), *size, header.colour)
        frame.pts, frame.time_base = index, header.time_base
        sink.write_video(frame)
    sink.close()


@pytest.mark.parametrize("suffix", [".mp4", ".mkv", ".webm", ".nut", ".y4m"])
@pytest.mark.parametrize("size", [(96, 64), (97, 63)])
def test_every_format_holds_the_picture_at_its_own_size(suffix, size, tmp_path):
    path = tmp_path / f"out{suffix}"
    with path.open("wb") as file:
        write_heads(file, format_of(path), size=size)
    frames = read_video(path)
    assert [(frame.width, frame.height) for frame in frames] == [size] * 5
    seconds = [float(frame.pts * frame.time_base) for frame in frames]
    assert np.allclose(np.diff(seconds), 0.04, atol=1e-3)
    shown = to_rgb(frames[2], 96, 64).astype(int)
    assert np.abs(shown - draw_head(2, 96, 64)).mean() < 6


def shapes_read(path: Path) -> set[Fraction | None]:
    """Width over height of a pixel by the ffmpeg program, by PyAV and by ourselves."""
    command = [imageio_ffmpeg.get_ffmpeg_exe(), "-hide_banner", "-i", path]
    told = subprocess.run(command, capture_output=True, text=True, check=False).stderr
    # What the coded pictures say stands in brackets, what the container says after them.
    terms = re.findall(r"SAR (\d+):(\d+)", told)
    shapes = {Fraction(int(terms[-1][0]), int(terms[-1][1])) if terms else None}
    with av.open(str(path)) as container:
        shapes.add(container.streams.video[0].sample_aspect_ratio)
    with Source(path) as source:
        return shapes | {source.video.sample_aspect_ratio}


class Pipe(io.BytesIO):
    """A file that cannot be sought."""

    def seekable(self) -> bool:
        return False

    def seek(self, *_: object) -> int:
        raise OSError("a pipe cannot be sought")


@pytest.mark.parametrize(
    ("file", "shape"), [(io.BytesIO, Fraction(4, 3)), (Pipe, Fraction(10, 11))]
)
@pytest.mark.parametrize(
    ("suffix", "codec"),
    [
        (".mp4", None), (".mov", None), (".mkv", None), (".mkv", "libvpx-vp9"), (".mkv", "ffv1"),
        (".webm", None), (".webm", "libvpx"), (".nut", None), (".nut", "libx264"), (".y4m", None),
    ],
)  # fmt: skip
def test_pixels_keep_their_shape(suffix, codec, shape, file, tmp_path):
    path = tmp_path / f"out{suffix}"
    with file() as written:
        write_heads(written, format_of(path), size=(110, 64), codec=codec, shape=shape)
        path.write_bytes(written.getvalue())
    # WebM tells it by whole pixels.
    wanted = Fraction(round(110 * shape), 110) if suffix == ".webm" else shape
    assert shapes_read(path) == {wanted}
    assert len(read_video(path)) == 5
    check = [imageio_ffmpeg.get_ffmpeg_exe(), "-v", "warning", "-i", path, "-f", "null", "-"]
    assert subprocess.run(check, capture_output=True, check=True).stderr == b""


@pytest.mark.parametrize("suffix", [".mp4", ".mkv", ".webm", ".nut", ".y4m"])
def test_shapes_that_no_pixel_has_are_no_crash(suffix, tmp_path):
    for shape in (Fraction(2**32 - 1, 2), Fraction(1, 2**32 - 1), Fraction(160, 99)):
        path = tmp_path / f"out{suffix}"
        with path.open("wb") as file:
            write_heads(file, format_of(path), shape=shape)
        assert len(read_video(path)) == 5
    assert all(float(read) == pytest.approx(160 / 99, rel=2e-2) for read in shapes_read(path))


@pytest.mark.parametrize("suffix", [".mp4", ".mkv", ".webm", ".nut", ".y4m"])
def test_the_shape_of_pixels_is_read(suffix, tmp_path):
    plain = write_clip(tmp_path / "plain.mp4", width=96, height=64, frames=3, audio=False)
    path = tmp_path / f"shaped{suffix}"
    command = [imageio_ffmpeg.get_ffmpeg_exe(), "-v", "error", "-i", plain, "-vf", "setsar=4/3"]
    codec = [] if suffix != ".nut" else ["-c:v", "rawvideo"]
    subprocess.run([*command, *codec, path], check=True)
    assert shapes_read(path) == {Fraction(4, 3)}


def test_a_format_that_no_name_tells_is_refused():
    with pytest.raises(GvcError, match="no format"):
        format_of("film.xyz")


def onset_times(frames: list[av.AudioFrame]) -> list[float]:
    """Seconds at which clicks begin."""
    rate = frames[0].sample_rate
    start = float(frames[0].pts * frames[0].time_base)
    samples = np.concatenate([np.atleast_2d(frame.to_ndarray())[0] for frame in frames])
    samples = samples.astype(np.float64) / max(1e-9, np.abs(samples).max())
    loud = np.flatnonzero(np.abs(samples) > 0.4)
    first = loud[np.insert(np.diff(loud) > rate // 5, 0, True)]
    return [start + index / rate for index in first]


@pytest.mark.parametrize("mode", [AudioMode.OPUS, AudioMode.COPY])
@pytest.mark.parametrize("suffix", [".mp4", ".mkv"])
def test_sound_stays_in_step(mode, suffix, tmp_path):
    clip = write_clip(tmp_path / "clip.mp4", frames=60)
    with av.open(str(clip)) as container:
        before = onset_times(list(container.decode(audio=0)))
    assert len(before) >= 4
    path = tmp_path / f"out{suffix}"
    with Source(clip, audio=mode) as source, path.open("wb") as file:
        header = sink_video(192, 160, source.video.time_base, source.video.frame_rate)
        sink = Sink(
            file, container=format_of(path), video=header, audio=source.audio,
            options=SinkOptions(), metadata={}, name=str(path),
        )  # fmt: skip
        units = list(source)
        # In blocks, as a decoder delivers them.
        for packet in (unit for unit in units if isinstance(unit, AudioPacket)):
            sink.write_audio(packet)
        for frame in (unit for unit in units if isinstance(unit, av.VideoFrame)):
            sink.write_video(frame)
        sink.close()
    with av.open(str(path)) as container:
        after = onset_times(list(container.decode(audio=0)))
        container.seek(0)
        first = next(container.decode(video=0))
    # A format without negative times moves sound and picture together.
    after = np.array(after) - float(first.pts * first.time_base)
    assert np.allclose(after, before, atol=2e-3)


def test_a_codec_that_cannot_be_copied_is_named(tmp_path):
    path = tmp_path / "odd.mkv"
    with av.open(str(path), "w") as container:
        video = container.add_stream("libx264", rate=25)
        video.width, video.height, video.pix_fmt = 64, 64, "yuv420p"
        sound = container.add_stream("pcm_s32le", rate=AUDIO_RATE, layout="mono")
        container.mux(
            video.encode(av.VideoFrame.from_ndarray(draw_head(0, 64, 64), format="rgb24"))
        )
        container.mux(video.encode())
        silence = av.AudioFrame.from_ndarray(
            np.zeros((1, 1024), np.int32), format="s32", layout="mono"
        )
        silence.sample_rate = AUDIO_RATE
        container.mux(sound.encode(silence))
        container.mux(sound.encode())
    with pytest.raises(UnsupportedError, match="pcm_s32le"):
        Source(path, audio=AudioMode.COPY)
    with Source(path, audio=AudioMode.OPUS) as source:
        assert source.audio.codec == "opus"


@pytest.mark.parametrize("kind", ["missing", "text", "folder", "sound"])
def test_what_is_not_video_is_refused_by_name(kind, tmp_path):
    path = tmp_path / "thing.mp4"
    if kind == "text":
        path.write_text("not a video\n" * 50)
    elif kind == "folder":
        path.mkdir()
    elif kind == "sound":
        with av.open(str(path), "w") as container:
            sound = container.add_stream("aac", rate=AUDIO_RATE, layout="mono")
            quiet = av.AudioFrame.from_ndarray(
                np.zeros((1, 1024), np.float32), format="fltp", layout="mono"
            )
            quiet.sample_rate = AUDIO_RATE
            container.mux(sound.encode(quiet))
            container.mux(sound.encode())
    with pytest.raises(GvcError) as caught:
        Source(path)
    assert str(path) in str(caught.value)
    assert "\n" not in str(caught.value)


def test_a_pipe_that_cannot_seek_is_read(tmp_path):
    clip = write_clip(tmp_path / "clip.mkv", frames=5, audio=False)

    class Pipe(io.RawIOBase):
        def __init__(self, path: Path) -> None:
            self._file = path.open("rb")

        def read(self, size: int = -1) -> bytes:
            return self._file.read(size)

        def readable(self) -> bool:
            return True

    with Source(Pipe(clip)) as source:
        assert sum(1 for _ in source) == 5


@pytest.mark.parametrize("mirror", ["hflip", "vflip"])
def test_mirrored_recordings_come_out_upright(mirror, tmp_path):
    picture = smooth_picture()
    path = tmp_path / "mirrored.mp4"
    with av.open(str(path), "w") as container:
        stream = container.add_stream("libx264", rate=25)
        stream.width, stream.height, stream.pix_fmt = 96, 64, "yuv420p"
        stream.set_display_rotation(0, **{mirror: True})
        container.mux(stream.encode(av.VideoFrame.from_ndarray(picture, format="rgb24")))
        container.mux(stream.encode(None))
    with Source(path) as source:
        frame = next(iter(source))
    assert frame.rotation == 0
    wanted = picture[:, ::-1] if mirror == "hflip" else picture[::-1]
    assert np.abs(to_rgb(frame, 96, 64).astype(int) - wanted).mean() < 4


def test_wide_gamut_keeps_its_matrix():
    picture = np.full((64, 64, 3), (200, 60, 30), np.uint8)
    frame = av.VideoFrame.from_ndarray(picture, format="rgb24").reformat(
        format="yuv420p10le", dst_colorspace=9, dst_color_range=1
    )
    assert colour_of(frame).matrix == 9
    shown = to_rgb(to_yuv420(frame, 32, 32), 32, 32).astype(int)
    assert np.abs(shown - (200, 60, 30)).mean() < 2


def write_frames(file, container: str, header: VideoHeader, pts: list[int], **options) -> None:
    sink = Sink(
        file, container=container, video=header, audio=None,
        options=SinkOptions(**options), metadata={}, name="out",
    )  # fmt: skip
    for index, time in enumerate(pts):
        frame = from_rgb(draw_head(index, 96, 64), 96, 64, header.colour)
        frame.pts, frame.time_base = time, header.time_base
        sink.write_video(frame)
    sink.close()


class OneWay(io.RawIOBase):
    """A pipe's writing end that keeps what it is given."""

    def __init__(self) -> None:
        self.data = bytearray()

    def writable(self) -> bool:
        return True

    def write(self, data) -> int:
        self.data += data
        return len(data)


@pytest.mark.parametrize("name", ["mp4", "nut", "matroska"])
def test_variable_frame_times_survive_a_pipe(name):
    pts = [0, 33, 66, 100, 133, 1000, 1001, 1500, 4777]
    pipe = OneWay()
    write_frames(pipe, name, sink_video(), pts)
    with av.open(io.BytesIO(bytes(pipe.data))) as container:
        times = [frame.pts * frame.time_base for frame in container.decode(video=0)]
    assert [time * 1000 for time in times] == pts


def test_y4m_has_the_nominal_rate_whatever_the_times():
    pipe = OneWay()
    # At 25 frames a second: the second frame is late by three, the third comes too soon.
    write_frames(pipe, "yuv4mpegpipe", sink_video(), [500, 660, 665, 700])
    with av.open(io.BytesIO(bytes(pipe.data))) as container:
        assert container.streams.video[0].average_rate == 25
        shown = [to_rgb(frame, 96, 64).astype(int) for frame in container.decode(video=0)]
    assert len(shown) == 6
    for frame, index in zip(shown, (0, 0, 0, 0, 1, 3), strict=True):
        assert np.abs(frame - draw_head(index, 96, 64)).mean() < 6


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="needs a device that is always full")
def test_a_full_disk_is_reported_by_name():
    with Path("/dev/full").open("wb", buffering=0) as file, pytest.raises(GvcError, match="out: "):
        write_frames(file, "matroska", sink_video(), list(range(0, 400, 40)))


def test_a_closed_pipe_stays_a_closed_pipe():
    reading, writing = os.pipe()
    os.close(reading)
    with open(writing, "wb", buffering=0) as file, pytest.raises(BrokenPipeError):
        write_frames(file, "nut", sink_video(), list(range(0, 400, 40)))


def test_times_that_no_format_holds_are_refused():
    sound = AudioHeader("opus", 48_000, 1, "mono", Fraction(1, (1 << 31) - 1))
    sink = Sink(
        OneWay(), container="nut", video=sink_video(), audio=sound,
        options=SinkOptions(), metadata={}, name="out",
    )  # fmt: skip
    sink.write_audio(AudioPacket(-(1 << 60), 960, b"sound"))
    frame = from_rgb(draw_head(0, 96, 64), 96, 64, ColourDescription(1, 1, 1))
    frame.pts, frame.time_base = -(1 << 60), Fraction(1, 1000)
    with pytest.raises(MediaError, match="out: a time is too large"):
        sink.write_video(frame)
        sink.close()


def test_a_rate_of_millions_does_not_fill_the_disk():
    fast, pipe = sink_video(time_base=Fraction(1), rate=Fraction(1_000_000)), OneWay()
    with pytest.raises(GvcError, match="a pause"):
        write_frames(pipe, "yuv4mpegpipe", fast, [0, 1])
    assert len(pipe.data) < 1 << 20


def test_an_unknown_encoder_is_named():
    with pytest.raises(GvcError, match="nonesuch"):
        write_frames(OneWay(), "matroska", sink_video(), [0], codec="nonesuch")
