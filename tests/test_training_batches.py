"""What training draws from: tables that leak nobody, batches that repeat, coded keys, faces."""

from __future__ import annotations

import importlib.util
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch
from conftest import SHARED

from gvc.clips import Clip, Kind, Split, read_table
from gvc.errors import GvcError, InvalidDataError, UnsupportedError
from gvc.training.clips import load_frames
from gvc.training.coded_keys import COUNT, CodedKeys, load_coded_keys
from gvc.training.faces import (
    KEYPOINTS,
    LANDMARKS,
    MATTE_SIDE,
    MIRRORED,
    Faces,
    features_map,
    load_faces,
    no_faces,
    openings,
)
from gvc.training.pairs import BatchShape, Footage, PairDataset, Sampling


def test_an_identity_on_both_sides_is_refused(tmp_path):
    table = tmp_path / "clips.tsv"
    table.write_text("file\tidentity\tsplit\tkind\na\tada\ttrain\tbody\nb\tada\tval\tbody\n")
    with pytest.raises(InvalidDataError, match="ada is in both"):
        read_table(tmp_path)
    table.write_text("file\tidentity\n")
    table.write_text("file\tidentity\na\tb\n")
    with pytest.raises(InvalidDataError, match="not a clip table"):
        read_table(tmp_path)
    with pytest.raises(GvcError, match="No such file"):
        read_table(tmp_path / "nowhere")


def test_the_real_split_leaks_no_identity():
    if not (SHARED / "clips").is_dir():
        pytest.skip("the clips are not beside this checkout (../shared)")
    table = read_table(SHARED / "clips")
    sides = [{clip.identity for clip in table if clip.split is split} for split in Split]
    assert all(sides)
    assert not sides[0] & sides[1]


def test_a_batch_depends_on_seed_and_step_alone(clips, tmp_path):
    table = [clip for clip in read_table(clips) if clip.split is Split.TRAIN]
    frames = load_frames(table, tmp_path, size=64)
    assert [array.shape for array in frames] == [(6, 64, 64, 3)] * 2
    shapes = (BatchShape(2, 3, 32), BatchShape(1, 1, 48))

    footage = Footage(table, frames, no_faces(frames))

    def batch(seed: int, step: int):
        return PairDataset(footage, shapes, seed=seed)[step]

    one, same, other = batch(1, 4), batch(1, 4), batch(2, 4)
    assert torch.equal(one.frames, same.frames)
    assert torch.equal(one.flow, same.flow)
    assert not torch.equal(one.frames, other.frames)
    assert one.key.shape == (2, 3, 32, 32)
    assert one.frames.shape == (6, 3, 32, 32)
    assert one.flow.shape == (6, 2, 64, 64)
    assert batch(1, 5).key.shape == (1, 3, 48, 48)
    assert not batch(1, 5).landmarks.isfinite().any()


def test_blinks_are_drawn_more_often_than_they_happen(clips):
    """One frame in forty shows closed eyes, another an open mouth, a third a head elsewhere."""
    table = [clip for clip in read_table(clips) if clip.split is Split.TRAIN][:1]
    points = np.zeros((40, LANDMARKS, 2), np.float32)
    for corner, place in ((33, -0.4), (133, -0.1), (362, 0.1), (263, 0.4), (61, -0.2), (291, 0.2)):
        points[:, corner, 0] = place
    for lid, height in ((159, 0.1), (145, 0.2), (386, 0.1), (374, 0.2)):
        points[:, lid, 1] = height
    points[7, [159, 145, 386, 374], 1] = 0.15
    points[9, 14, 1] = 0.2
    points[11] += 0.3
    eyes, mouth = openings(points).T
    assert eyes[7] < 0.01 < 0.3 < eyes[[*range(7), *range(8, 40)]].min()
    assert eyes[11] == pytest.approx(eyes[0], abs=1e-6)
    assert mouth[9] == pytest.approx(0.5)
    frames = np.zeros((40, 64, 64, 3), np.uint8)
    frames[7], frames[9], frames[11] = 30, 110, 240
    faces = Faces(points.astype(np.float16), np.zeros((40, MATTE_SIDE, MATTE_SIDE), np.uint8))
    footage = Footage(table, [frames], [faces])
    dataset = PairDataset(footage, [BatchShape(1, 20, 32)], seed=0, flow=False)
    light = torch.cat([dataset[step].frames.float().mean(dim=(1, 2, 3)) for step in range(10)])
    assert 0.1 < ((light > 5) & (light < 66)).float().mean() < 0.35
    assert 0.12 < ((light > 66) & (light < 170)).float().mean() < 0.4
    assert 0.12 < (light > 170).float().mean() < 0.4


