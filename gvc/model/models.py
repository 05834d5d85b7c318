"""The models that ship, by name: each a set of weights for one kind of footage.

A *profile* (:mod:`gvc.model.profiles`) says what a network looks like; models are trained weights
of one. Both that ship are of ``lite``, and so is ``lite.safetensors``, which older files were made
with. Decoders do not need names: files say the fingerprint of the weights that they need.
"""

from __future__ import annotations

from pathlib import Path

from gvc.errors import UsageError
from gvc.model.profiles import profile_names
from gvc.model.weights import Weights, load_or_default

#: Talking heads.
FACE = "face"

#: Half bodies and whole ones, hands that talk.
BODY = "body"

#: The models that ship.
NAMES = (FACE, BODY)

#: In place of a name: one of the models, by what the first frames show.
AUTO = "auto"


def weights_for(model: str, path: Path | None = None) -> Weights:
    """The weights in ``path``, or, given None, those of ``model``.

    :param model: one of :data:`NAMES`, or of a profile: the weights that ship under its name.
    :raises UsageError: if nothing has that name.
    :raises WeightsError: if they cannot be read, or none ship.
    """
    if model not in (*NAMES, *profile_names()):
        raise UsageError(f"no model is called {model!r}", hint=f"one of: {', '.join(NAMES)}")
    return load_or_default(path, model)
