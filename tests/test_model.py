"""The network: its size, its shapes, its weights files."""

from __future__ import annotations

import itertools
import math
from fractions import Fraction

import numpy as np
import pytest
import torch
from conftest import draw_head
from torch.utils.flop_counter import FlopCounterMode

from gvc.bitstream import ColourDescription
from gvc.codec.quantiser import MAX_LEVEL, dequantise, quantise
from gvc.codec.settings import coded_size
from gvc.errors import UsageError, WeightsError
from gvc.media import from_planes, luma_weights, to_rgb
from gvc.model import weights
from gvc.model.adaptation import ADAPTATION_SIDE, Adapter, shrink
from gvc.model.analysis import Analyser
from gvc.model.check import MotionCheck
from gvc.model.keypoints import KEYPOINTS, LABELS, KeypointMotion
from gvc.model.mttf import Mttf, network_from, weights_of
from gvc.model.profiles import LITE, PAPER, get_profile
from gvc.model.synthesis import Synthesiser, YuvMatrix

#: Colours of the pictures that are generated here: BT.709.
COLOUR = ColourDescription(matrix=1)
MATRIX = YuvMatrix(*luma_weights(COLOUR))


@pytest.fixture(scope="module")
def shipped() -> Mttf:
    return network_from(weights.default("lite"))


def shown_by(synthesiser: Synthesiser, key: np.ndarray, codes: np.ndarray) -> np.ndarray:
    """What ``key`` becomes, RGB [N, H, W, 3]."""
    height, width, _ = key.shape
    planes = synthesiser.animate(synthesiser.prepare(key), codes, MATRIX)
    frames = [from_planes(each, width, height, COLOUR) for each in planes]
    return np.stack([to_rgb(frame, width, height) for frame in frames]).astype(int)


def work_of_a_frame(profile, side: int) -> float:
    """GFLOP of one inter frame, the key frame's share left out; no arithmetic is done."""
    with torch.device("meta"):
        network = Mttf(profile).eval()
        state = network.key_state(torch.zeros(1, 3, side, side))
        code = torch.zeros(1, profile.code_length)
    with FlopCounterMode(display=False) as counter:
        network.synthesise(state, code)
    return counter.get_total_flops() / 1e9


def test_the_paper_profile_has_the_size_of_the_paper():
    assert 300 < work_of_a_frame(PAPER, 256) < 500


def test_the_lite_profile_is_a_hundredth_of_it():
    assert work_of_a_frame(LITE, 256) < 4
    assert work_of_a_frame(LITE, 512) < 8


@pytest.mark.parametrize("size", [(128, 128), (192, 336), (256, 256), (64, 1024), (512, 512)])
def test_any_multiple_of_16_comes_out_at_its_size(shipped, size):
    with torch.inference_mode():
        state = shipped.key_state(torch.rand(1, 3, *size))
        synthesis = shipped.synthesise(state, torch.randn(2, 40))
    assert synthesis.picture.shape == (2, 3, *size)
    assert synthesis.mask.shape == (2, 1, *size)
    assert 0 <= synthesis.picture.min() <= synthesis.picture.max() <= 1


def test_a_face_carries_what_is_near_it():
    motion = KeypointMotion(40)
    points = 0.2 * torch.rand(2, KEYPOINTS, 2, generator=torch.Generator().manual_seed(0))
    moved = torch.tensor([0.1, -0.05]).expand(2, KEYPOINTS, 2)
    with torch.no_grad():
        face = motion(points, moved, 32)
    assert face.displacement.shape == (2, 2, 32, 32)
    assert face.share.shape == (2, 1, 32, 32)
    assert face.labels.shape == (2, LABELS, 32, 32)
    assert face.displacement[0, :, 17, 18].tolist() == pytest.approx([-0.1, 0.05], rel=0.05)
    assert face.share[0, 0, 17, 18] > 0.95
    assert face.displacement[0, :, 0, 0].abs().max() < 0.05
    assert face.share[0, 0, 0, 0] < 0.05


