"""Training runs: recipes, and runs that resume as if never stopped."""

from __future__ import annotations

import importlib.util
import json
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from conftest import SHARED

from gvc.clips import Kind
from gvc.errors import UsageError
from gvc.model import weights
from gvc.training.pairs import BatchShape
from gvc.training.recipes import default_stages, of_recipe
from gvc.training.settings import Phase, Stage, TrainingSettings
from gvc.training.validation import parts


def settings(clips: Path, output: Path, cache: Path) -> TrainingSettings:
    shape = (BatchShape(2, 2, 128),)
    return TrainingSettings(
        clips=clips,
        output=output,
        cache=cache,
        metric_weights=SHARED / "weights",
        stages=(
            Stage(Phase.POSE, 1, shape, 1e-3, 1e-3, frozen_norms=False),
            Stage(Phase.MOTION, 1, shape, 1e-3, 1e-3, frozen_norms=False),
            Stage(Phase.JOINT, 2, shape, 1e-3, 1e-4),
            Stage(Phase.EXPAND, 1, (BatchShape(1, 1, 512),), 1e-3, 1e-4),
        ),
        validate_every=1,
        faces=False,
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
    assert_no_checkerboards(found[0])


def assert_no_checkerboards(trained: weights.Weights) -> None:
    """To the rounding of float16, nothing makes only those of a feature's 2×2 pixels."""
    for branch in ("foreground", "background"):
        head = trained.arrays[f"{branch}.head.convolution.weight"].astype(np.float32)
        squares = head.reshape(-1, 2, 2, *head.shape[1:])
        diagonals = squares[:, 0, 0] + squares[:, 1, 1], squares[:, 0, 1] + squares[:, 1, 0]
        assert np.abs(diagonals[0] - diagonals[1]).max() < 2e-3 * np.abs(head).max()


def test_a_run_can_begin_with_given_weights(clips, tmp_path):
    if not (SHARED / "weights").is_dir() or importlib.util.find_spec("lpips") is None:
        pytest.skip("the perceptual network is not here (../shared/weights and the package lpips)")
    from gvc.training.trainer import Trainer

    shipped = weights.PRETRAINED / "lite.safetensors"
    run = replace(settings(clips, tmp_path / "run", tmp_path / "cache"), initial=shipped)
    trainer = Trainer(run, report=lambda record: None)
    expected = weights.load(shipped).arrays["coder.spread"]
    assert trainer.network.coder.spread.tolist() == pytest.approx(expected.tolist())


def test_recipes_begin_with_what_ships_and_are_judged_by_what_they_are_for(tmp_path):
    places = {"clips": tmp_path, "output": tmp_path, "cache": tmp_path}
    body = of_recipe("body", **places)
    assert body.initial == weights.PRETRAINED / "lite.safetensors"
    assert body.judged == (Kind.BODY,)
    assert of_recipe("body", initial=tmp_path / "mine", **places).initial == tmp_path / "mine"
    assert of_recipe("face", **places).initial is None
    further = of_recipe("further", **places, revive=False)
    assert further.initial == weights.PRETRAINED / "body.safetensors"
    assert further.revive
    assert further.judged == (Kind.TALKING_HEAD, Kind.BODY)
    people = of_recipe("people", **places, people=50)
    assert people.initial == weights.PRETRAINED / "people.safetensors"
    assert people.initial.is_file()
    assert people.people == 50
    assert of_recipe("face", **places).stages == default_stages()
    with pytest.raises(UsageError, match="'legs'"):
        of_recipe("legs", **places)


def test_the_weights_for_faces_make_no_checkerboards():
    assert_no_checkerboards(weights.default("face"))


def test_validation_clips_are_cut_evenly():
    clips = [np.zeros((length, 8, 8, 3), np.uint8) for length in (70, 30, 1)]
    assert [len(part) for part in parts(clips, 30)] == [24, 23, 23, 30, 1]
    assert [len(part) for part in parts(clips, None)] == [70, 30, 1]


def test_the_default_recipe_learns_motion_before_pictures():
    stages = default_stages()
    order = list(dict.fromkeys(stage.phase for stage in stages))
    assert order == [Phase.POSE, Phase.MOTION, Phase.JOINT, Phase.EXPAND]
    assert sum(stage.steps for stage in default_stages(scale=0.1)) < sum(s.steps for s in stages)
