"""The first frame decides nothing for later ones: what changes in a stream, and what is cropped."""

from __future__ import annotations

import itertools
import struct
import subprocess
from fractions import Fraction
from pathlib import Path

import av
import numpy as np
import pytest
from recordings import FFMPEG, HEIGHT, WIDTH, ffmpeg, head, read, there_and_back, write

from gvc.bitstream import ColourDescription
from gvc.errors import MediaError, UnsupportedError
from gvc.media import Preparation, Source, colour_of, from_rgb, tag, to_rgb
from gvc.media.ebml import element, elements

#: Frames of each part of a recording.
PART = 4

BT709, BT601 = "bt709", "smpte170m"


def part(path: Path, *, matrix: str, full: bool, size: str = "128x96", start: float = 0) -> Path:
    """The same still head as MPEG-TS, in H.264 that names its colours."""
    picture = path.with_suffix(".png")
    _write_png(picture)
    sides = size.replace("x", ":")
    form = f"scale={sides}:out_color_matrix={matrix}:out_range={'pc' if full else 'tv'}"
    # fmt: off
    ffmpeg(
        "-loop", 1, "-framerate", 25, "-i", picture, "-frames:v", PART,
        "-vf", f"{form},format=yuv420p", "-c:v", "libx264", "-qp", 4, "-preset", "ultrafast",
        "-colorspace", matrix, "-color_range", "pc" if full else "tv",
        "-output_ts_offset", start, path,
    )
    # fmt: on
    return path


def _write_png(path: Path) -> None:
    ffmpeg_input = head().tobytes()
    command = [FFMPEG, "-y", "-v", "error", "-f", "rawvideo", "-pix_fmt", "rgb24"]
    command += ["-s", f"{WIDTH}x{HEIGHT}", "-i", "-", str(path)]
    subprocess.run(command, input=ffmpeg_input, check=True)


def joined(folder: Path, *parts: Path) -> Path:
    path = folder / "joined.ts"
    path.write_bytes(b"".join(each.read_bytes() for each in parts))
    return path


@pytest.mark.parametrize(
    ("first", "second"),
    [
        ((BT709, False), (BT709, True)),
        ((BT709, True), (BT601, False)),
        ((BT601, False), (BT709, False)),
        ((BT601, True), (BT709, True)),
    ],
)
def test_matrix_and_range_that_change_are_converted(first, second, tmp_path):
    parts = [
        part(tmp_path / f"{n}.ts", matrix=matrix, full=full, start=n * PART / 25)
        for n, (matrix, full) in enumerate((first, second))
    ]
    frames, source, said = read(joined(tmp_path, *parts))
    assert len(frames) == 2 * PART
    assert len({colour_of(frame) for frame in frames}) == 1
    assert source.video.colour == colour_of(frames[0])
    assert said == ["pictures change their matrix or range; converted to the first ones"]
    pictures = [frame.to_ndarray().astype(int) for frame in frames]
    difference = np.abs(pictures[-1] - pictures[0])
    # Both were quantised, once each.
    assert difference.max() <= 4
    assert np.quantile(difference, 0.99) <= 2
    assert difference.mean() < 0.6


def test_conversion_is_exact_to_half_a_level():
    """Against the matrices themselves, in floating point."""
    weights = {1: (0.2126, 0.0722), 6: (0.299, 0.114), 9: (0.2627, 0.0593)}
    forms = list(itertools.product(weights, (False, True)))
    for (one, full), (two, wide) in itertools.permutations(forms, 2):
        frames = [from_rgb(head(), WIDTH, HEIGHT, ColourDescription(1, 1, one, full))]
        frames.append(from_rgb(head(), WIDTH, HEIGHT, ColourDescription(1, 1, two, wide)))
        given = frames[1].to_ndarray().astype(float)
        preparation = Preparation()
        for number, frame in enumerate(frames):
            frame.pts = number
            (made,) = preparation.push(frame)
        assert (made.pts, colour_of(made).matrix, colour_of(made).full_range) == (1, one, full)
        wanted = _converted(given, (weights[two], wide), (weights[one], full))
        assert np.abs(made.to_ndarray() - wanted).max() <= 0.75