@pytest.mark.parametrize("turn", [0.0, 0.5])
def test_lids_that_meet_leave_nothing_of_the_eye(turn):
    """Above the line on which they meet, the picture comes from above the eye; below, from below.

    ``turn`` is how far the head is tilted, in radians.
    """
    upper, lower = KEYPOINTS - 2, KEYPOINTS - 1
    generator = torch.Generator().manual_seed(0)
    points = torch.rand(1, KEYPOINTS, 2, generator=generator) - 0.5 + torch.tensor([0, 1.0])
    points[0, 10], points[0, 11] = torch.tensor([-0.5, 0.0]), torch.tensor([0.5, 0.0])
    points[0, upper], points[0, lower] = torch.tensor([0.0, -0.1]), torch.tensor([0.0, 0.1])
    moved = torch.zeros(1, KEYPOINTS, 2)
    moved[0, upper, 1], moved[0, lower, 1] = 0.1, -0.1
    rotation = torch.tensor([[math.cos(turn), math.sin(turn)], [-math.sin(turn), math.cos(turn)]])
    motion = KeypointMotion(40)
    with torch.no_grad():
        motion.log_reach[[upper, lower]] = -2.5
        motion.offset[upper, 1], motion.offset[lower, 1] = -0.1, 0.1
        face = motion(points @ rotation, moved @ rotation, 128)
    wanted = torch.tensor([[0.0, -0.06], [0.0, 0.06]]) @ rotation
    column, row = ((wanted + 1) * 64).long().T
    fetched = wanted + face.displacement[0, :, row, column].T
    assert (fetched @ rotation.T)[0, 1] < -0.12
    assert (fetched @ rotation.T)[1, 1] > 0.12


def test_batches_and_single_frames_agree(shipped):
    synthesiser = Synthesiser(shipped)
    state = synthesiser.prepare(draw_head(0, 128, 128))
    codes = np.random.default_rng(0).normal(size=(3, 40)).astype(np.float32)
    together = synthesiser.animate(state, codes, MATRIX).astype(int)
    alone = np.concatenate([synthesiser.animate(state, code[None], MATRIX) for code in codes])
    assert np.abs(together - alone).max() <= 1


def test_the_shipped_network_moves_a_head(shipped):
    """The picture made from a frame's code is nearer to that frame than the key frame is."""
    key, moved = draw_head(0, 256, 256), draw_head(8, 256, 256)
    code = Analyser(shipped).codes([moved])
    shown = shown_by(Synthesiser(shipped), key, code)[0]
    still = np.abs(key.astype(int) - moved).mean()
    assert np.abs(shown - moved).mean() < 0.9 * still


def test_fitted_codes_bring_the_key_frame_nearer(shipped):
    key = draw_head(0, 256, 256)
    originals = [draw_head(shift, 256, 256) for shift in (4, 8, 12)]
    pictures = [shrink(picture, ADAPTATION_SIDE) for picture in originals]
    codes = Analyser(shipped).codes(originals)
    fitted = Adapter(shipped, steps=12).adapt(key, pictures, codes)
    assert fitted.shape == codes.shape
    synthesiser = Synthesiser(shipped)

    def error(codes: np.ndarray) -> float:
        shown = shown_by(synthesiser, key, codes)
        return float(np.abs(shown - np.stack(originals)).mean())

    assert error(fitted) < error(codes)
    same = Adapter(shipped, steps=12).adapt(key, pictures, codes)
    assert np.array_equal(fitted, same)


def test_codes_that_show_less_than_a_still_picture_are_not_sent(shipped):
    """Wild codes give way to the last good one, where that is good still, or to the key frame's."""
    key = draw_head(0, 256, 256)
    originals = [draw_head(shift, 256, 256) for shift in (8, 8, 0, 8)]
    pictures = [shrink(picture, ADAPTATION_SIDE) for picture in originals]
    codes = Analyser(shipped).codes([key, *originals])
    own, codes = codes[0], codes[1:]
    check = MotionCheck(shipped)
    kept = check.check(key, pictures, codes)
    assert kept[[0, 1, 3]] == pytest.approx(codes[[0, 1, 3]], abs=1e-4)
    wild = codes.copy()
    wild[1:3] += 40 * np.random.default_rng(0).normal(size=(2, 40)).astype(np.float32)
    mended = check.check(key, pictures, wild)
    assert mended[1] == pytest.approx(codes[0], abs=1e-4)
    assert mended[2] == pytest.approx(own, abs=1e-3)
    assert mended[3] == pytest.approx(codes[3], abs=1e-4)


def test_weights_files_keep_their_fingerprint(tmp_path):
    torch.manual_seed(3)
    made = weights_of(Mttf(LITE))
    path = tmp_path / "made.safetensors"
    weights.save(made, path)
    read = weights.load(path)
    assert (read.model, read.fingerprint) == ("lite", made.fingerprint)
    assert weights.find(made.fingerprint, extra=path).fingerprint == made.fingerprint
    assert weights.find(made.fingerprint, extra=tmp_path).fingerprint == made.fingerprint
    assert path.stat().st_size < 16 << 20
    network_from(read)


