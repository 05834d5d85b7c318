"""Everything that training batches are drawn from, brought together for one run."""

from __future__ import annotations

from collections.abc import Sequence

from gvc.clips import Clip
from gvc.model.restoration import load_restoration
from gvc.training.clips import load_frames
from gvc.training.coded_keys import CodedKeys, load_coded_keys
from gvc.training.faces import load_faces, no_faces
from gvc.training.pairs import Footage
from gvc.training.restoration import restore_keys
from gvc.training.settings import TrainingSettings


def load_footage(clips: Sequence[Clip], settings: TrainingSettings) -> Footage:
    """Load, and prepare where the cache lacks it, what ``settings`` ask for of ``clips``."""
    frames = load_frames(clips, settings.cache)
    faces = load_faces(clips, frames, settings.cache) if settings.faces else no_faces(frames)
    keys: Sequence[CodedKeys] = ()
    restored: Sequence[CodedKeys] = ()
    if settings.coded_keys:
        keys = load_coded_keys(clips, frames, settings.cache, seed=settings.seed)
        if settings.restoration is not None:
            network = load_restoration(settings.restoration)
            restored = [restore_keys(network, each) for each in keys]
    return Footage(clips, frames, faces, keys, restored)
