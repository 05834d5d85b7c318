"""Pictures that are held but for a head: rectangles, what is drawn in them, what stays as it is."""

from __future__ import annotations

import io
import subprocess
import sys
from collections.abc import Sequence
from dataclasses import replace
from fractions import Fraction
from pathlib import Path

import av
import numpy as np
import pytest
from conftest import ROOT, draw_head, write_pictures
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from test_bitstream import VIDEO

import gvc
from gvc import faces
from gvc.api.transcode import encode
from gvc.bitstream import (
    BitstreamReader,
    BitstreamWriter,
    FileHeader,
    Group,
    KeyFrame,
    Rectangle,
)
from gvc.bitstream.compression import compress
from gvc.codec.rectangles import FACES_EVERY, choose_rectangle
from gvc.codec.settings import CanvasMode, EncoderSettings, Purpose, canvas_size
from gvc.codec.summary import summarise
from gvc.container import ChunkWriter
from gvc.errors import (
    InvalidDataError,
    LimitError,
    TruncatedDataError,
    UnsupportedError,
    UsageError,
)
from gvc.faces import Face
from gvc.media import AudioMode

WIDTH, HEIGHT, FRAMES = 384, 256, 14

#: Where the drawn head is: left, top and side.
HEAD = 208, 64, 128

SETTINGS = EncoderSettings(size=96, key_preset="faster", key_frames=1, scene_cut=0, threads=1)


class Told:
    """Finds the same faces in every picture."""

    def __init__(self, *found: Face) -> None:
        self._found = found

    def find(self, picture: np.ndarray) -> Sequence[Face]:
        return self._found


DRAWN = Told(Face(HEAD[0] + 38, HEAD[1] + 30, 52, 64))


def scene(index: int, width: int = WIDTH, height: int = HEIGHT) -> np.ndarray:
    """A head that sways before a wall with a pattern."""
    rng = np.random.default_rng(0)
    wall = rng.integers(90, 170, (32, 48, 3), dtype=np.uint8).repeat(8, axis=0).repeat(8, axis=1)
    picture = wall[:height, :width].copy()
    left, top, side = HEAD
    head = draw_head(index, side, side)
    person = np.abs(head.astype(int) - draw_head(0, side, side)[:8, :8].mean((0, 1))).sum(2) > 120
    picture[top : top + side, left : left + side][person] = head[person]
    return picture


