"""The learned prior: trained, rounded, shipped and found again; how models are measured."""

from __future__ import annotations

import io
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch
from conftest import run_gvc, write_clip, write_pictures
from test_entropy import random_prior

from gvc import entropy
from gvc.api.motion_codes import GroupMotion, motion_codes
from gvc.bitstream import BitstreamReader, Group
from gvc.codec.levels import LevelCoding
from gvc.codec.motion_run import read_run
from gvc.codec.quantiser import quantise
from gvc.codec.settings import EncoderSettings
from gvc.errors import UsageError, WeightsError
from gvc.model import priors, weights
from gvc.training.prior import PriorSettings, train_prior
from gvc.training.prior_data import Codes, Frames
from gvc.training.prior_network import PriorNetwork

LENGTH = 40


def pulses(frames: int, seed: int) -> np.ndarray:
    """Codes in which three coefficients move together, now and then, and nothing else."""
    rng = np.random.default_rng(seed)
    moves = np.zeros((frames, LENGTH), np.float32)
    for start in np.flatnonzero(rng.random(frames) < 0.2):
        moves[start, [4, 17, 30]] = rng.choice([-2.0, 2.0])
    return (100 + moves.cumsum(axis=0)).astype(np.float32)


@pytest.fixture(scope="module")
def trained(tmp_path_factory) -> priors.Prior:
    """A prior of pulses, by way of codes that lie in the cache."""
    folder = tmp_path_factory.mktemp("prior")
    rows = ["file\tidentity\tsplit\tkind"]
    for seed in range(3):
        rows.append(f"{seed}.mp4\t{seed}\ttrain\ttalking-head")
        np.savez(folder / f"{seed}.npz", pulses(120, seed), np.arange(120))
    (folder / "clips.tsv").write_text("\n".join(rows) + "\n")
    records: list[dict] = []
    settings = PriorSettings(folder, folder / "my.prior", folder, steps=60, threads=1)
    train_prior(settings, report=records.append)
    assert records[-1]["step"] == 60
    return priors.load(folder / "my.prior")


def size_of(model: str, codes: np.ndarray, prior: priors.Prior | None = None) -> int:
    arrays = prior.arrays if prior else None
    coder = entropy.create_encoder(model, LENGTH, prior=arrays)
    for levels in quantise(codes, bit_cost=0.0):
        coder.encode(levels)
    return len(coder.finish())


def test_a_prior_learns_what_moves_together(trained):
    assert trained.weights == weights.default("face").fingerprint
    codes = pulses(150, seed=9)
    assert size_of("learned", codes, trained) < 0.6 * size_of("adaptive", codes)


def test_integers_say_what_the_network_says():
    """Floats that were trained and integers that code give about the same number of bits."""
    torch.manual_seed(0)
    network = PriorNetwork(LENGTH, 8)
    groups = [Codes("one", GroupMotion(pulses(60, seed=3), np.arange(60)))]
    frames = Frames(groups, [EncoderSettings(bit_cost=0.0, interpolate=0)])
    with torch.no_grad():
        bits = float(network.eval()(frames.batch(torch.arange(len(frames)))).sum())
    first = {
        "first.mean": np.full(LENGTH, 1600, np.int16),
        "first.scale": np.ones(LENGTH, np.int16),
    }
    arrays = {**network.integers(), **first}
    coder = entropy.create_encoder("learned", LENGTH, prior=arrays)
    for levels in quantise(groups[0].motion.codes, bit_cost=0.0):
        coder.encode(levels)
    # What is counted in the group makes a difference, too.
    assert 0.6 * bits < 8 * len(coder.finish()) < 1.1 * bits + 64


def test_a_prior_is_known_by_its_integers(tmp_path):
    arrays = random_prior(LENGTH)
    path = tmp_path / "x.prior"
    priors.save(priors.Prior(b"w" * 16, arrays, priors.fingerprint(arrays)), path)
    found = priors.find(priors.fingerprint(arrays), extra=tmp_path)
    assert found.weights == b"w" * 16
    assert all(np.array_equal(found.arrays[name], arrays[name]) for name in arrays)
    beside = priors.belonging_to(b"w" * 16, extra=tmp_path / "some.safetensors")
    assert beside is not None
    assert beside.fingerprint == found.fingerprint
    assert priors.belonging_to(b"v" * 16) is None
    changed = {**arrays, "past.bias": arrays["past.bias"] + np.int16(1)}
    assert priors.fingerprint(changed) != found.fingerprint
    with pytest.raises(WeightsError, match=b"x".hex() * 16):
        priors.find(b"x" * 16, extra=tmp_path)


