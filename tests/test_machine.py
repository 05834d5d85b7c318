"""Files for recognisers: faces are kept, what is around them is flattened."""

from __future__ import annotations

import io
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path

import av
import numpy as np
import pytest
from conftest import ROOT, run_gvc, write_pictures

import gvc
from gvc.api.options import encoder_settings
from gvc.api.transcode import encode
from gvc.bitstream import ColourDescription
from gvc.codec.face_focus import FaceFocus, flatten
from gvc.codec.settings import EncoderSettings, Purpose
from gvc.errors import UsageError
from gvc.faces import Face
from gvc.media import AudioMode, from_rgb

PORTRAIT = ROOT / "examples" / "portrait.gvc"
FRAMES = 12

#: The face in the portrait, 256×256.
FACE = Face(83, 83, 88, 88)

COLOUR = ColourDescription(primaries=1, transfer=1, matrix=1, full_range=False)


class Told:
    """Finds what it is told, a list a search, the last one again and again; counts searches."""

    def __init__(self, *found: Sequence[Face]) -> None:
        self._found = found
        self.asked = 0

    def find(self, picture: np.ndarray) -> Sequence[Face]:
        self.asked += 1
        return self._found[min(self.asked, len(self._found)) - 1]


@pytest.fixture(scope="module")
def pictures() -> list[np.ndarray]:
    """The first frames of the portrait that comes with the project: a real face."""
    with gvc.open(PORTRAIT, threads=1) as container:
        frames = container.decode(video=0)
        return [next(frames).to_ndarray(format="rgb24") for _ in range(FRAMES)]


