"""The perceptual distance: a distance at all, on any picture, and one that agrees with LPIPS."""

from __future__ import annotations

import importlib.util
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch
from conftest import SHARED, draw_head, write_clip
from torch import Tensor

from gvc.clips import Split, read_table
from gvc.errors import InvalidDataError, UsageError, WeightsError
from gvc.model import weights
from gvc.model.distance import MODEL, Distance, DistanceNetwork, load_network
from gvc.training.correlation import pearson, spearman
from gvc.training.distance import DistanceSettings, DistanceTrainer
from gvc.training.distance_pairs import DISTORTED
from gvc.training.distortions import Distortion, distort

#: Distortions of which more is more, whatever is drawn.
_GROWING = (Distortion.BLUR, Distortion.NOISE, Distortion.BLOCKS, Distortion.WARP)


@pytest.fixture(scope="module")
def distance() -> Distance:
    return Distance.load()


@pytest.fixture(scope="module")
def heads() -> np.ndarray:
    return np.stack([draw_head(index, 160, 128) for index in range(6)])


@pytest.fixture
def lpips():
    if not (SHARED / "weights").is_dir() or importlib.util.find_spec("lpips") is None:
        pytest.skip("the perceptual network is not here (../shared/weights and the package lpips)")
    from gvc.metrics import Lpips

    return lambda backbone: Lpips(backbone, SHARED / "weights")


def test_equal_pictures_have_no_distance_and_others_one_both_ways(distance, heads):
    assert distance.distance(heads, heads).tolist() == [0] * 6
    there = distance.distance(heads[:3], heads[3:])
    assert there.dtype == np.float32
    assert (there > 0).all()
    assert (there == distance.distance(heads[3:], heads[:3])).all()


@pytest.mark.parametrize("size", [(64, 64), (65, 97), (720, 405), (1024, 1024)], ids=str)
def test_pictures_of_any_size_can_be_compared(distance, size):
    one, other = (draw_head(index, *size)[None] for index in (0, 9))
    (value,) = distance.distance(one, other)
    assert 0.005 < value < 1
    assert distance.distance(one, one) == 0


@pytest.mark.parametrize("kind", _GROWING)
def test_the_worse_the_further(distance, heads, kind):
    for place, head in enumerate(heads[::2]):
        worse = [
            distort(head, kind, strength, np.random.default_rng(place))
            for strength in (0.1, 0.25, 0.5, 0.75, 1.0)
        ]
        values = distance.distance(head[None], worse)
        assert (np.diff(values) > 0).all(), values


def test_who_stands_beside_it_does_not_matter(distance, heads):
    others = heads[::-1]
    together = distance.distance(heads, others)
    alone = [distance.distance([one], [other])[0] for one, other in zip(heads, others, strict=True)]
    assert together == pytest.approx(alone, rel=1e-4)


def test_threads_do_not_matter(distance, heads):
    before = torch.get_num_threads()
    try:
        values = []
        for threads in (1, 3):
            torch.set_num_threads(threads)
            values.append(distance.distance(heads[:3], heads[3:]))
    finally:
        torch.set_num_threads(before)
    assert values[0] == pytest.approx(values[1], rel=1e-4)


def test_an_original_is_described_once(distance, heads):
    described = distance.describe(heads)
    assert len(described) == 6
    expected = distance.distance(heads[:3], heads[3:])
    assert distance.compare(described[:3], described[3:]) == pytest.approx(expected, rel=1e-4)
    against_one = distance.compare(described[:1], described)
    assert against_one[0] == 0
    assert against_one.shape == (6,)
    assert (against_one == distance.compare(described, described[:1])).all()


def test_bytes_and_tensors_are_the_same_pictures(distance, heads):
    tensor = torch.from_numpy(heads).permute(0, 3, 1, 2) / 255
    assert distance.distance(heads, tensor) == pytest.approx(0, abs=1e-6)


def test_what_cannot_be_compared_is_refused(distance, heads):
    with pytest.raises(UsageError, match="not RGB pictures uint8"):
        distance.describe(heads[0])
    with pytest.raises(UsageError, match="not RGB pictures uint8"):
        distance.describe(heads.astype(np.float32))
    with pytest.raises(UsageError, match=r"not RGB pictures \[N, 3, H, W\]"):
        distance.describe(torch.zeros(1, 64, 64, 3))
    with pytest.raises(UsageError, match="too small"):
        distance.describe(heads[:, :16])
    with pytest.raises(UsageError, match="cannot be compared"):
        distance.distance(heads, heads[:, :96])
    with pytest.raises(UsageError, match="cannot be compared"):
        distance.distance(heads[:2], heads[:3])


def test_weights_of_another_network_are_refused(tmp_path):
    with pytest.raises(WeightsError, match=r"lite\.safetensors: holds no weights of the"):
        Distance.load(weights.PRETRAINED / "lite.safetensors")
    with pytest.raises(WeightsError, match=r"none\.safetensors"):
        Distance.load(tmp_path / "none.safetensors")


def test_gradients_lead_to_closer_pictures():
    network = load_network()
    one, other = (
        torch.from_numpy(draw_head(index, 96, 96)).permute(2, 0, 1)[None] / 255 for index in (0, 5)
    )
    one.requires_grad_(True)
    before = network(one, other)
    before.sum().backward()
    with torch.no_grad():
        after = network(one - 1e-3 * one.grad / one.grad.abs().max(), other)
    assert after < before