@pytest.mark.parametrize("content", [b"", b"nonsense", bytes(100)])
def test_what_is_no_prior_is_refused(tmp_path, content):
    path = tmp_path / "x.prior"
    path.write_bytes(content)
    with pytest.raises(WeightsError):
        priors.load(path)
    with pytest.raises(WeightsError):
        priors.load(Path(weights.__file__).parent / "pretrained" / "lite.safetensors")


def test_the_shipped_prior_is_the_default_where_it_fits():
    shipped = weights.default("face")
    assert LevelCoding.for_encoder(EncoderSettings(), shipped).model == "learned"
    other = replace(shipped, fingerprint=b"o" * 16)
    assert LevelCoding.for_encoder(EncoderSettings(), other).model == "adaptive"
    with pytest.raises(WeightsError, match="no prior"):
        LevelCoding.for_encoder(EncoderSettings(entropy_model="learned"), other)
    with pytest.raises(UsageError, match="adaptive"):
        LevelCoding.for_encoder(EncoderSettings(entropy_model="nonesuch"), shipped)


@pytest.mark.parametrize("model", entropy.names())
def test_a_file_says_how_its_motion_is_coded(model, tmp_path):
    clip = write_clip(tmp_path / "clip.mp4", width=96, height=96, frames=10, audio=False)
    target = tmp_path / "clip.gvc"
    done = run_gvc("encode", clip, target, "--entropy", model, "--key-preset", "faster", "-q")
    assert done.returncode == 0, done.stderr
    reader = BitstreamReader(io.BytesIO(target.read_bytes()))
    video = reader.header.video
    assert video.entropy_model == model
    assert (video.prior is not None) == entropy.needs_prior(model)
    coding = LevelCoding.for_decoder(video, extra=None)
    (group,) = [unit for unit in reader if isinstance(unit, Group)]
    found = [frame.code for frame in read_run(coding, group, frame_duration=1)]
    (motion,) = motion_codes(clip, EncoderSettings(key_preset="faster"))
    for time, code in zip(motion.times, motion.codes, strict=True):
        assert abs(found[time] - code).max() < 3.1
    if video.prior is not None:
        missing = replace(video, prior=b"m" * 16)
        with pytest.raises(WeightsError, match=(b"m" * 16).hex()):
            LevelCoding.for_decoder(missing, extra=None)


def test_what_is_coded_as_video_has_no_motion_codes(tmp_path):
    noise = np.random.default_rng(0).integers(0, 256, (8, 8, 8, 3), np.uint8)
    clip = write_pictures(tmp_path / "noise.mkv", noise.repeat(16, axis=1).repeat(16, axis=2))
    assert motion_codes(clip, EncoderSettings(key_preset="faster")) == []


def test_all_models_are_measured(tmp_path):
    clip = write_clip(tmp_path / "clip.mp4", width=96, height=96, frames=10, audio=False)
    done = run_gvc("bench", "entropy", clip, "--step", "1,2")
    assert done.returncode == 0, done.stderr
    lines = done.stdout.decode().splitlines()
    assert "9 inter frames" in lines[0]
    assert [line.split("|")[1].strip() for line in lines[4:]] == [
        "GFVC software's scheme",
        *entropy.names(),
    ]
    assert done.stderr.decode().split() == ["clip"]


def test_a_prior_beside_other_weights_serves_encoder_and_decoder(tmp_path):
    """An encoder looks at what it coded, and must find the prior where it took it from."""
    shipped = weights.default("face")
    weights.save(shipped, tmp_path / "mine.safetensors")
    arrays = random_prior(40, seed=3)
    mine = priors.Prior(shipped.fingerprint, arrays, priors.fingerprint(arrays))
    priors.save(mine, tmp_path / "mine.prior")
    clip = write_clip(tmp_path / "clip.mp4", width=96, height=96, frames=10, audio=False)
    target, options = tmp_path / "clip.gvc", ("--weights", tmp_path / "mine.safetensors", "-q")
    done = run_gvc("encode", clip, target, "--key-preset", "faster", *options)
    assert done.returncode == 0, done.stderr
    reader = BitstreamReader(io.BytesIO(target.read_bytes()))
    assert reader.header.video.prior == mine.fingerprint
    done = run_gvc("decode", target, tmp_path / "back.mp4", *options)
    assert done.returncode == 0, done.stderr
    done = run_gvc("decode", target, tmp_path / "lost.mp4", "-q")
    assert done.returncode == 1
    assert mine.fingerprint.hex() in done.stderr.decode()