@pytest.fixture(scope="module")
def source(pictures: list[np.ndarray], tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_pictures(tmp_path_factory.mktemp("machine") / "portrait.mkv", pictures)


def coded(path: Path, purpose: Purpose, *, told: Told | None) -> bytes:
    file = io.BytesIO()
    settings = EncoderSettings(key_preset="faster", key_qp=37, threads=1, purpose=purpose)
    encode(path, file, settings=settings, audio=AudioMode.NONE, faces=told)
    return file.getvalue()


def luma(data: bytes) -> np.ndarray:
    with gvc.open(io.BytesIO(data), threads=1) as container:
        frames = [frame.reformat(format="gray") for frame in container.decode(video=0)]
    return np.stack([frame.to_ndarray() for frame in frames]).astype(float)


def parts(height: int, width: int, face: Face = FACE) -> tuple[np.ndarray, np.ndarray]:
    """Where the face is, and where there is nothing of it or of what is next to it."""
    y, x = np.mgrid[0:height, 0:width]
    away = np.hypot(
        (x - face.left - face.width / 2) / face.width,
        (y - face.top - face.height / 2) / face.height,
    )
    return away < 0.5, away > 1.6


def detail(picture: np.ndarray, where: np.ndarray) -> float:
    """Mean step from a pixel to the next one."""
    steps = np.abs(np.diff(picture.astype(float), axis=1))
    return float(steps[where[:, 1:]].mean())


# One picture


def frame_of(picture: np.ndarray) -> av.VideoFrame:
    return from_rgb(picture, picture.shape[1], picture.shape[0], COLOUR)


def test_a_face_stays_as_it_is_and_the_rest_loses_its_detail(pictures):
    frame = frame_of(pictures[0])
    flat = flatten(frame, [FACE]).to_ndarray()
    whole = frame.to_ndarray()
    height, width = pictures[0].shape[:2]
    near, far = parts(height, width)
    assert (flat[:height][near] == whole[:height][near]).all()
    assert detail(flat[:height], far) < 0.3 * detail(whole[:height], far)
    # Colours of what is around are kept on the whole.
    assert flat[:height][far].mean() == pytest.approx(whole[:height][far].mean(), abs=8)


def test_flattening_makes_no_edges(pictures):
    frame = frame_of(pictures[0])
    height = len(pictures[0])
    steps = [
        np.abs(np.diff(each.to_ndarray()[:height].astype(int), axis=1)).max()
        for each in (flatten(frame, [FACE]), frame)
    ]
    assert steps[0] <= steps[1]


@pytest.mark.parametrize("size", [(64, 64), (66, 130), (320, 64)])
def test_any_size_and_any_place_of_a_face(size):
    width, height = size
    picture = np.random.default_rng(0).integers(0, 256, (height, width, 3), np.uint8)
    faces = [Face(-20, -30, 40, 40), Face(width - 10, height - 10, 60, 60)]
    flat = flatten(frame_of(picture), faces)
    assert (flat.width, flat.height) == size
    assert flat.colorspace == COLOUR.matrix


# Consecutive frames


def test_without_a_face_pictures_stay_as_they_are(pictures):
    frame = frame_of(pictures[0])
    assert FaceFocus(Told([])).keep_faces(frame, anew=True) is frame


def test_a_face_that_is_not_found_for_a_moment_stays(pictures):
    frame = frame_of(pictures[0])
    finder = Told([FACE], [])
    focus = FaceFocus(finder)
    made = [focus.keep_faces(frame, anew=index == 0) for index in range(60)]
    assert (made[10].to_ndarray() == made[0].to_ndarray()).all()
    assert (made[10].to_ndarray() != frame.to_ndarray()).any()
    assert made[-1] is frame
    # Not every frame is searched.
    assert finder.asked < 20


def test_a_cut_forgets_faces(pictures):
    frame = frame_of(pictures[0])
    focus = FaceFocus(Told([FACE], []))
    assert focus.keep_faces(frame, anew=True) is not frame
    assert focus.keep_faces(frame, anew=True) is frame


# Whole files


def test_files_for_machines_are_smaller_and_keep_the_face(source, pictures):
    people, machine = (
        coded(source, purpose, told=Told([FACE])) for purpose in (Purpose.PEOPLE, Purpose.MACHINE)
    )
    assert len(machine) < 0.9 * len(people)
    height, width = pictures[0].shape[:2]
    near, far = parts(height, width)
    shown = [luma(data) for data in (people, machine)]
    assert shown[0].shape == shown[1].shape == (FRAMES, height, width)
    assert detail(shown[1][0], far) < 0.5 * detail(shown[0][0], far)
    original = np.stack([frame_of(picture).to_ndarray()[:height] for picture in pictures])
    errors = [np.abs(each - original)[:, near].mean() for each in shown]
    assert errors[1] < 1.15 * errors[0]


def test_the_command_line_finds_the_face_itself(source, tmp_path):
    target = tmp_path / "out.gvc"
    options = ("--for", "machine", "--key-qp", 37, "--key-preset", "faster", "--threads", 1)
    done = run_gvc("encode", *options, source, target)
    assert done.returncode == 0, done.stderr
    height, width = 256, 256
    _, far = parts(height, width)
    people = coded(source, Purpose.PEOPLE, told=None)
    assert detail(luma(target.read_bytes())[0], far) < 0.5 * detail(luma(people)[0], far)


def test_who_codes_for_machines_is_told_what_is_missing(source, tmp_path):
    # As if dlib were not installed, in a process of its own.
    program = "import sys; sys.modules['dlib'] = None; from gvc.cli.main import main; main()"
    target = tmp_path / "out.gvc"
    command = [sys.executable, "-c", program, "encode", "--for", "machine", source, target]
    done = subprocess.run(command, capture_output=True, check=False, cwd=ROOT)
    assert done.returncode == 1
    message = done.stderr.decode().strip()
    assert "--for machine needs dlib" in message
    assert "pip install dlib-bin" in message
    assert len(message.splitlines()) == 1
    assert not target.exists()


def test_the_option_is_known_by_name():
    with pytest.raises(UsageError, match="purpose cannot be 'fun'"):
        gvc.open(io.BytesIO(), "w", options={"purpose": "fun"})
    assert encoder_settings(EncoderSettings(), {"purpose": "machine"}).purpose is Purpose.MACHINE