def test_the_network_ships_and_is_small():
    path = weights.PRETRAINED / f"{MODEL}.safetensors"
    assert path.stat().st_size < 1 << 19
    shipped = weights.load(path)
    assert shipped.model == MODEL
    assert shipped.fingerprint.hex() in path.with_suffix(".md").read_text()


def test_another_network_can_measure(heads):
    class SquaredError:
        def describe(self, picture: Tensor) -> list[Tensor]:
            return [picture]

        def distance(self, one: list[Tensor], other: list[Tensor]) -> Tensor:
            return (one[0] - other[0]).square().mean(dim=(1, 2, 3))

    expected = ((heads[:3] / 255 - heads[3:] / 255) ** 2).mean(axis=(1, 2, 3))
    found = Distance(SquaredError()).distance(heads[:3], heads[3:])
    assert found == pytest.approx(expected, rel=1e-4)


def test_lpips_can_measure(lpips, heads):
    network = lpips("squeeze")
    tensor = torch.from_numpy(heads).permute(0, 3, 1, 2) / 255
    found = Distance(network).distance(heads[:3], heads[3:])
    assert found == pytest.approx(network(tensor[:3], tensor[3:]).numpy(), rel=1e-4)


@pytest.mark.shared
def test_it_agrees_with_lpips_on_people_it_has_not_seen(distance, lpips, tmp_path):
    if not (SHARED / "clips").is_dir():
        pytest.skip("the clips are not beside this checkout (../shared)")
    import av

    table = [clip for clip in read_table(SHARED / "clips") if clip.split is Split.VALIDATION]
    judge, rows = Distance(lpips("squeeze")), []
    for place, clip in enumerate(table[::5]):
        rng = np.random.default_rng(place)
        with av.open(str(clip.path)) as container:
            frames = [frame.to_ndarray(format="rgb24") for frame in container.decode(video=0)]
        original = frames[0]
        worse = [frames[index] for index in (1, 5, 20, 60)]
        worse += [
            distort(original, kind, strength, rng) for kind in Distortion for strength in (0.2, 0.6)
        ]
        rows.append([one.distance(original[None], worse) for one in (distance, judge)])
    ours, theirs = (np.concatenate(values) for values in zip(*rows, strict=True))
    assert pearson(ours, theirs) > 0.6
    assert spearman(ours, theirs) > 0.5


def test_correlations_are_those_of_the_textbook():
    one, other = np.array([1.0, 2, 3, 4, 5]), np.array([2.0, 1, 4, 3, 5])
    assert pearson(one, other) == pytest.approx(0.8)
    assert spearman(one, np.exp(other)) == pytest.approx(0.8)
    assert spearman(np.array([1.0, 1, 2]), np.array([5.0, 5, 9])) == pytest.approx(1)
    assert pearson(one, np.ones(5)) == 0


@pytest.mark.parametrize("kind", list(Distortion))
def test_distortions_repeat_and_grow(heads, kind):
    def error(strength: float) -> float:
        made = distort(heads[0], kind, strength, np.random.default_rng(5))
        assert made.shape == heads[0].shape
        assert made.dtype == np.uint8
        again = distort(heads[0], kind, strength, np.random.default_rng(5))
        assert (made == again).all()
        return float(np.square(made.astype(float) - heads[0]).mean())

    assert 0 < error(0.3) < error(1.0)


@pytest.fixture(scope="module")
def clips(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("clips")
    rows = ["file\tidentity\tsplit\tkind"]
    for name, split in (("ada", "train"), ("eve", "val")):
        write_clip(folder / f"{name}.mp4", width=96, height=96, frames=6, audio=False)
        rows.append(f"{name}.mp4\t{name}\t{split}\ttalking-head")
    (folder / "clips.tsv").write_text("\n".join(rows) + "\n")
    return folder


def test_a_run_learns_repeats_and_says_how_well_it_agrees(lpips, clips, tmp_path):
    run = DistanceSettings(
        clips=clips,
        output=tmp_path / "one",
        cache=tmp_path / "cache",
        metric_weights=SHARED / "weights",
        steps=50,
        groups=2,
    )
    records = []
    scores = DistanceTrainer(run, report=records.append).run()
    assert scores["squeeze"].pairs == 6 * DISTORTED
    assert scores["squeeze"].spearman > 0.5
    assert -1 <= scores["alex/artificial"].pearson <= 1
    assert [record["step"] for record in records if "step" in record] == [50]
    DistanceTrainer(replace(run, output=tmp_path / "two"), report=records.append).run()
    found = [weights.load(tmp_path / name / f"{MODEL}.safetensors") for name in ("one", "two")]
    assert found[0].fingerprint == found[1].fingerprint
    assert found[0].fingerprint.hex() in (tmp_path / "one" / "distance.md").read_text()


def test_a_run_needs_people_to_be_tested_on(tmp_path):
    (tmp_path / "clips.tsv").write_text("file\tidentity\tsplit\tkind\na\tada\ttrain\tbody\n")
    run = DistanceSettings(clips=tmp_path, output=tmp_path, cache=tmp_path)
    with pytest.raises(InvalidDataError, match="validation clips"):
        DistanceTrainer(run, report=lambda record: None)


def test_training_learns_no_weight_that_makes_difference_count_for_less():
    torch.manual_seed(0)
    network = DistanceNetwork()
    for roots in network.roots:
        roots.data.normal_()
    one, other = torch.rand(2, 4, 3, 64, 64)
    assert (network(one, other) > 0).all()