def test_other_files_are_not_weights(tmp_path):
    path = tmp_path / "x.safetensors"
    with pytest.raises(WeightsError, match="No such file"):
        weights.load(path)
    for data in (b"", b"text", (2**60).to_bytes(8, "little") + b"{}"):
        path.write_bytes(data)
        with pytest.raises(WeightsError, match=r"x\.safetensors"):
            weights.load(path)
    short = weights.Weights("lite", {"a": np.zeros(3, np.float16)}, b"")
    with pytest.raises(WeightsError, match="do not fit"):
        network_from(short)
    with pytest.raises(WeightsError, match="no trained weights"):
        weights.default("nonesuch")
    with pytest.raises(UsageError, match="lite"):
        get_profile("nonesuch")


def test_the_model_card_belongs_to_the_weights():
    shipped = weights.default("lite")
    card = (weights.PRETRAINED / "lite.md").read_text()
    assert shipped.fingerprint.hex() in card
    assert (weights.PRETRAINED / "lite.safetensors").stat().st_size <= 16 << 20


def test_levels_follow_what_lasts_and_not_what_trembles():
    trembling = [0.2, 0.3, 0.2, 0.3, 0.2, 0.3]
    moving = [0.0, 0.0, 0.0, 2.0, 2.0, 2.0]
    broken = [0.0, np.nan, np.inf, 0.0, -np.inf, 0.0]
    codes = np.array([trembling, moving, broken], dtype=np.float32).T
    rounded = quantise(2 * codes, bit_cost=0)
    assert rounded[:, :2].T.tolist() == [[0, 1, 0, 1, 0, 1], [0, 0, 0, 4, 4, 4]]
    assert np.abs(rounded[:, 2]).max() <= MAX_LEVEL
    calm = quantise(2 * codes[:, :2], bit_cost=0.6)
    assert len(set(calm[:, 0].tolist())) == 1
    assert calm[:, 1].tolist() == [0, 0, 0, 4, 4, 4]
    assert quantise(codes[:0], bit_cost=1).shape == (0, 3)
    assert dequantise(np.array([1, -2], np.int32), Fraction(1, 2)).tolist() == [0.5, -1.0]


@pytest.mark.parametrize("bit_cost", [0.1, 0.6, 3])
def test_the_quantiser_takes_the_cheapest_path(bit_cost):
    """Against all paths there are."""
    codes = np.random.default_rng(3).normal(size=(5, 2)).astype(np.float32).cumsum(axis=0)
    found = quantise(2 * codes, bit_cost=bit_cost)

    def cost(levels: np.ndarray, wanted: np.ndarray) -> float:
        bits = [(0.25, 3.5, 5.2)[d] if d < 3 else 5.2 + 1.2 * (d - 2) for d in abs(np.diff(levels))]
        return float(((levels - wanted * 2) ** 2).sum() + bit_cost * sum(bits))

    for column in range(2):
        wanted = codes[:, column]
        near = [range(round(value) - 2, round(value) + 3) for value in (2 * wanted).tolist()]
        best = min(cost(np.array(levels), wanted) for levels in itertools.product(*near))
        assert cost(found[:, column], wanted) == pytest.approx(best, rel=1e-4)


@pytest.mark.parametrize(
    ("source", "coded"),
    [
        ((256, 256), (256, 256)),
        ((1920, 1080), (336, 192)),
        ((1080, 1920), (192, 336)),
        ((640, 480), (288, 224)),
        ((100, 80), (96, 80)),
        ((3000, 20), (1024, 64)),
        ((1, 1), (64, 64)),
    ],
)
def test_coded_sizes(source, coded):
    assert coded_size(*source, 256) == coded


def test_two_key_frames_mix_where_they_agree():
    network = network_from(weights.default("lite")).eval()
    check, analyser = MotionCheck(network), Analyser(network)
    head = draw_head(0, 128, 128)
    code = analyser.codes([head])[0]
    assert check.mixes(head, np.minimum(head, 250), head, code)
    other = np.random.default_rng(0).integers(0, 256, (8, 8, 3), dtype=np.uint8)
    other = other.repeat(16, axis=0).repeat(16, axis=1)
    assert not check.mixes(head, other, head, code)
    # The mean of two wrong pictures may be closer than one of them, and is still no picture.
    assert not check.mixes(np.rot90(other).copy(), head, np.rot90(head, 2).copy(), code)
