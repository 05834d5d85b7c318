"""Models by name, and which of them the first frames of a stream choose."""

from __future__ import annotations

import io
from pathlib import Path

import numpy as np
import pytest
import torch
from conftest import draw_head, run_gvc, write_pictures
from test_group_planner import coded

import gvc
from gvc.bitstream import VideoHeader
from gvc.codec.model_choice import choose_model
from gvc.codec.settings import EncoderSettings
from gvc.codec.summary import summarise
from gvc.errors import UsageError
from gvc.model import models, priors, ranges, weights
from gvc.model.distance import Distance
from gvc.model.mttf import Mttf, weights_of
from gvc.model.profiles import LITE


@pytest.fixture(scope="module")
def untrained() -> weights.Weights:
    torch.manual_seed(0)
    return weights_of(Mttf(LITE))


def chosen(candidates: dict[str, weights.Weights], pictures: list[np.ndarray]) -> str:
    return choose_model(pictures, candidates, EncoderSettings(threads=1), Distance.load())


def test_the_model_that_makes_most_of_the_pictures_is_chosen(untrained):
    shipped = models.weights_for("face")
    pictures = [draw_head(8 * index, 128, 128) for index in range(3)]
    assert chosen({"bad": untrained, "good": shipped}, pictures) == "good"
    assert chosen({"good": shipped, "bad": untrained}, pictures) == "good"
    assert chosen({"one": shipped, "same": shipped}, pictures) == "one"
    # A still picture says nothing of how anything moves.
    assert chosen({"bad": untrained, "good": shipped}, pictures[:1]) == "bad"


def made_with(data: bytes) -> VideoHeader:
    return summarise(io.BytesIO(data)).header.video


@pytest.mark.parametrize("model", models.NAMES)
def test_files_say_which_weights_they_need_and_decode_without_a_name(model):
    pictures = [draw_head(2 * index, 128, 128) for index in range(6)]
    data = coded(pictures, model=model)
    assert made_with(data).weights == models.weights_for(model).fingerprint
    with gvc.open(io.BytesIO(data), threads=2) as container:
        assert len(list(container.decode(video=0))) == 6


@pytest.mark.parametrize("count", [1, 6, 60])
def test_what_auto_chooses_is_coded_as_if_it_had_been_asked_for(count):
    pictures = [draw_head(index, 128, 128) for index in range(count)]
    data = coded(pictures, model="auto")
    names = {models.weights_for(name).fingerprint: name for name in models.NAMES}
    assert data == coded(pictures, model=names[made_with(data).weights])


def test_the_models_that_ship_are_two_and_have_priors_ranges_and_cards():
    face, body = (models.weights_for(name) for name in (models.FACE, models.BODY))
    assert face.fingerprint != body.fingerprint
    for each in (face, body):
        prior = priors.belonging_to(each.fingerprint)
        assert prior is not None
        assert ranges.belonging_to(each.fingerprint) is not None
    assert {path.name for path in weights.PRETRAINED.glob("*.md")} >= {
        "face.md",
        "body.md",
        "lite.md",
    }


def test_the_command_line_takes_a_name(tmp_path: Path):
    source = write_pictures(tmp_path / "in.mkv", [draw_head(i, 128, 128) for i in range(4)])
    done = run_gvc("encode", "-q", source, tmp_path / "out.gvc", "--model", "body")
    assert done.returncode == 0, done.stderr
    data = (tmp_path / "out.gvc").read_bytes()
    assert made_with(data).weights == models.weights_for("body").fingerprint
    refused = run_gvc("encode", "-y", source, tmp_path / "out.gvc", "--model", "dog")
    assert refused.returncode == 2
    assert b"face, body" in refused.stderr
    with pytest.raises(UsageError, match="no model is called 'dog'"):
        models.weights_for("dog")