@pytest.fixture(scope="module")
def source(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("canvas") / "scene.mkv"
    return write_pictures(path, [scene(index) for index in range(FRAMES)])


def coded(path: Path, *, told: Told | None = DRAWN, **changes: object) -> bytes:
    file = io.BytesIO()
    chosen = replace(SETTINGS, **changes)
    encode(path, file, settings=chosen, audio=AudioMode.NONE, faces=told)
    return file.getvalue()


@pytest.fixture(scope="module")
def held(source: Path) -> bytes:
    return coded(source)


@pytest.mark.parametrize("purpose", list(Purpose))
def test_a_canvas_is_coded_by_the_model_for_faces(source, purpose):
    large = Told(Face(220, 40, 120, 160))
    by_name, open_ = (
        coded(source, told=large, canvas=CanvasMode.AUTO, purpose=purpose, model=model)
        for model in ("face", "auto")
    )
    assert summarise(io.BytesIO(by_name)).header.video.canvas is not None
    assert open_ == by_name


class SecondTime(Told):
    """Finds nothing in the frames that are looked at the first time, and faces ever after."""

    def __init__(self, *found: Face) -> None:
        super().__init__(*found)
        self._left = -(-FRAMES // FACES_EVERY)

    def find(self, picture: np.ndarray) -> Sequence[Face]:
        self._left -= 1
        return () if self._left >= 0 else super().find(picture)


def test_the_frames_of_a_short_stream_are_looked_at_once(source):
    """Else a model that was chosen for a stream without a canvas could get one."""
    told = SecondTime(Face(220, 40, 120, 160))
    data = coded(source, told=told, canvas=CanvasMode.AUTO, model="auto")
    assert summarise(io.BytesIO(data)).header.video.canvas is None


def groups(data: bytes) -> list[Group]:
    return [unit for unit in BitstreamReader(io.BytesIO(data)) if isinstance(unit, Group)]


def shown(data: bytes, *, size: int | None = None) -> np.ndarray:
    """Luma of all frames, [N, H, W]."""
    with gvc.open(io.BytesIO(data), size=size, threads=1) as container:
        frames = list(container.decode(video=0))
    height, width = frames[0].height, frames[0].width
    planes = [frame.reformat(format="gray").to_ndarray() for frame in frames]
    assert all(plane.shape == (height, width) for plane in planes)
    return np.stack(planes).astype(int)


def luma(path: Path) -> np.ndarray:
    with av.open(str(path)) as container:
        return np.stack(
            [frame.reformat(format="gray").to_ndarray() for frame in container.decode(video=0)]
        ).astype(int)


def test_the_picture_is_held_and_the_head_moves(source, held):
    (group,) = groups(held)
    (key,) = group.keys
    rectangle = group.rectangle
    assert rectangle is not None
    frames, originals = shown(held), luma(source)
    inside = np.zeros((HEIGHT, WIDTH), bool)
    inside[rectangle.top : rectangle.bottom, rectangle.left : rectangle.right] = True
    still = frames[key.index]
    # Not a sample differs outside, and next to the border there is no seam.
    assert (frames[:, ~inside] == still[~inside]).all()
    rim = inside.copy()
    rim[rectangle.top + 2 : rectangle.bottom - 2, rectangle.left + 2 : rectangle.right - 2] = False
    assert np.abs(frames[:, rim] - still[rim]).max() <= 3
    far = (
        np.abs(originals - originals[key.index]).mean((1, 2))
        > 0.5 * np.abs(originals - originals[key.index]).mean((1, 2)).max()
    )
    moved = np.abs(frames - originals)[far][:, inside].mean()
    assert moved < 0.95 * np.abs(still - originals)[far][:, inside].mean()


def test_the_wall_is_as_sharp_as_in_the_key_frame(source, held):
    """Scaling the whole picture up from what the network makes would blur it."""
    squeezed = shown(coded(source, canvas=CanvasMode.OFF))
    wall = np.s_[:, :, :160]
    errors = [np.abs(made - luma(source))[wall].mean() for made in (shown(held), squeezed)]
    assert errors[0] < 0.5 * errors[1]


def test_a_file_says_what_is_generated(held):
    summary = summarise(io.BytesIO(held))
    assert summary.header.video.canvas == (WIDTH, HEIGHT)
    assert summary.header.video.coded_width == summary.header.video.coded_height == 96
    (rectangle,) = summary.rectangles
    left, top, side = HEAD
    assert rectangle.left <= left + 38
    assert rectangle.right >= left + 90
    assert rectangle.top <= top + 30
    assert rectangle.bottom >= top + 94
    assert side * 0.8 <= rectangle.width == rectangle.height <= side * 1.5


@pytest.mark.parametrize("size", [64, 160])
def test_decoding_at_a_reduced_size(held, size):
    frames = shown(held, size=size)
    assert frames.shape[0] == FRAMES
    assert abs(frames.shape[1] * frames.shape[2] - size**2) < 0.1 * size**2
    (group,) = groups(held)
    whole = shown(held)
    step = WIDTH / frames.shape[2]
    corners = np.s_[4 : int(40 / step), 4 : int(40 / step)]
    assert abs(frames[3][corners].mean() - whole[3][:40, :40].mean()) < 6
    assert group.rectangle is not None


def test_odd_sizes_come_back(tmp_path):
    pictures = [scene(index, 383, 255) for index in range(4)]
    path = tmp_path / "odd.mkv"
    write_pictures(path, pictures, pixel_format="yuv444p")
    data = coded(path, canvas=CanvasMode.ON)
    assert summarise(io.BytesIO(data)).header.video.canvas == (384, 256)
    assert shown(data).shape == (4, 255, 383)
    assert shown(data, size=320).shape == (4, 255, 383)


def test_without_a_face_nothing_changes(source):
    off = coded(source, canvas=CanvasMode.OFF)
    assert coded(source, told=Told()) == off
    assert summarise(io.BytesIO(off)).header.video.canvas is None
    assert not groups(off)[0].rectangle


def test_a_small_picture_is_coded_as_a_whole(source):
    assert coded(source, size=256) == coded(source, size=256, canvas=CanvasMode.OFF)


def test_a_canvas_without_a_face_is_animated_as_a_whole(source):
    data = coded(source, told=Told(), canvas=CanvasMode.ON)
    assert summarise(io.BytesIO(data)).header.video.canvas == (WIDTH, HEIGHT)
    assert not summarise(io.BytesIO(data)).rectangles
    errors = np.abs(shown(data) - luma(source)).mean((1, 2))
    assert errors.max() < 12


def test_what_changes_around_the_head_is_coded_as_video_at_full_size(tmp_path):
    pictures = [scene(index) for index in range(12)]
    rng = np.random.default_rng(1)
    for picture in pictures:
        patches = rng.integers(0, 256, (12, 8, 3), dtype=np.uint8)
        picture[:192, :128] = patches.repeat(16, axis=0).repeat(16, axis=1)
    path = write_pictures(tmp_path / "busy.mkv", pictures)
    data = coded(path)
    assert summarise(io.BytesIO(data)).header.video.canvas == (WIDTH, HEIGHT)
    assert all(group.video for group in groups(data))
    assert np.abs(shown(data) - luma(path)).mean() < 12


def test_a_bit_rate_and_a_greatest_distance_go_with_a_canvas(source):
    for changes in ({"bit_rate": 40_000}, {"max_distance": 0.4}):
        data = coded(source, **changes)
        assert summarise(io.BytesIO(data)).header.video.canvas == (WIDTH, HEIGHT)
        assert len(shown(data)) == FRAMES


FACES = st.lists(
    st.lists(
        st.builds(
            Face,
            left=st.floats(-50, 1000),
            top=st.floats(-50, 700),
            width=st.floats(1, 700),
            height=st.floats(1, 700),
        ),
        max_size=3,
    ),
    max_size=6,
)


@settings(deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(FACES, st.sampled_from([(1280, 720), (720, 1280), (64, 64), (1368, 768), (512, 64)]))
def test_rectangles_lie_in_the_picture(found, size):
    rectangle = choose_rectangle(found, *size)
    if rectangle is None:
        return
    assert rectangle.lies_in(*size)
    assert rectangle.width == rectangle.height >= 16
    written = Group(0, 1, False, (KeyFrame(0, b"key"),), b"", rectangle=rectangle)
    assert Group.from_bytes(written.to_bytes()) == written


def test_a_small_face_in_a_small_picture_has_a_rectangle_that_can_be_written():
    rectangle = choose_rectangle([[Face(30, 30, 6, 6)]], 64, 64)
    assert rectangle is not None
    assert rectangle.width == rectangle.height == 16


def test_the_larger_face_is_followed_as_far_as_it_goes():
    small = Face(100, 100, 70, 70)
    moving = [[small, Face(600 + 10 * step, 200, 120, 120)] for step in range(12)]
    rectangle = choose_rectangle(moving, 1280, 720)
    assert rectangle is not None
    assert rectangle.left < 600
    assert rectangle.right > 830
    assert rectangle.left > 300
    assert choose_rectangle([[Face(0, 0, 20, 20)]], 1280, 720) is None
    assert choose_rectangle([[], []], 1280, 720) is None


@pytest.mark.parametrize("size", [(1920, 1080), (3840, 2160), (480, 908), (1, 1), (100, 5000)])
def test_a_canvas_has_the_shape_of_the_picture(size):
    width, height = canvas_size(*size)
    assert width % 8 == height % 8 == 0
    assert width * height <= 1.1 * 2**20
    if min(size) > 64:
        assert width / height == pytest.approx(size[0] / size[1], rel=0.05)


HELD = replace(VIDEO, canvas=(640, 360))
PART = Group(0, 3, False, (KeyFrame(1, b"key"),), b"codes", rectangle=Rectangle(400, 120, 240, 240))


def file_of(video, group: Group) -> io.BytesIO:
    file = io.BytesIO()
    writer = BitstreamWriter(file)
    writer.write_header(FileHeader(video))
    writer.write_group(group)
    writer.close(end_pts=3)
    file.seek(0)
    return file


def unchecked_file_of(video, group: Group) -> io.BytesIO:
    """The same, whatever the group says."""
    file = io.BytesIO()
    writer = ChunkWriter(file)
    writer.write(2, FileHeader(video).to_bytes())
    writer.write(3, group.to_bytes())
    file.seek(0)
    return file


def test_headers_and_groups_round_trip():
    assert FileHeader.from_bytes(FileHeader(HELD).to_bytes()).video == HELD
    reader = BitstreamReader(file_of(HELD, PART))
    assert reader.header.video.key_size == (640, 360)
    assert list(reader) == [PART]
    assert len(PART.to_bytes()) == len(replace(PART, rectangle=None).to_bytes()) + 4


def test_rectangles_outside_of_the_canvas_are_refused():
    for video, rectangle in (
        (VIDEO, Rectangle(0, 0, 64, 64)),
        (HELD, Rectangle(408, 120, 240, 240)),
        (HELD, Rectangle(400, 128, 240, 240)),
        (HELD, Rectangle(16_000, 0, 64, 64)),
    ):
        lying = replace(PART, rectangle=rectangle)
        with pytest.raises(InvalidDataError, match="does not lie in the picture"):
            list(BitstreamReader(unchecked_file_of(video, lying)))
        with pytest.raises(LimitError, match="does not lie in the picture"):
            file_of(video, lying)


@pytest.mark.parametrize("sides", [(0, 0, 0, 64), (0, 0, 64, 8), (20_000, 0, 64, 64)])
def test_rectangles_out_of_range_are_refused(sides):
    group = replace(PART, rectangle=Rectangle(*sides))
    with pytest.raises(InvalidDataError, match="is out of range"):
        Group.from_bytes(group.to_bytes())


@pytest.mark.parametrize("sides", [(4, 0, 64, 64), (-8, 0, 64, 64)])
def test_rectangles_are_of_whole_units(sides):
    with pytest.raises(ValueError, match="whole units"):
        replace(PART, rectangle=Rectangle(*sides)).to_bytes()


def test_cut_rectangles_and_canvases_are_refused():
    data = replace(PART, motion=b"").to_bytes()
    for length in range(len(data)):
        with pytest.raises(TruncatedDataError):
            Group.from_bytes(data[:length])
    header = FileHeader(HELD).plain()
    for length in range(len(header) - 4, len(header)):
        with pytest.raises(TruncatedDataError):
            FileHeader.from_bytes(compress(header[:length]))


def test_a_group_coded_as_video_has_no_rectangle():
    data = bytearray(Group(0, 3, False, (), b"", video=b"stream").to_bytes())
    data[0] |= 16
    with pytest.raises(InvalidDataError, match="coded as video"):
        Group.from_bytes(bytes(data))


@pytest.mark.parametrize("canvas", [(8, 360), (16_392, 64), (16_384, 1024)])
def test_canvases_out_of_range_are_refused(canvas):
    with pytest.raises(InvalidDataError):
        FileHeader.from_bytes(FileHeader(replace(VIDEO, canvas=canvas)).to_bytes())


def test_the_option_is_known_by_name():
    with pytest.raises(UsageError, match="canvas cannot be 'sometimes'"):
        gvc.open(io.BytesIO(), "w", options={"canvas": "sometimes"})
    file = io.BytesIO()
    with gvc.open(file, "w", options={"canvas": "off", "key_preset": "faster"}) as output:
        stream = output.add_stream("gvc", rate=Fraction(25))
        frame = av.VideoFrame.from_ndarray(draw_head(0, 192, 128), format="rgb24")
        output.mux([*stream.encode(frame), *stream.encode()])
    assert summarise(io.BytesIO(file.getvalue())).header.video.canvas is None


@pytest.mark.parametrize(
    ("options", "said"),
    [
        (["--canvas", "on"], "a canvas needs dlib to find faces"),
        (["--size", 128], "a picture of 384x256 needs dlib to find faces"),
    ],
)
def test_without_a_detector_a_large_picture_is_an_error(source, tmp_path, options, said):
    # As if dlib were not installed, in a process of its own.
    program = "import sys; sys.modules['dlib'] = None; from gvc.cli.main import main; main()"
    target = tmp_path / "out.gvc"
    command = [sys.executable, "-c", program, "encode", *map(str, options), source, target]
    done = subprocess.run(command, capture_output=True, check=False)
    assert done.returncode == 1
    message = done.stderr.decode().strip()
    assert f"{said}, which is not installed (pip install dlib-bin, or --canvas off)" in message
    assert len(message.splitlines()) == 1
    assert not target.exists()
    kept = subprocess.run([*command[:-2], "--canvas", "off", *command[-2:]], check=False)
    assert kept.returncode == 0


def test_a_detector_that_does_not_load_is_an_error(tmp_path, monkeypatch):
    (tmp_path / "dlib.py").write_text("raise ImportError('GLIBC_2.99 was not found')")
    monkeypatch.syspath_prepend(tmp_path)
    monkeypatch.delitem(sys.modules, "dlib", raising=False)
    with pytest.raises(UnsupportedError, match="does not load here: GLIBC_2.99 was not found"):
        faces.finder()
    monkeypatch.delitem(sys.modules, "dlib", raising=False)


def test_a_large_picture_has_a_canvas_by_default(tmp_path):
    """What README's first command does: the portrait in a room, nothing asked for."""
    with gvc.open(ROOT / "examples" / "portrait.gvc", threads=1) as portrait:
        face = next(portrait.decode(video=0)).to_ndarray(format="rgb24")
    room = np.zeros((480, 640, 3), np.uint8)
    room[::2] = 200
    room[100:356, 200:456] = face
    source = write_pictures(tmp_path / "talk.mkv", [room] * 4)
    target = io.BytesIO()
    encode(source, target, settings=EncoderSettings(key_preset="faster", threads=1))
    summary = summarise(io.BytesIO(target.getvalue()))
    assert summary.header.video.canvas == (640, 480)


@pytest.mark.parametrize("shape", [(1, 1), (2, 4000), (4000, 2), (48, 64)])
def test_pictures_of_any_shape_are_searched(shape):
    assert not list(faces.finder().find(np.zeros((*shape, 3), np.uint8)))


def test_faces_are_found_in_a_recording(footage):
    with av.open(str(footage("saifhassan__Wav2Lip-HD__kennedy_low.mp4"))) as container:
        picture = next(container.decode(video=0)).to_ndarray(format="rgb24")
    (face,) = faces.finder().find(picture)
    # His nose.
    assert face.left < 340 < face.left + face.width
    assert face.top < 260 < face.top + face.height
    assert 0.3 < face.height / picture.shape[0] < 0.7


def test_a_large_picture_without_a_face_says_what_it_is_coded_as(tmp_path):
    path = tmp_path / "wall.mkv"
    write_pictures(path, np.full((3, HEIGHT, WIDTH, 3), 90, np.uint8))
    for mode, size, said in (("auto", 96, 1), ("off", 96, 0), ("auto", 256, 0)):
        lines: list[str] = []
        chosen = replace(SETTINGS, canvas=CanvasMode(mode), size=size)
        target = io.BytesIO()
        encode(path, target, settings=chosen, faces=Told(), on_warning=lines.append)
        assert len(lines) == said
        if said:
            assert f"{WIDTH}x{HEIGHT} is coded as" in lines[0]
