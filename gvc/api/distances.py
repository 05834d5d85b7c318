"""Perceptual distances by name, for encoders."""

from __future__ import annotations

from gvc.codec.settings import EncoderSettings
from gvc.metrics import Lpips
from gvc.model.device import select_device
from gvc.model.distance import Distance


def distance_of(settings: EncoderSettings) -> Distance:
    """What ``settings`` name.

    :raises WeightsError: if its weights are not on this machine.
    :raises UsageError: if this machine has no such device.
    """
    if settings.distance == "lpips":
        network = Lpips("squeeze", settings.metric_weights)
        return Distance(network.to(select_device(settings.device)), device=settings.device)
    return Distance.load(device=settings.device)
