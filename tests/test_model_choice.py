"""Models by name, and which of them the first frames of a stream choose."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from conftest import draw_head

from gvc.codec.model_choice import choose_model
from gvc.codec.settings import EncoderSettings
from gvc.model import models, weights
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
