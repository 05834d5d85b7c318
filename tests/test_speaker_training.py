"""``gvc adapt``: what learns, what is kept of it, and what is said when there is nothing."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch
from conftest import ROOT, run_gvc, write_clip, write_pictures

import gvc
from gvc.bench.adaptation import AdaptationSettings, adaptation_table, run_adaptation
from gvc.bench.clips import Clip
from gvc.codec import speaker_packs
from gvc.codec.settings import CanvasMode, EncoderSettings
from gvc.errors import InvalidDataError, UsageError
from gvc.model import weights
from gvc.model.mttf import network_from
from gvc.training.speaker import AdaptSettings, Loss, adapt
from gvc.training.speaker_data import Shots, load_shots

SIZE = 64


@pytest.fixture(scope="module")
def recording(tmp_path_factory) -> Path:
    return write_clip(
        tmp_path_factory.mktemp("recording") / "talk.mp4",
        width=96,
        height=96,
        frames=40,
        audio=False,
    )


@pytest.fixture(scope="module")
def shots(recording) -> Shots:
    variants = [EncoderSettings(size=SIZE, key_qp=qp, key_preset="faster") for qp in (22, 37)]
    return load_shots([recording], network_from(weights.default("face")), variants, most=30)


def test_key_frames_and_codes_are_those_of_the_frames_that_they_should_become(shots):
    network = network_from(weights.default("face"))
    shot = shots.train[0]
    key = shots.keys[shot.key]
    with torch.no_grad():
        key = replace(key, features=network.foreground.encode(key.picture))
        made = network.synthesise(key, shot.code).picture
    still = (key.picture - shot.target / 255).abs().mean()
    assert (made - shot.target / 255).abs().mean() < 1.5 * still


@pytest.fixture(scope="module")
def room(tmp_path_factory) -> Path:
    """The portrait that comes with the project, in the right half of a picture twice as wide."""
    with gvc.open(ROOT / "examples" / "portrait.gvc", threads=1) as portrait:
        faces = [frame.to_ndarray(format="rgb24") for frame in portrait.decode(video=0)][:40]
    wide = [np.concatenate([255 - face[::-1], face], axis=1) for face in faces]
    return write_pictures(tmp_path_factory.mktemp("room") / "talk.mkv", wide)


def test_with_a_canvas_the_target_is_the_part_that_is_generated(room):
    """Key frames, codes and targets are of one square, or nothing could be learnt from them."""
    settings = EncoderSettings(size=SIZE, key_preset="faster", canvas=CanvasMode.ON)
    found = load_shots([room], network_from(weights.default("face")), [settings], most=30)
    assert found.size == (SIZE, SIZE)
    for shot in found.train:
        key = found.keys[shot.key].picture
        assert (key - shot.target / 255).abs().mean() < 0.08


def test_frames_are_held_out_in_blocks_and_keys_come_at_all_qps(shots):
    assert len(shots.train) > 2 * len(shots.held) > 0
    assert len({key.picture.sum().item() for key in shots.keys}) == len(shots.keys) >= 2
    assert shots.size == (SIZE, SIZE)


def test_a_pack_brings_frames_closer_that_were_held_out(recording):
    records: list[dict] = []
    settings = AdaptSettings((recording,), size=SIZE, steps=16, seconds=1000, worth=1e-4, threads=1)
    outcome = adapt(settings, report=records.append)
    assert outcome.pack is not None
    assert outcome.after < outcome.before
    assert outcome.steps == 16
    assert records[-1]["step"] == 16
    changed = outcome.pack.adapt(weights.default("face"))
    assert changed.fingerprint != weights.default("face").fingerprint


def test_more_worth_makes_smaller_packs(recording):
    """Bytes that do not pay are not spent; in the end there is nothing."""
    settings = AdaptSettings((recording,), size=SIZE, steps=16, seconds=1000, worth=100, threads=1)
    assert adapt(settings, report=lambda _: None).pack is None


def test_the_command_writes_a_pack_that_files_use(recording, tmp_path):
    pack, coded = tmp_path / "talk.gvcp", tmp_path / "talk.gvc"
    options = ("--size", SIZE, "--steps", 16, "--worth", 0.0001, "--threads", 1)
    done = run_gvc("adapt", recording, "-o", pack, *options)
    assert done.returncode == 0, done.stderr
    size = pack.stat().st_size
    last = done.stderr.decode().splitlines()[-1]
    assert f"{size} bytes" in last
    assert speaker_packs.load(pack).fingerprint.hex() in last
    assert run_gvc("adapt", recording, "-o", pack, *options).returncode == 2
    done = run_gvc("encode", recording, coded, "--size", SIZE, "--pack", pack, "--refine", 1)
    assert done.returncode == 0, done.stderr
    assert run_gvc("decode", coded, tmp_path / "talk.y4m").returncode == 0


def test_nothing_gained_is_said_and_nothing_written(recording, tmp_path):
    pack = tmp_path / "none.gvcp"
    done = run_gvc("adapt", recording, "-o", pack, "-q", "--size", SIZE, "--steps", 2, "--worth", 9)
    assert done.returncode == 1
    assert b"nothing is gained" in done.stderr
    assert len(done.stderr.splitlines()) == 1
    assert list(tmp_path.iterdir()) == []


def test_too_little_to_learn_from_is_an_error(tmp_path):
    short = write_clip(tmp_path / "short.mp4", width=64, height=64, frames=5, audio=False)
    with pytest.raises(InvalidDataError, match="too few frames"):
        adapt(AdaptSettings((short,), size=SIZE), report=lambda _: None)


@pytest.mark.parametrize(
    "wrong", [{"recordings": ()}, {"steps": 0}, {"seconds": 0.0}, {"worth": -1.0}, {"key_qps": ()}]
)
def test_settings_that_make_no_sense_are_refused(recording, wrong):
    with pytest.raises(UsageError):
        AdaptSettings(**{"recordings": (recording,), "loss": Loss.DISTANCE} | wrong)


class Halves:
    """A judge that knows nothing but sizes, so that a run takes no networks."""

    def settings(self):
        return {"judge": "halves"}

    def score(self, reference, decoded, folder):
        original, other = reference.planes(), reference.planes(decoded)
        error = float(np.abs(original.astype(np.int16) - other.astype(np.int16)).mean())
        names = ("lpips_alex", "lpips_squeeze", "tlp_alex", "vmaf", "ms_ssim", "psnr_y")
        return dict.fromkeys(names, error)


def test_the_benchmark_measures_four_variants_and_goes_on(recording, tmp_path):
    pytest.importorskip("matplotlib")
    asked: list[Path] = []

    def learn(video: Path, pack: Path) -> None:
        asked.append(video)
        outcome = adapt(
            AdaptSettings((video,), size=SIZE, steps=16, seconds=1000, worth=1e-4, threads=1),
            report=lambda _: None,
        )
        assert outcome.pack is not None
        pack.write_bytes(outcome.pack.data)

    settings = AdaptationSettings(
        clips=(Clip("talk", recording, "one"),),
        output=tmp_path,
        key_qps=(32,),
        refine=1,
        size=SIZE,
        whole=True,
    )
    fresh: list[str] = []
    for _ in range(2):
        codecs, records = run_adaptation(
            settings, judge=Halves(), learn=learn, on_record=lambda r: fresh.append(r.codec)
        )
    assert len(asked) == 1
    assert fresh == ["gvc", "gvc-refine", "gvc-pack", "gvc-pack-refine"]
    for record in records:
        assert sum(record.split.values()) == record.size
        assert ("speaker_pack" in record.split) == ("pack" in record.codec)
    table = adaptation_table(codecs, records).splitlines()
    assert len(table) == 2 + 4
