"""Which model codes a stream, where that is left to its first frames."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np
import numpy.typing as npt

from gvc.codec.pipeline import share
from gvc.codec.settings import EncoderSettings
from gvc.model import models
from gvc.model.device import set_threads
from gvc.model.distance import Distance
from gvc.model.trial import mean_distance
from gvc.model.weights import Weights

#: Another model than the first has to come closer than this share of its distance.
_MARGIN = 0.98


def is_open(settings: EncoderSettings) -> bool:
    """Whether frames have to be looked at.

    Whoever gives weights, or a speaker pack, which belongs to weights, leaves nothing open.
    """
    return settings.model == models.AUTO and settings.weights is None and settings.pack is None


def choose_model(
    pictures: Sequence[npt.NDArray[np.uint8]],
    candidates: Mapping[str, Weights],
    settings: EncoderSettings,
    distance: Distance,
) -> str:
    """The name of the model that makes most of some pictures.

    :param pictures: RGB uint8 of the coded size, in order, some time apart.
    :param candidates: weights by name; others than the first have to be clearly better.
    :param distance: what says how far those that a model makes are from them.
    """
    first = next(iter(candidates))
    if len(pictures) < 2:
        return first
    # The same as when the stream is coded, for the same results.
    set_threads(share(settings.threads, side_by_side=settings.device == "cpu").each)
    found = {
        name: mean_distance(weights, pictures, distance, device=settings.device)
        for name, weights in candidates.items()
    }
    best = min(found, key=lambda name: found[name])
    return best if found[best] < _MARGIN * found[first] else first
