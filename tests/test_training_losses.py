"""What training begins with and what it makes less: codes of faces, and costs of motion."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
import torch

from gvc.model.keypoints import Keypoints
from gvc.model.motion import Analysis, DenseMotion
from gvc.model.mttf import Exchange, Mttf
from gvc.model.profiles import LITE
from gvc.training.face_motion import begin_with_faces
from gvc.training.faces import EXPRESSIVE, KEYPOINTS, LANDMARKS, MATTE_SIDE, MIRRORED, Faces
from gvc.training.losses import analysis_terms, motion_terms
from gvc.training.pairs import Batch


def targets(landmarks: torch.Tensor, key_landmarks: torch.Tensor, mirrored: bool = False) -> Batch:
    count = len(landmarks)
    pictures = torch.rand(count, 3, 64, 64, generator=torch.Generator().manual_seed(0))
    maps = torch.zeros(count, 1, 64, 64)
    return Batch(
        pictures, pictures, torch.zeros(count, 2, 64, 64), key_landmarks, landmarks,
        torch.full((count,), mirrored), maps, maps, maps,
    )  # fmt: skip


def dense_motion(flow: torch.Tensor) -> DenseMotion:
    """A motion whose foreground is ``flow`` [N, 2, S, S], and that knows nothing else."""
    one = torch.zeros(len(flow), 1, *flow.shape[-2:])
    return DenseMotion(flow, flow, one + 1, one, one, torch.cat([one, one], dim=1))


def test_motion_that_is_right_costs_nothing():
    key = torch.rand(2, LANDMARKS, 2, generator=torch.Generator().manual_seed(1)) - 0.5
    shift = torch.tensor([0.125, -0.25])
    flow = shift[None, :, None, None].expand(2, 2, 64, 64)
    motion = dense_motion(flow)
    right = motion_terms(motion, targets(key - shift, key))["landmarks"]
    wrong = motion_terms(motion, targets(key + shift, key))["landmarks"]
    unknown = motion_terms(motion, targets(key * torch.nan, key))["landmarks"]
    assert right.item() == pytest.approx(0, abs=1e-4)
    assert wrong.item() == pytest.approx(7.5, rel=1e-3)
    assert unknown.item() == 0


def test_the_shape_of_a_mouth_counts_beside_where_it_is():
    key = torch.zeros(1, LANDMARKS, 2)
    motion = dense_motion(torch.zeros(1, 2, 64, 64))
    everywhere, lips = key + 0.01, key.clone()
    lips[:, EXPRESSIVE[0][:20], 1] = 0.01
    moved = motion_terms(motion, targets(everywhere, key))["landmarks"]
    opened = motion_terms(motion, targets(lips, key))["landmarks"]
    assert moved.item() == pytest.approx(0.2, rel=1e-3)
    assert opened.item() == pytest.approx(0.1 * (20 / LANDMARKS + 0.5), rel=1e-3)


def test_the_matte_says_nothing_of_what_was_uncovered():
    """Person in the left half; in the key frame a quarter further to the right."""
    target = targets(torch.zeros(1, LANDMARKS, 2), torch.zeros(1, LANDMARKS, 2))
    matte, origin = torch.zeros(2, 1, 1, 64, 64)
    matte[..., :32], origin[..., 16:48] = 1, 1
    target = replace(target, matte=matte, key_matte=origin)
    motion = dense_motion(torch.zeros(1, 2, 64, 64))
    person = 20 * matte - 10
    costs = []
    for columns in (slice(0, 0), slice(32, 48), slice(48, 64), slice(0, 16)):
        wrong = person.clone()
        wrong[..., columns] *= -1
        costs.append(motion_terms(replace(motion, person=wrong), target)["matte"].item())
    assert costs[:2] == pytest.approx([0, 0], abs=1e-3)
    assert costs[2:] == pytest.approx([2.5, 2.5], rel=1e-3)
    target = replace(target, matte=0 * matte)
    assert motion_terms(motion, target)["matte"].item() == 0


def test_keypoints_that_are_right_cost_nothing():
    torch.manual_seed(0)
    key = torch.rand(1, LANDMARKS, 2) - 0.5
    inter = key + 0.1 * torch.rand(2, LANDMARKS, 2)
    origin = key.expand(2, -1, -1)
    for mirrored, numbers in ((False, KEYPOINTS), (True, MIRRORED)):
        points = torch.cat([key, inter])[:, list(numbers)]
        found = Keypoints(points, torch.full((3, len(KEYPOINTS), 16), 1 / 16).log())
        moved = points[1:] - points[:1]
        people = torch.full((3, 1, 32, 32), -20.0)
        exchange = Exchange(None, torch.zeros(1, 40), found, people, torch.zeros(2, 40), moved)
        right = analysis_terms(exchange, targets(inter, origin, mirrored))
        assert right["places"].item() == pytest.approx(0, abs=1e-5)
        assert right["pose"].item() == pytest.approx(0, abs=1e-5)
        assert right["heat"].item() == pytest.approx(np.log(16), rel=1e-3)
        wrong = analysis_terms(exchange, targets(inter, origin, not mirrored))
        assert min(wrong["places"].item(), wrong["pose"].item()) > 0.1


def test_people_are_where_their_mattes_are():
    matte = torch.zeros(2, 1, 64, 64)
    matte[..., :32] = 1
    landmarks = torch.zeros(2, LANDMARKS, 2)
    target = replace(targets(landmarks, landmarks), matte=matte, key_matte=matte)
    known = Keypoints(torch.zeros(3, len(KEYPOINTS), 2), torch.zeros(3, len(KEYPOINTS), 16))
    moved, codes = torch.zeros(2, len(KEYPOINTS), 2), torch.zeros(2, 40)

    def cost(person: torch.Tensor) -> float:
        exchange = Exchange(None, codes[:1], known, person, codes, moved)
        return analysis_terms(exchange, target)["person"].item()

    right = 40 * matte[:1].expand(3, -1, -1, -1) - 20
    assert cost(right) == pytest.approx(0, abs=1e-5)
    assert cost(-right) == pytest.approx(20, rel=1e-3)


def test_codes_begin_as_the_principal_directions_of_face_motion():
    """Displacements of keypoints survive the way through the codes, before any training."""
    rng = np.random.default_rng(0)
    face = rng.uniform(-0.5, 0.5, size=(LANDMARKS, 2))
    basis = rng.normal(size=(4, LANDMARKS, 2)) * np.array([0.2, 0.1, 0.02, 0.01])[:, None, None]
    landmarks = face + np.einsum("fk,kpc->fpc", rng.normal(size=(60, 4)), basis)
    known = Faces(landmarks.astype(np.float16), np.zeros((60, MATTE_SIDE, MATTE_SIDE), np.uint8))
    network = Mttf(LITE).eval()
    begin_with_faces(network, [known], rng)
    points = torch.from_numpy(landmarks[:, list(KEYPOINTS)]).float()
    latent = torch.zeros(60, LITE.features, LITE.latent_size, LITE.latent_size)
    with torch.no_grad():
        code = network.coder(Analysis(latent, Keypoints(points, torch.empty(0)), torch.empty(0)))
        read = network.keypoint_motion.displacements(code - code[:1])
    moved = points - points[:1]
    assert (read - moved).abs().mean() < 0.02 * moved.abs().mean()
    change = (code - code[:1])[1:] / network.coder.spread
    assert 0.3 < change[:, [0, 1, 3, 5]].square().mean().sqrt() < 3
