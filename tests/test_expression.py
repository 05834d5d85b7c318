"""Eyes and mouths that open and close, and those that do not."""

from __future__ import annotations

import sys
from pathlib import Path

import numpy as np
import pytest
from conftest import write_pictures
from metric_weights import weights_folder

import gvc
from gvc.bench.clips import Clip
from gvc.bench.expression import Expression, find_expression, followed
from gvc.bench.reference import make_reference
from gvc.errors import UnsupportedError
from gvc.faces import FacePoints

PORTRAIT = Path(__file__).parents[1] / "examples" / "portrait.gvc"

SPEAKING = 0.2 + 0.1 * np.sin(np.arange(40))


def test_the_same_movement_is_followed_wherever_it_begins():
    assert followed(SPEAKING, SPEAKING) == pytest.approx(1)
    assert followed(SPEAKING, SPEAKING + 0.3) == pytest.approx(1)


def test_a_part_of_a_movement_counts_for_what_it_explains():
    still = SPEAKING.mean()
    assert followed(SPEAKING, still + (SPEAKING - still) / 2) == pytest.approx(0.75)
    assert followed(SPEAKING, np.full(40, 0.5)) == pytest.approx(0, abs=1e-9)
    # As much movement, but another one.
    assert followed(SPEAKING, 0.2 + 0.1 * np.cos(np.arange(40))) == 0


def test_a_face_that_is_lost_does_not_move():
    lost = np.where(np.arange(40) < 20, SPEAKING, np.nan)
    assert 0.3 < followed(SPEAKING, lost) < 0.7
    assert followed(SPEAKING, np.full(40, np.nan)) == 0
    # In the original it is no fault of the codec.
    assert followed(lost, SPEAKING) == pytest.approx(1)


def test_what_hardly_moves_says_nothing():
    assert followed(np.full(40, 0.2), SPEAKING) is None
    assert followed(0.2 + (SPEAKING - 0.2) / 10, SPEAKING) is None
    assert followed(SPEAKING[:5], SPEAKING[:5]) is None


def test_a_movement_along_two_axes_is_one_movement():
    circle = np.stack([SPEAKING, 0.1 * np.cos(np.arange(40))], axis=1)
    assert followed(circle, circle + np.array((0.2, -0.1))) == pytest.approx(1)
    along = circle * (1, 0)
    assert 0.4 < followed(circle, along) < 0.6
    lost = np.where(np.arange(40)[:, None] < 20, circle, np.nan)
    assert followed(lost, circle) == pytest.approx(1)


def test_without_points_there_is_no_score(monkeypatch):
    monkeypatch.setitem(sys.modules, "mediapipe", None)
    assert find_expression(every=1) is None


@pytest.fixture(scope="module")
def pictures() -> list[np.ndarray]:
    try:
        FacePoints().close()
    except UnsupportedError as error:
        pytest.skip(error.cause)
    with gvc.open(PORTRAIT) as container:
        return [frame.to_ndarray(format="rgb24") for frame in container.decode(video=0)]


def test_eyes_and_mouth_are_measured_in_a_picture_of_any_size(pictures):
    with FacePoints() as points:
        eyes, mouth = points.openings(pictures[0])
        assert 0.1 < eyes < 0.6
        assert 0 <= mouth < 0.6
        wide = np.zeros((600, 1000, 3), np.uint8)
        wide[300:556, 700:956] = pictures[0]
        assert points.openings(wide) == pytest.approx((eyes, mouth), abs=0.03)
        assert points.openings(np.zeros((64, 96, 3), np.uint8)) is None


def test_gaze_is_where_irises_are_between_the_corners_of_eyes(pictures):
    with FacePoints() as points:
        x, y = points.gaze(pictures[0])
        assert abs(x) < 0.2
        assert abs(y) < 0.2
        # Mirrored, the person looks to the other side.
        mirrored = points.gaze(np.ascontiguousarray(pictures[0][:, ::-1]))
        assert mirrored == pytest.approx((-x, y), abs=0.04)
        assert points.gaze(np.zeros((64, 96, 3), np.uint8)) is None


def test_mouths_and_eyes_are_compared_alone(pictures, tmp_path):
    from gvc.bench.face_features import FaceFeatures

    folder = weights_folder()
    path = tmp_path / "portrait.mkv"
    write_pictures(path, np.stack(pictures[:8]))
    reference = make_reference(Clip("portrait", path, "portrait"), tmp_path, side=256, frames=8)
    compare = FaceFeatures(folder, every=4, device="cpu")
    planes = np.array(reference.planes())
    assert set(compare.score(reference, planes).values()) == {0.0}
    with FacePoints() as points:
        five = points.find(pictures[0])
    mouth = five[3:].mean(axis=0).astype(int)
    blurred = planes.copy()
    blurred[:, mouth[1] - 14 : mouth[1] + 14, mouth[0] - 20 : mouth[0] + 20] = 128
    scores = compare.score(reference, blurred)
    assert scores["mouth_lpips_alex"] > 0.2
    assert scores["eyes_lpips_alex"] < 0.02


def test_a_face_that_stands_still_follows_nothing(pictures, tmp_path):
    path = tmp_path / "portrait.mkv"
    write_pictures(path, np.stack(pictures))
    clip = Clip("portrait", path, "portrait")
    reference = make_reference(clip, tmp_path, side=256, frames=len(pictures))
    compare = Expression(every=2)
    planes = np.array(reference.planes())
    same = compare.score(reference, planes)
    assert set(same.values()) == {1.0}
    assert same
    still = np.broadcast_to(planes[:1], planes.shape)
    assert max(compare.score(reference, still).values()) < 1e-9