def grey_footage(kinds: list[str], frames: int = 40, person: int = 128) -> Footage:
    """A clip of each kind: frame by frame, bodies get lighter from 0, and heads from 128."""
    table = [
        Clip(Path(f"{number}.mp4"), str(number), Split.TRAIN, Kind(kind))
        for number, kind in enumerate(kinds)
    ]
    levels = np.arange(frames, dtype=np.uint8)[:, None, None, None]
    pictures = [
        np.broadcast_to(levels + (0 if clip.kind is Kind.BODY else 128), (frames, 64, 64, 3)).copy()
        for clip in table
    ]
    faces = [
        replace(known, matte=np.full_like(known.matte, person)) for known in no_faces(pictures)
    ]
    return Footage(table, pictures, faces)


def drawn(footage: Footage, sampling: Sampling) -> tuple[torch.Tensor, torch.Tensor]:
    """Mean levels of 100 key frames, and of four inter frames of each."""
    dataset = PairDataset(footage, [BatchShape(20, 4, 32)], seed=0, flow=False, sampling=sampling)
    batches = [dataset[step] for step in range(5)]
    keys = torch.cat([batch.key.float().mean(dim=(1, 2, 3)) for batch in batches])
    frames = torch.cat([batch.frames.float().mean(dim=(1, 2, 3)) for batch in batches])
    return keys, frames.reshape(-1, 4)


def test_bodies_are_drawn_as_often_as_asked_for():
    footage = grey_footage(["body", *["talking-head"] * 5])
    for share in (0.2, 0.8):
        keys, _ = drawn(footage, Sampling(bodies=share))
        assert (keys < 80).float().mean() == pytest.approx(share, abs=0.12)
    keys, _ = drawn(footage, Sampling())
    assert (keys < 80).float().mean() == pytest.approx(1 / 6, abs=0.12)
    assert (drawn(grey_footage(["body"]), Sampling(bodies=0.2))[0] < 80).all()


def test_key_frames_are_shown_coded_restored_and_as_they_were():
    footage = grey_footage(["body"])

    def all_of(level: int) -> CodedKeys:
        pictures = np.full((2, 64, 64, 3), level, np.uint8)
        return CodedKeys(np.array([1, 5]), np.array([32, 42]), pictures)

    footage = replace(footage, keys=[all_of(120)], restored=[all_of(220)])
    keys, _ = drawn(footage, Sampling())
    shares = [((keys > low) & (keys < high)).float().mean() for low, high in
              ((0, 60), (80, 160), (160, 256))]  # fmt: skip
    assert shares == pytest.approx([0.25, 0.225, 0.525], abs=0.12)


def test_clips_of_small_bodies_are_left_out():
    sampling = Sampling(bodies=0.9, least_person=0.3)
    both = ["body", "talking-head"]
    assert (drawn(grey_footage(both, person=50), sampling)[0] > 80).all()
    assert (drawn(grey_footage(both, person=90), sampling)[0] < 80).any()
    # Nobody has looked for people: no reason to leave anything out.
    assert (drawn(grey_footage(both, person=0), sampling)[0] < 80).any()


def test_frames_close_in_time_meet_more_often():
    footage = grey_footage(["body"], frames=100)
    apart = []
    for near in (None, 5.0):
        keys, frames = drawn(footage, Sampling(shares=(0.0, 0.0, 0.0), near=near))
        apart.append((frames - keys[:, None]).abs().mean())
    assert apart[1] < apart[0] / 3


