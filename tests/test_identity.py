"""Faces as recognisers see them: cut out, compared, reported beside LPIPS."""

from __future__ import annotations

import os
import pickle
import sys
from pathlib import Path

import numpy as np
import pytest
import torch
from conftest import ROOT, SHARED, write_pictures
from torch import Tensor

import gvc
from gvc.bench.clips import Clip
from gvc.bench.identity import FaceSimilarity, find_face_similarity, why_no_faces
from gvc.bench.reference import make_reference
from gvc.errors import UnsupportedError, WeightsError
from gvc.faces import FacePoints
from gvc.metrics import FaceEmbedding
from gvc.metrics.alignment import crop_face
from gvc.metrics.mobilefacenet import FILE, MobileFaceNet

#: Where an aligned face has its five points.
TEMPLATE = np.array(
    [(38.2946, 51.6963), (73.5318, 51.5014), (56.0252, 71.7366), (41.5493, 92.3655),
     (70.7299, 92.2041)]
)  # fmt: skip

#: The same in the first frame of the portrait that comes with the project.
PORTRAIT = np.array(
    [(107.3, 100.9), (149.1, 102.8), (127.3, 129.7), (104.8, 136.8), (148.8, 139.3)]
)


def random_picture(height: int, width: int) -> Tensor:
    return torch.rand(3, height, width, generator=torch.Generator().manual_seed(0))


