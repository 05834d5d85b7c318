"""Packs: what a training run reads survives being packed, and is restored without PyAV."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import cv2
import numpy as np
import pytest
from conftest import ROOT, write_clip

from gvc.clips import read_table
from gvc.errors import InvalidDataError, MediaError, UsageError
from gvc.training.clips import load_frames
from gvc.training.coded_keys import load_coded_keys
from gvc.training.faces import LANDMARKS, MATTE_SIDE, load_faces
from gvc.training.pack import main, pack, size_of, unpack

FRAMES = {"ada": 9, "eve": 5}


@pytest.fixture(scope="module")
def clips(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A clip to train on and one to validate with."""
    folder = tmp_path_factory.mktemp("clips")
    rows = ["file\tidentity\tsplit\tkind"]
    for (name, frames), split in zip(FRAMES.items(), ("train", "val"), strict=True):
        write_clip(folder / f"{name}.mp4", width=256, height=256, frames=frames, audio=False)
        rows.append(f"{name}.mp4\t{name}\t{split}\ttalking-head")
    (folder / "clips.tsv").write_text("\n".join(rows) + "\n")
    return folder


@pytest.fixture(scope="module")
def cache(clips: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Their cache, with a drawn face that is lost for one frame."""
    folder = tmp_path_factory.mktemp("cache")
    frames = load_frames(read_table(clips), folder)[0]
    rng = np.random.default_rng(0)
    steps = rng.normal(scale=0.01, size=(len(frames), LANDMARKS, 2))
    landmarks = np.clip(rng.uniform(-1, 1, (LANDMARKS, 2)) + steps.cumsum(axis=0), -1.5, 1.5)
    landmarks[3] = np.nan
    matte = cv2.GaussianBlur(rng.uniform(0, 255, (MATTE_SIDE, MATTE_SIDE)), (9, 9), 0)
    np.savez(
        folder / "ada-256-faces.npz",
        landmarks=landmarks.astype(np.float16),
        matte=np.stack([np.roll(matte, shift, 1) for shift in range(len(frames))]).astype(np.uint8),
    )
    indices = np.array([0, 4, 8])
    np.savez(
        folder / "ada-256-keys.npz", indices=indices, qps=indices + 30, pictures=frames[indices]
    )
    return folder


@pytest.fixture(scope="module")
def packed(clips: Path, cache: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    target = tmp_path_factory.mktemp("packed") / "pack"
    psnr = pack(clips, cache, target)
    assert psnr > 33
    return target


@pytest.fixture(scope="module")
def unpacked(packed: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Holds the folders clips and cache, restored in a process that has no PyAV."""
    folder = tmp_path_factory.mktemp("unpacked")
    program = (
        "import sys; sys.modules['av'] = sys.modules['click'] = sys.modules['torch'] = None;"
        "from gvc.training.pack import main; sys.exit(main())"
    )
    command = [sys.executable, "-c", program, "unpack", packed, folder / "clips", folder / "cache"]
    done = subprocess.run(list(map(str, command)), capture_output=True, check=False, cwd=ROOT)
    assert done.returncode == 0, done.stderr
    return folder


def psnr_of(one: np.ndarray, other: np.ndarray) -> float:
    """PSNR of whole arrays uint8, dB."""
    return 10 * np.log10(255**2 / np.mean((one.astype(float) - other) ** 2))


def test_frames_come_back_in_number_order_and_colour(clips, cache, unpacked):
    restored = load_frames(read_table(unpacked / "clips"), unpacked / "cache")
    original = load_frames(read_table(clips), cache)
    assert [frames.shape for frames in restored] == [(n, 256, 256, 3) for n in FRAMES.values()]
    for one, other in zip(restored, original, strict=True):
        assert one.dtype == np.uint8
        assert min(psnr_of(*pair) for pair in zip(one, other, strict=True)) > 33
        # OpenCV's rounding, a level on average, is made up for.
        assert np.abs(one.mean(axis=(0, 1, 2)) - other.mean(axis=(0, 1, 2))).max() < 0.6


def test_faces_come_back(clips, cache, unpacked):
    def faces(folder: Path):
        return load_faces(read_table(clips)[:1], [np.empty(0)], folder)[0]

    restored, original = faces(unpacked / "cache"), faces(cache)
    assert restored.landmarks.dtype == np.float16
    assert restored.landmarks.shape == original.landmarks.shape
    lost = np.isnan(original.landmarks)
    assert lost.any()
    assert np.array_equal(np.isnan(restored.landmarks), lost)
    error = restored.landmarks.astype(float) - original.landmarks
    assert np.abs(error[~lost]).max() < 1 / 4000
    assert restored.matte.dtype == np.uint8
    assert np.abs(restored.matte.astype(int) - original.matte).max() <= 8


def test_coded_key_frames_come_back(clips, cache, unpacked):
    table = read_table(clips)[:1]
    frames = [np.empty((FRAMES["ada"], 1, 1, 3), np.uint8)]
    one, other = (
        load_coded_keys(table, frames, folder, seed=0)[0] for folder in (unpacked / "cache", cache)
    )
    assert np.array_equal(one.indices, other.indices)
    assert one.pictures.shape == other.pictures.shape
    assert psnr_of(one.pictures, other.pictures) > 36


def test_nothing_but_what_a_run_reads_is_restored(clips, unpacked):
    names = {path.name for path in (unpacked / "cache").iterdir()}
    assert names == {"ada-256.npy", "ada-256-faces.npz", "ada-256-keys.npz", "eve-256.npy"}
    assert (unpacked / "clips" / "clips.tsv").read_bytes() == (clips / "clips.tsv").read_bytes()


def test_weights_of_the_metric_are_taken_along(clips, cache, tmp_path):
    weights = tmp_path / "weights"
    weights.mkdir()
    for name in ("squeezenet1_1_features_tv.pth", "squeeze.pth"):
        (weights / name).write_bytes(name.encode())
    pack(clips, cache, tmp_path / "pack", metric_weights=weights)
    copied = {path.name: path.read_bytes() for path in (tmp_path / "pack" / "metrics").iterdir()}
    assert copied == {name: name.encode() for name in copied}
    assert len(copied) == 2


def test_a_pack_over_the_limit_is_refused_in_one_line(clips, cache, packed, tmp_path, capsys):
    megabytes = size_of(packed) / 1e6
    pack(clips, cache, tmp_path / "fits", limit_mb=megabytes * 1.01)
    arguments = ["pack", clips, cache, tmp_path / "pack", "--limit-mb", megabytes * 0.99]
    assert main([str(argument) for argument in arguments]) == UsageError.exit_code
    assert capsys.readouterr().err.count("\n") == 1
    with pytest.raises(UsageError, match="takes more than 0.01 MB"):
        pack(clips, cache, tmp_path / "small", limit_mb=0.01)


def test_a_folder_with_files_is_left_alone(clips, cache, packed):
    with pytest.raises(UsageError, match="holds files already"):
        pack(clips, cache, packed)


def test_missing_and_damaged_parts_are_named(clips, packed, tmp_path):
    with pytest.raises(MediaError, match="faces.npz"):
        pack(clips, tmp_path / "nowhere", tmp_path / "pack")
    with pytest.raises(MediaError, match="clips.tsv"):
        unpack(tmp_path / "nowhere", tmp_path / "clips", tmp_path / "cache")
    damaged = tmp_path / "damaged"
    damaged.mkdir()
    (damaged / "videos").symlink_to(packed / "videos")
    for name in ("clips.tsv", "faces.npz", "keys.npz"):
        (damaged / name).write_bytes((packed / name).read_bytes())
    (damaged / "colours.npz").write_bytes(b"PK\3\4 is all")
    with pytest.raises(InvalidDataError, match="colours.npz"):
        unpack(damaged, tmp_path / "clips", tmp_path / "cache")
    np.savez(damaged / "colours.npz", ada=np.zeros((FRAMES["ada"] + 1, 3), np.float16))
    with pytest.raises(InvalidDataError, match=r"ada.mp4.*\(9, 256, 256, 3\) instead of \(10, "):
        unpack(damaged, tmp_path / "clips", tmp_path / "cache")
    assert not (tmp_path / "clips" / "clips.tsv").exists()
