"""Training: data that cannot leak, batches that repeat, runs that resume as if never stopped."""

from __future__ import annotations

import importlib.util
import json
from dataclasses import replace
from pathlib import Path

import pytest
import torch
from conftest import SHARED, write_clip

from gvc.errors import GvcError, InvalidDataError
from gvc.model import weights
from gvc.training.clips import Split, load_frames, read_table
from gvc.training.pairs import BatchShape, PairDataset
from gvc.training.settings import Phase, Stage, TrainingSettings, default_stages


@pytest.fixture(scope="module")
def clips(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("clips")
    rows = ["file\tidentity\tsplit\tkind"]
    for name, split in (("ada", "train"), ("bob", "train"), ("eve", "val")):
        write_clip(folder / f"{name}.mp4", width=96, height=96, frames=6, audio=False)
        rows.append(f"{name}.mp4\t{name}\t{split}\ttalking-head")
    (folder / "clips.tsv").write_text("\n".join(rows) + "\n")
    return folder


def test_an_identity_on_both_sides_is_refused(tmp_path):
    table = tmp_path / "clips.tsv"
    table.write_text("file\tidentity\tsplit\tkind\na\tada\ttrain\tx\nb\tada\tval\tx\n")
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

    def batch(seed: int, step: int):
        return PairDataset(table, frames, shapes, seed=seed)[step]

    one, same, other = batch(1, 4), batch(1, 4), batch(2, 4)
    assert torch.equal(one.frames, same.frames)
    assert torch.equal(one.flow, same.flow)
    assert not torch.equal(one.frames, other.frames)
    assert one.key.shape == (2, 3, 32, 32)
    assert one.frames.shape == (6, 3, 32, 32)
    assert one.flow.shape == (6, 2, 64, 64)
    assert batch(1, 5).key.shape == (1, 3, 48, 48)


def settings(clips: Path, output: Path, cache: Path) -> TrainingSettings:
    shape = (BatchShape(2, 2, 128),)
    return TrainingSettings(
        clips=clips,
        output=output,
        cache=cache,
        metric_weights=SHARED / "weights",
        stages=(
            Stage(Phase.MOTION, 2, shape, 1e-3, 1e-3, frozen_norms=False),
            Stage(Phase.JOINT, 2, shape, 1e-3, 1e-4),
            Stage(Phase.EXPAND, 1, (BatchShape(1, 1, 512),), 1e-3, 1e-4),
        ),
        validate_every=1,
    )


def test_a_run_that_was_stopped_goes_on_as_if_it_had_not_been(clips, tmp_path):
    if not (SHARED / "weights").is_dir() or importlib.util.find_spec("lpips") is None:
        pytest.skip("the perceptual network is not here (../shared/weights and the package lpips)")
    from gvc.training.trainer import Trainer

    whole = settings(clips, tmp_path / "whole", tmp_path / "cache")
    Trainer(whole, report=lambda record: None).run(resume=True)

    class StopError(Exception):
        pass

    def stop(record):
        if record["step"] == 3 and "size" in record:
            raise StopError

    parts = replace(whole, output=tmp_path / "parts")
    with pytest.raises(StopError):
        Trainer(parts, report=stop).run(resume=True)
    steps = []
    Trainer(parts, report=lambda record: steps.append(record["step"])).run(resume=True)
    assert min(steps) == 3
    found = [weights.load(run.output / "best.safetensors") for run in (whole, parts)]
    assert found[0].fingerprint == found[1].fingerprint
    card = (whole.output / "card.md").read_text()
    assert found[0].fingerprint.hex() in card
    log = [json.loads(line) for line in (whole.output / "log.jsonl").read_text().splitlines()]
    assert {record["phase"] for record in log} == {"motion", "joint", "expand"}


def test_a_run_can_begin_with_given_weights(clips, tmp_path):
    if not (SHARED / "weights").is_dir() or importlib.util.find_spec("lpips") is None:
        pytest.skip("the perceptual network is not here (../shared/weights and the package lpips)")
    from gvc.training.trainer import Trainer

    shipped = weights.PRETRAINED / "lite.safetensors"
    run = replace(settings(clips, tmp_path / "run", tmp_path / "cache"), initial=shipped)
    trainer = Trainer(run, report=lambda record: None)
    expected = weights.load(shipped).arrays["coder.spread"]
    assert trainer.network.coder.spread.tolist() == pytest.approx(expected.tolist())


def test_the_default_recipe_begins_with_motion():
    stages = default_stages()
    assert stages[0].phase is Phase.MOTION
    assert sum(stage.steps for stage in default_stages(scale=0.1)) < sum(s.steps for s in stages)