def _converted(planes, source, target) -> np.ndarray:
    """Planes 4:2:0 of one matrix and range in another."""
    (there, from_offset), (back, to_offset) = (_matrix(*each) for each in (source, target))
    change = back @ np.linalg.inv(there)
    luma = planes[:HEIGHT]
    chroma = planes[HEIGHT:].reshape(2, HEIGHT // 2, WIDTH // 2)
    wide = chroma.repeat(2, axis=1).repeat(2, axis=2)
    full = (np.stack([luma, *wide], -1) - from_offset) @ change.T + to_offset
    small = np.stack([np.zeros(chroma.shape[1:]), *chroma], -1)
    small = (small - from_offset) @ change.T + to_offset
    parts = [full[..., 0], small[..., 1], small[..., 2]]
    return np.concatenate([each.ravel() for each in parts]).reshape(planes.shape).clip(0, 255)


def _matrix(weights: tuple[float, float], full: bool) -> tuple[np.ndarray, np.ndarray]:
    red, blue = weights
    luma = np.array([red, 1 - red - blue, blue])
    rows = [luma, ([0, 0, 1] - luma) / (2 - 2 * blue), ([1, 0, 0] - luma) / (2 - 2 * red)]
    scale, offset = ([255] * 3, [0, 128, 128]) if full else ([219, 224, 224], [16, 128, 128])
    return np.stack(rows) * np.array(scale)[:, None], np.array(offset)


@pytest.mark.parametrize("sides", [(97, 81), (96, 81), (2, 2)])
def test_odd_sides_are_converted(sides):
    preparation = Preparation()
    for number, full in enumerate((False, True)):
        frame = from_rgb(head(), *sides, ColourDescription(1, 1, 1, full))
        frame.pts = number
        (made,) = preparation.push(frame)
    assert (made.width, made.height) == sides
    assert not colour_of(made).full_range
    wanted = to_rgb(from_rgb(head(), *sides, ColourDescription(1, 1, 1, False)), *sides)
    difference = np.abs(to_rgb(made, *sides).astype(int) - wanted)
    assert difference.mean() < 1.5
    # As far as the same picture is in full range.
    assert difference.max() <= 8


@pytest.mark.parametrize(("size", "matrix"), [((96, 80), 1), ((48, 40), 1), ((96, 80), 9)])
def test_frames_of_callers_stay_as_they_are(size, matrix):
    preparation = Preparation()
    first = from_rgb(head(), WIDTH, HEIGHT, ColourDescription(6, 6, 6, False))
    second = from_rgb(head(), *size, ColourDescription(1, 1, matrix, True))
    first.pts, second.pts = 0, 1
    before, colour = second.to_ndarray(), colour_of(second)
    preparation.push(first)
    (made,) = preparation.push(second)
    assert (made.width, made.height, colour_of(made).matrix) == (WIDTH, HEIGHT, 6)
    assert (second.width, second.height) == size
    assert colour_of(second) == colour
    assert np.array_equal(second.to_ndarray(), before)


def test_pixel_formats_may_change():
    """RGB, gray and deeper samples among frames of 4:2:0 become like these."""
    preparation = Preparation()
    wanted = None
    for number, form in enumerate(["yuv420p", "rgb24", "yuv444p10le", "bgra", "yuvj422p"]):
        frame = av.VideoFrame.from_ndarray(head(), format="rgb24").reformat(
            format=form,
            dst_colorspace=1,
            dst_color_range=2 if form.startswith("yuvj") else 1,
        )
        if "yuv" in form:
            tag(frame, ColourDescription(1, 1, 1, form.startswith("yuvj")))
        frame.pts = number
        (made,) = preparation.push(frame)
        shown = to_rgb(made, WIDTH, HEIGHT).astype(int)
        wanted = shown if wanted is None else wanted
        assert colour_of(made).matrix == 1
        assert np.abs(shown - wanted).mean() < 2


@pytest.mark.parametrize("suffix", [".ts", ".webm"])
def test_a_size_that_changes_is_scaled_to_the_first(suffix, tmp_path):
    if suffix == ".ts":
        parts = [
            part(tmp_path / f"{n}.ts", matrix=BT601, full=False, size=size, start=n * PART / 25)
            for n, size in enumerate(("128x96", "256x192", "64x64"))
        ]
        path = joined(tmp_path, *parts)
    else:
        path = _webm_of_two_sizes(tmp_path)
    frames, _, said = read(path)
    assert {(frame.width, frame.height) for frame in frames} == {(128, 96)}
    assert "pictures change their size; scaled to the first one" in said
    assert [frame.pts for frame in frames] == sorted({frame.pts for frame in frames})
    first, second = (frames[n].to_ndarray().astype(int) for n in (0, PART + 1))
    assert np.abs(first - second).mean() < 2.5
    there_and_back(path, tmp_path / "out.mp4")
    out, _, _ = read(tmp_path / "out.mp4")
    assert (len(out), out[-1].width, out[-1].height) == (len(frames), 128, 96)


def _webm_of_two_sizes(folder: Path) -> Path:
    """As browsers record calls: VP8 whose key frames have other sizes."""
    picture = folder / "head.png"
    _write_png(picture)
    names = []
    for size in ("128x96", "256x192"):
        name = folder / f"{size}.webm"
        # fmt: off
        ffmpeg("-loop", 1, "-framerate", 25, "-i", picture, "-frames:v", PART, "-s", size,
               "-c:v", "libvpx", "-b:v", "2M", "-pix_fmt", "yuv420p", name)
        # fmt: on
        names.append(f"file {name}\n")
    (folder / "list.txt").write_text("".join(names))
    path = folder / "call.webm"
    ffmpeg("-f", "concat", "-safe", 0, "-i", folder / "list.txt", "-c", "copy", path)
    return path


def test_a_matrix_that_nobody_names_stays_what_it_was_taken_for():
    """Lines do not decide anew: a call that grows to 720 lines keeps its colours."""
    preparation = Preparation()
    pictures = []
    for number, height in enumerate((360, 720)):
        frame = from_rgb(head(), 128, height, ColourDescription(2, 2, 6, False))
        tag(frame, ColourDescription(2, 2, 2, False))
        frame.pts = number
        (made,) = preparation.push(frame)
        pictures.append(made.to_ndarray().astype(int))
        assert colour_of(made).matrix == 6
    assert np.abs(pictures[0] - pictures[1]).mean() < 1


def test_frames_that_turn_over_time_are_all_upright():
    """A display matrix may come and go, in H.264 by SEI messages."""
    frames = []
    for angle in (0, 90, 180):
        with av.open(_turned(angle), "r", format="mp4") as container:
            frames += list(container.decode(video=0))[:1]
    preparation = Preparation()
    for number, frame in enumerate(frames):
        frame.pts, frame.time_base = number, Fraction(1, 25)
    made = [each for frame in frames for each in preparation.push(frame)]
    assert {(each.width, each.height) for each in made} == {(64, 48)}
    assert np.abs(to_rgb(made[0], 64, 48).astype(int) - to_rgb(made[2], 64, 48)).mean() < 3


def _turned(angle: int):
    """An MP4 file whose picture is upright when it is turned as its display matrix says."""
    import io

    file = io.BytesIO()
    picture = np.rot90(head()[:48, :64], k=angle // 90)
    with av.open(file, "w", format="mp4") as container:
        stream = container.add_stream("libx264", rate=25, options={"qp": "4"})
        stream.height, stream.width = picture.shape[:2]
        stream.pix_fmt = "yuv420p"
        stream.set_display_rotation(angle)
        frame = av.VideoFrame.from_ndarray(np.ascontiguousarray(picture), format="rgb24")
        container.mux(stream.encode(frame))
        container.mux(stream.encode())
    file.seek(0)
    return file


def test_pictures_that_no_file_holds_are_refused_at_once(tmp_path):
    path = tmp_path / "huge.png"
    ffmpeg("-f", "lavfi", "-i", "color=s=16400x16", "-frames:v", 1, path)
    with pytest.raises(UnsupportedError, match="huge.png: pictures of 16400×16 are too large"):
        read(path)


# Cropping that containers ask for.


def boxes(data: bytes, begin: int, end: int):
    while begin + 8 <= end:
        length = int.from_bytes(data[begin : begin + 4], "big")
        yield begin, length, data[begin + 4 : begin + 8]
        begin += length


def with_clean_aperture(path: Path, *, size: tuple[int, int], move: tuple[int, int]) -> None:
    """Put a "clap" box into the description of the video; the index is at the end of the file."""
    data = bytearray(path.read_bytes())
    begin, end, parents = 0, len(data), []
    for name in (b"moov", b"trak", b"mdia", b"minf", b"stbl", b"stsd", b"avc1"):
        at, length, _ = next(box for box in boxes(data, begin, end) if box[2] == name)
        parents.append(at)
        begin, end = at + 8, at + length
        begin += {b"stsd": 8, b"avc1": 78}.get(name, 0)
    wide, tall = size
    aperture = struct.pack(">I4s8i", 40, b"clap", wide, 1, tall, 1, move[0], 2, move[1], 2)
    for at in parents:
        data[at : at + 4] = (int.from_bytes(data[at : at + 4], "big") + 40).to_bytes(4, "big")
    data[end:end] = aperture
    path.write_bytes(data)


def with_pixel_crop(path: Path, *, left: int, right: int, top: int, bottom: int) -> None:
    """Put PixelCrop into a Matroska file, whose index may then be wrong."""
    data = path.read_bytes()
    crop = b"".join(
        element(identity, bytes([value]))
        for identity, value in ((0x54CC, left), (0x54DD, right), (0x54BB, top), (0x54AA, bottom))
    )
    parts = []
    for part in elements(data):
        if part.identity != 0x18538067:
            parts.append(part.whole)
            continue
        inside = [_cropped(each, crop) for each in elements(part.content)]
        parts.append(element(0x18538067, b"".join(inside)))
    path.write_bytes(b"".join(parts))


def _cropped(part, crop: bytes) -> bytes:
    if part.identity not in (0x1654AE6B, 0xAE, 0xE0):
        return part.whole
    inside = b"".join(
        _cropped(each, crop) for each in elements(part.content) if each.identity != 0xBF
    )
    return element(part.identity, inside + (crop if part.identity == 0xE0 else b""))


def decoded_by_ffmpeg(path: Path, size: tuple[int, int]) -> np.ndarray:
    command = [FFMPEG, "-v", "error", "-i", path, "-f", "rawvideo", "-pix_fmt", "yuv420p", "-"]
    done = subprocess.run(command, capture_output=True, check=True)
    return np.frombuffer(done.stdout, np.uint8).reshape(-1, size[1] * 3 // 2, size[0])


def recording(path: Path, *, turned: int = 0) -> Path:
    frames = [from_rgb(head(n), WIDTH, HEIGHT, ColourDescription(6, 6, 6)) for n in range(3)]
    write(path, frames, codec="libx264", qp="4")
    if turned:
        ffmpeg("-display_rotation", turned, "-i", path, "-c", "copy", path.with_stem("turned"))
        path.with_stem("turned").replace(path)
    return path


@pytest.mark.parametrize("turned", [0, 90])
def test_the_clean_aperture_is_cut_as_ffmpeg_does(turned, tmp_path):
    path = recording(tmp_path / "clip.mp4", turned=turned)
    with_clean_aperture(path, size=(64, 48), move=(-10, 4))
    frames, source, _ = read(path)
    size = (48, 64) if turned else (64, 48)
    assert (source.video.width, source.video.height) == size
    assert np.array_equal(
        np.stack([frame.to_ndarray() for frame in frames]), decoded_by_ffmpeg(path, size)
    )


def test_the_crop_of_matroska_is_cut_as_ffmpeg_does(tmp_path):
    path = recording(tmp_path / "clip.mkv")
    with_pixel_crop(path, left=8, right=16, top=4, bottom=2)
    frames, source, _ = read(path)
    assert (source.video.width, source.video.height) == (72, 74)
    assert np.array_equal(
        np.stack([frame.to_ndarray() for frame in frames]), decoded_by_ffmpeg(path, (72, 74))
    )
    with path.open("rb") as file, Source(file) as source:
        assert (source.video.width, source.video.height) == (72, 74)


def test_a_crop_of_all_is_no_crash(tmp_path):
    path = recording(tmp_path / "clip.mkv")
    with_pixel_crop(path, left=60, right=60, top=0, bottom=0)
    with pytest.raises(MediaError, match="clip.mkv"):
        read(path)


def test_tags_that_look_like_a_crop_crop_nothing(tmp_path):
    path = tmp_path / "clip.mkv"
    with av.open(str(path), "w") as container:
        stream = container.add_stream("libx264", rate=25)
        stream.width, stream.height, stream.pix_fmt = 64, 48, "yuv420p"
        line = "Side data:\n      Frame Cropping: 8/8/8/8\n"
        stream.metadata["title"] = line
        stream.metadata["Frame Cropping: 8/8/8/8"] = ""
        container.metadata["comment"] = f"\n  Stream #0:0: Video\n    {line}"
        container.mux(stream.encode(av.VideoFrame(64, 48, "yuv420p")))
        container.mux(stream.encode())
    _, source, _ = read(path)
    assert (source.video.width, source.video.height) == (64, 48)