@pytest.fixture(scope="module")
def random_weights(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with a network that has learnt nothing."""
    folder = tmp_path_factory.mktemp("weights")
    torch.manual_seed(0)
    torch.save(MobileFaceNet().state_dict(), folder / FILE)
    return folder


@pytest.fixture(scope="module")
def trained() -> FaceEmbedding:
    folder = Path(os.environ.get("GVC_METRIC_WEIGHTS", SHARED / "weights"))
    if FaceEmbedding.path(folder) is None:
        pytest.skip(f"{FILE} is not beside this checkout (../shared/weights)")
    return FaceEmbedding(folder)


@pytest.fixture(scope="module")
def portrait() -> Tensor:
    """Two frames of one face, [2, 3, 256, 256]."""
    with gvc.open(ROOT / "examples" / "portrait.gvc", threads=1) as container:
        frames = container.decode(video=0)
        pictures = np.stack([next(frames).to_ndarray(format="rgb24") for _ in range(2)])
    return torch.from_numpy(pictures).permute(0, 3, 1, 2).float() / 255


# Cutting out


def test_a_face_that_is_aligned_is_cut_out_as_it_is():
    picture = random_picture(112, 112)
    assert torch.allclose(crop_face(picture, TEMPLATE), picture, atol=1e-4)


@pytest.mark.parametrize(("left", "top"), [(0, 0), (17, 40)])
def test_a_larger_face_elsewhere_is_averaged(left, top):
    face = random_picture(112, 112)
    picture = torch.zeros(3, 300, 280)
    large = face.repeat_interleave(2, dim=1).repeat_interleave(2, dim=2)
    picture[:, top : top + 224, left : left + 224] = large
    # Points between pixels count from the picture's corner.
    found = crop_face(picture, 2 * TEMPLATE + (left, top))
    assert torch.allclose(found[:, 2:-2, 2:-2], face[:, 2:-2, 2:-2], atol=0.02)


def test_a_turned_face_is_turned_back():
    face = random_picture(112, 112)
    turned = face.rot90(1, dims=(1, 2))
    points = np.stack([TEMPLATE[:, 1], 112 - TEMPLATE[:, 0]], axis=1)
    assert torch.allclose(crop_face(turned, points), face, atol=1e-4)


def test_beyond_the_picture_it_is_black():
    found = crop_face(torch.ones(3, 112, 112), TEMPLATE + np.array([0, 90]))
    assert (found[:, 30:] == 0).all()
    assert (found[:, :20] == 1).all()


# The network


def test_faces_are_unit_vectors(random_weights):
    network = FaceEmbedding(random_weights)
    pictures = torch.stack([random_picture(120, 130), 1 - random_picture(120, 130)])
    seen = network(pictures, np.stack([TEMPLATE, TEMPLATE + 3]))
    assert seen.shape == (2, 128)
    assert torch.allclose(seen.norm(dim=1), torch.ones(2), atol=1e-5)
    assert not seen.requires_grad


def test_weights_that_are_missing_are_named(tmp_path, monkeypatch):
    monkeypatch.delenv("GVC_METRIC_WEIGHTS", raising=False)
    assert FaceEmbedding.path() is None
    assert FaceEmbedding.path(tmp_path) is None
    with pytest.raises(WeightsError, match=rf"{FILE} not found.*--metric-weights"):
        FaceEmbedding(tmp_path)


class Trap:
    """Runs when it is unpickled."""

    def __reduce__(self):
        return os.mkdir, ("trapped",)


def bad_file(kind: str, path: Path) -> None:
    if kind == "noise":
        path.write_bytes(bytes(range(256)) * 8)
    elif kind == "empty":
        path.write_bytes(b"")
    elif kind == "cut":
        torch.save(MobileFaceNet().state_dict(), path)
        path.write_bytes(path.read_bytes()[:100_000])
    elif kind == "another network":
        torch.save(torch.nn.Linear(3, 4).state_dict(), path)
    elif kind == "a list":
        torch.save([1, 2], path)
    else:
        path.write_bytes(pickle.dumps({"conv1.0.weight": Trap()}))


@pytest.mark.parametrize("kind", ["noise", "empty", "cut", "another network", "a list", "code"])
def test_a_file_that_is_none_is_refused(kind, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    bad_file(kind, tmp_path / FILE)
    with pytest.raises(WeightsError, match="not the weights of MobileFaceNet") as caught:
        FaceEmbedding(tmp_path)
    assert caught.value.path == str(tmp_path / FILE)
    assert not (tmp_path / "trapped").exists()


def test_a_person_is_known_again(trained, portrait):
    points = np.stack([PORTRAIT, PORTRAIT])
    one, other = trained(portrait, points)
    assert (one @ one).item() == pytest.approx(1, abs=1e-5)
    assert (one @ other).item() > 0.8
    # Another size, another brightness: the same person.
    large = torch.nn.functional.interpolate(portrait[:1], scale_factor=2, mode="bilinear")
    (seen,) = trained(large * 0.8, points[:1] * 2)
    assert (one @ seen).item() > 0.8
    # What is no face is nobody.
    (nobody,) = trained(random_picture(256, 256)[None], points[:1])
    assert (one @ nobody).item() < 0.3


def test_blur_makes_a_face_less_known(trained, portrait):
    def blurred(factor: int) -> Tensor:
        small = torch.nn.functional.avg_pool2d(portrait[:1], factor)
        return torch.nn.functional.interpolate(small, size=(256, 256), mode="bilinear")

    (own,) = trained(portrait[:1], PORTRAIT[None])
    alike = [(own @ trained(blurred(factor), PORTRAIT[None])[0]).item() for factor in (2, 4, 8, 16)]
    assert alike == sorted(alike, reverse=True)
    assert alike[0] > 0.9
    assert alike[-1] < 0.5


# In a benchmark


@pytest.fixture
def points() -> FacePoints:
    try:
        return FacePoints()
    except UnsupportedError as error:
        pytest.skip(error.cause)


def test_nothing_is_compared_where_the_network_is_not(tmp_path):
    assert why_no_faces(tmp_path) is None
    assert find_face_similarity(tmp_path, every=1, device="cpu") is None


def test_who_has_the_network_only_is_told_what_else_is_needed(random_weights, monkeypatch):
    monkeypatch.setitem(sys.modules, "mediapipe", None)
    assert "pip install 'gvc[faces]'" in (why_no_faces(random_weights) or "")
    assert find_face_similarity(random_weights, every=1, device="cpu") is None


def test_points_are_found_in_a_picture_of_any_size(points, portrait):
    picture = (portrait[0].permute(1, 2, 0).numpy() * 255).astype(np.uint8)
    with points:
        found = points.find(picture)
        assert np.abs(found - PORTRAIT).max() < 4
        wide = np.zeros((600, 1000, 3), np.uint8)
        wide[300:556, 700:956] = picture
        assert np.abs(points.find(wide) - PORTRAIT - (700, 300)).max() < 6
        assert points.find(np.zeros((64, 96, 3), np.uint8)) is None


def test_decoded_faces_are_compared_with_their_originals(points, trained, portrait, tmp_path):
    points.close()
    folder = Path(os.environ.get("GVC_METRIC_WEIGHTS", SHARED / "weights"))
    path = tmp_path / "portrait.mkv"
    write_pictures(path, (portrait.permute(0, 2, 3, 1).numpy() * 255).astype(np.uint8))
    reference = make_reference(Clip("portrait", path, "portrait"), tmp_path, side=256, frames=2)
    compare = FaceSimilarity(folder, every=1, device="cpu")
    same = compare.score(reference, reference.planes())
    assert same["face_similarity"] == pytest.approx(1, abs=1e-4)
    assert same["face_verified"] == 1
    grey = np.full_like(reference.planes(), 128)
    assert compare.score(reference, grey)["face_similarity"] < 0.3
    assert compare.score(reference, grey)["face_verified"] == 0
