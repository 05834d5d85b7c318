"""What the weights that ship were trained by: named settings of a run."""

from __future__ import annotations

from typing import Any

from gvc.clips import Kind
from gvc.errors import UsageError
from gvc.model.weights import PRETRAINED
from gvc.training.losses import LossWeights
from gvc.training.pairs import BatchShape, Sampling
from gvc.training.settings import Phase, Stage, TrainingSettings

#: Losses until the detector knows roughly where faces are: expectations over maps that say nothing
#: yet are a poor teacher.
_FIND = LossWeights(heat=1.0, places=0.2, pose=0.0)

#: Losses from there on, as long as nothing but keypoints is learnt.
_FOLLOW = LossWeights(heat=0.5)


#: Losses in the end: what pictures look like, more than where landmarks are.
_LOOK = LossWeights(perceptual=2.0, flow=0.3, landmarks=0.7, places=0.3, heat=0.05, pose=0.3)

#: Losses for bodies: optical flow knows how arms move, landmarks only where faces are.
_LIMBS = LossWeights(
    flow=1.0, warped=2.0, landmarks=0.7, places=0.3, heat=0.05, pose=0.3, person=0.3
)

#: The same as soon as there are pictures.
_BODIES = LossWeights(
    perceptual=2.0, flow=0.5, landmarks=0.5, places=0.2, heat=0.05, pose=0.3, person=0.3
)

#: Losses for heads and bodies at once, likewise.
_BOTH = LossWeights(
    perceptual=2.0, flow=0.4, landmarks=0.6, places=0.25, heat=0.05, pose=0.3, person=0.3
)

#: Batches of pictures, and those of motion alone.
_SMALL, _MEDIUM = BatchShape(4, 4, 128), BatchShape(2, 3, 256)
_PAIRS = (BatchShape(6, 4, 128),)

#: The recipes by name.
RECIPES = ("face", "body", "further", "people")


def of_recipe(name: str, *, scale: float = 1.0, **options: Any) -> TrainingSettings:
    """The settings of a run by the recipe called ``name``.

    :param scale: lengthens or shortens every stage. :param options: what else there is to set;
        ``initial`` None leaves the weights to begin with to the recipe.
    :raises UsageError: if there is none of that name.
    """
    if name == "face":
        return TrainingSettings(stages=default_stages(scale=scale), **options)
    if name == "body":
        return _body(scale, **options)
    if name == "further":
        return _further(scale, **options)
    if name == "people":
        return _people(scale, **options)
    raise UsageError(f"no recipe is called {name!r}", hint=", ".join(RECIPES))


def _body(scale: float, **options: Any) -> TrainingSettings:
    """From the first weights for talking heads to those for bodies."""
    initial = options.pop("initial", None) or PRETRAINED / "lite.safetensors"
    return TrainingSettings(
        stages=body_stages(scale=scale),
        initial=initial,
        # Bodies move far: what is seen seconds apart has little to do with each other.
        sampling=Sampling(bodies=0.75, shares=(0.05, 0.1, 0.1), near=20.0, least_person=0.125),
        judged=(Kind.BODY,),
        part=30,
        validate_every=50,
        **options,
    )


def _further(scale: float, **options: Any) -> TrainingSettings:
    """From the weights for bodies, whose silent units are made live, to better ones for all."""
    initial = options.pop("initial", None) or PRETRAINED / "body.safetensors"
    return TrainingSettings(
        stages=further_stages(scale=scale),
        initial=initial,
        sampling=Sampling(bodies=0.25, shares=(0.2, 0.25, 0.2), near=120.0, least_person=0.125),
        judged=(Kind.TALKING_HEAD, Kind.BODY),
        part=30,
        validate_every=100,
        **{**options, "revive": True},
    )


def _people(scale: float, **options: Any) -> TrainingSettings:
    """On from weights for faces that have seen many more people, with restored key frames."""
    initial = options.pop("initial", None) or PRETRAINED / "people.safetensors"
    stages = (Stage(Phase.JOINT, _steps(scale, 3000), (_MEDIUM, _SMALL), 4e-4, 1e-5, losses=_BOTH),)
    return TrainingSettings(
        stages=stages,
        initial=initial,
        sampling=Sampling(bodies=0.2, shares=(0.25, 0.3, 0.15), near=120.0, least_person=0.125),
        judged=(Kind.TALKING_HEAD, Kind.BODY),
        part=30,
        validate_every=150,
        **options,
    )


def default_stages(*, scale: float = 1.0) -> tuple[Stage, ...]:
    """The stages of weights for talking heads, from random ones."""
    faces = (BatchShape(6, 5, 128),)
    return (
        Stage(Phase.POSE, _steps(scale, 400), faces, 2e-3, 2e-3, frozen_norms=False, losses=_FIND),
        Stage(
            Phase.POSE, _steps(scale, 1000), faces, 2e-3, 1e-3, frozen_norms=False, losses=_FOLLOW
        ),
        Stage(Phase.POSE, _steps(scale, 400), faces, 8e-4, 4e-4, losses=_FOLLOW),
        Stage(Phase.MOTION, _steps(scale, 200), _PAIRS, 1e-3, 1e-3, frozen_norms=False),
        Stage(Phase.MOTION, _steps(scale, 450), _PAIRS, 1e-3, 3e-4),
        Stage(Phase.JOINT, _steps(scale, 1000), (_MEDIUM, _SMALL, _MEDIUM), 5e-4, 2e-5),
        Stage(
            Phase.JOINT, _steps(scale, 1500), (_MEDIUM, _SMALL, _MEDIUM), 4e-4, 1e-5, losses=_LOOK
        ),
        Stage(Phase.EXPAND, _steps(scale, 60), (BatchShape(1, 2, 512),), 4e-4, 1e-4),
    )


def body_stages(*, scale: float = 1.0) -> tuple[Stage, ...]:
    """The stages of weights for bodies, from those for talking heads."""
    return (
        Stage(Phase.MOTION, _steps(scale, 400), _PAIRS, 8e-4, 3e-4, losses=_LIMBS),
        Stage(Phase.JOINT, _steps(scale, 800), (_MEDIUM, _SMALL), 4e-4, 1e-5, losses=_BODIES),
    )


def further_stages(*, scale: float = 1.0) -> tuple[Stage, ...]:
    """The stages of weights for heads and bodies alike; the learning rate starts anew once."""
    return (
        Stage(Phase.MOTION, _steps(scale, 200), _PAIRS, 8e-4, 3e-4, losses=_LIMBS),
        Stage(Phase.JOINT, _steps(scale, 700), (_MEDIUM, _SMALL), 4e-4, 1e-5, losses=_BOTH),
        Stage(Phase.JOINT, _steps(scale, 1500), (_MEDIUM, _SMALL), 4e-4, 1e-5, losses=_BOTH),
    )


def _steps(scale: float, count: int) -> int:
    return max(1, round(count * scale))