def white_dots(positions: np.ndarray) -> np.ndarray:
    """Pictures [F, 64, 64, 3] that are black but for a dot at each (x, y), in pixels."""
    pictures = np.zeros((len(positions), 64, 64, 3), np.uint8)
    for picture, (x, y) in zip(pictures, positions, strict=True):
        picture[y - 2 : y + 3, x - 2 : x + 3] = 255
    return pictures


def test_landmarks_go_where_the_pictures_go(clips):
    """Whatever the augmentation, a landmark stays on the dot that it was put on."""
    table = [clip for clip in read_table(clips) if clip.split is Split.TRAIN][:1]
    positions = np.array([(24, 20), (40, 30), (30, 44), (22, 36)])
    frames = [white_dots(positions)]
    points = ((positions + 0.5) / 32 - 1)[:, None].repeat(LANDMARKS, axis=1)
    faces = [Faces(points.astype(np.float16), np.full((4, MATTE_SIDE, MATTE_SIDE), 255, np.uint8))]
    dataset = PairDataset(Footage(table, frames, faces), [BatchShape(1, 3, 64)], seed=0)
    flipped = set()
    for step in range(12):
        batch = dataset[step]
        flipped |= set(batch.mirrored.tolist())
        for picture, landmark in zip(batch.frames, batch.landmarks[:, 0], strict=True):
            light = picture.float().mean(dim=0)
            place = torch.stack([light.sum(dim=0).argmax(), light.sum(dim=1).argmax()])
            seen = (place + 0.5) / 32 - 1
            if light.max() > 200 and landmark.abs().max() < 0.8:
                assert (seen - landmark).abs().max() < 0.15
        assert batch.matte.min() == 255
    assert flipped == {True, False}


def test_mirrored_keypoints_are_each_others_mirror_image():
    assert len(set(KEYPOINTS)) == len(KEYPOINTS) == len(MIRRORED)
    image = dict(zip(KEYPOINTS, MIRRORED, strict=True))
    assert all(image[image[point]] == point for point in KEYPOINTS)
    assert 0 <= min(KEYPOINTS) < max(KEYPOINTS) < LANDMARKS


def test_eyes_and_mouth_are_marked():
    points = np.full((LANDMARKS, 2), 0.9, np.float32)
    drawn = features_map(points, 64)
    assert drawn[60, 60] == 255
    assert drawn[:50].max() == 0
    points[5] = np.nan
    assert features_map(points, 64).max() == 0


def test_coded_keys_are_close_to_their_frames_and_kept(clips, tmp_path):
    table = [clip for clip in read_table(clips) if clip.split is Split.TRAIN]
    frames = load_frames(table, tmp_path, size=64)
    keys = load_coded_keys(table, frames, tmp_path, seed=1, size=64)
    for pictures, coded in zip(frames, keys, strict=True):
        assert len(coded.indices) == len(set(coded.indices.tolist())) == min(COUNT, len(pictures))
        error = np.abs(pictures[coded.indices].astype(int) - coded.pictures).mean(axis=(1, 2, 3))
        assert 0 < error.min() <= error.max() < 30
    again = load_coded_keys(table, frames, tmp_path, seed=9, size=64)
    assert all((a.pictures == b.pictures).all() for a, b in zip(keys, again, strict=True))


def test_faces_are_found_or_the_lack_of_mediapipe_is_said(clips, tmp_path):
    table = read_table(clips)[:1]
    frames = load_frames(table, tmp_path, size=64)
    if importlib.util.find_spec("mediapipe") is None:
        with pytest.raises(UnsupportedError, match="MediaPipe"):
            load_faces(table, frames, tmp_path, size=64)
        known = no_faces(frames)[0]
        path = tmp_path / f"{table[0].path.stem}-64-faces.npz"
        np.savez_compressed(path, landmarks=known.landmarks, matte=known.matte)
    (faces,) = load_faces(table, frames, tmp_path, size=64)
    assert faces.landmarks.shape == (6, LANDMARKS, 2)
    assert faces.matte.shape == (6, MATTE_SIDE, MATTE_SIDE)
