"""Where the face is: landmarks and mattes of the training clips, found once and kept.

MediaPipe finds them (version 0.10.21, the last whose wheel carries its models; extra ``faces``).
They teach motion that optical flow misses: lids, lips, and heads that turn far. Coding needs none
of this.
"""

from __future__ import annotations

import importlib.util
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import cv2
import numpy as np
import numpy.typing as npt

from gvc.clips import Clip
from gvc.errors import UnsupportedError
from gvc.training.clips import cached

#: Points of MediaPipe's face mesh with irises.
LANDMARKS = 478

#: Side of the mattes.
MATTE_SIDE = 64

# Numbers of the mesh's points, by MediaPipe's canonical face model.
_RIGHT_EYE = (33, 7, 163, 144, 145, 153, 154, 155, 133, 173, 157, 158, 159, 160, 161, 246)
_LEFT_EYE = (263, 249, 390, 373, 374, 380, 381, 382, 362, 398, 384, 385, 386, 387, 388, 466)
_MOUTH = (61, 146, 91, 181, 84, 17, 314, 405, 321, 375, 291, 409, 270, 269, 267, 0, 37, 39, 40, 185)
_INNER_LIPS: tuple[int, ...] = (
    *(78, 95, 88, 178, 87, 14, 317, 402, 318, 324),
    *(308, 415, 310, 311, 312, 13, 82, 81, 80, 191),
)
_RIGHT_BROW_AND_IRIS, _LEFT_BROW_AND_IRIS = (
    (468, 70, 63, 105, 66, 107),
    (473, 300, 293, 334, 296, 336),
)
_MIDDLE = (1, 2, 6, 168, 0, 17, 13, 14, 152, 10)
_PAIRS = (
    *(
        (33, 263),
        (133, 362),
        (160, 387),
        (159, 386),
        (158, 385),
        (144, 373),
        (145, 374),
        (153, 380),
    ),
    *((468, 473), (70, 300), (105, 334), (107, 336)),
    *((61, 291), (37, 267), (40, 270), (84, 314), (91, 321)),
    *((78, 308), (81, 311), (178, 402), (98, 327)),
    *((148, 377), (136, 365), (58, 288), (127, 356), (103, 332)),
)

#: Points whose movement sums up a face's: those on its middle line, then pairs of right and left.
KEYPOINTS: tuple[int, ...] = (*_MIDDLE, *(point for pair in _PAIRS for point in pair))

#: Where each of :data:`KEYPOINTS` is found in a mirrored picture.
MIRRORED: tuple[int, ...] = (*_MIDDLE, *(point for pair in _PAIRS for point in reversed(pair)))

#: Points of the mesh whose places relative to each other make an expression: mouth and eyes.
EXPRESSIVE: tuple[tuple[int, ...], ...] = (
    (*_MOUTH, *_INNER_LIPS),
    (*_RIGHT_EYE, *_RIGHT_BROW_AND_IRIS),
    (*_LEFT_EYE, *_LEFT_BROW_AND_IRIS),
)

#: Points that meet when eyes and mouth close: those above, and those below.
MEETING: tuple[tuple[int, ...], tuple[int, ...]] = (
    (158, 159, 160, 385, 386, 387, 13, 81, 311),
    (144, 145, 153, 373, 374, 380, 14, 178, 402),
)

#: The same as places in :data:`KEYPOINTS`.
EXPRESSIVE_KEYPOINTS: tuple[tuple[int, ...], ...] = tuple(
    tuple(place for place, point in enumerate(KEYPOINTS) if point in group) for group in EXPRESSIVE
)


@dataclass(frozen=True, slots=True)
class Faces:
    """What is known of one clip's pictures.

    :param landmarks: (x, y) in normalised coordinates, float16 [F, 478, 2]; NaN without a face.
    :param matte: person (255) and background (0), uint8 [F, 64, 64].
    """

    landmarks: npt.NDArray[np.float16]
    matte: npt.NDArray[np.uint8]


def load_faces(
    clips: Sequence[Clip], frames: Sequence[npt.NDArray[np.uint8]], cache: Path, *, size: int = 256
) -> list[Faces]:
    """The faces of ``clips``; what is not in ``cache`` yet is looked for now.

    :raises UnsupportedError: if faces have to be found and MediaPipe is not installed.
    """
    loaded = []
    for clip, pictures in zip(clips, frames, strict=True):

        def find(pictures: npt.NDArray[np.uint8] = pictures) -> dict[str, npt.NDArray[np.generic]]:
            found = find_faces(pictures)
            return {"landmarks": found.landmarks, "matte": found.matte}

        arrays = cached(cache / f"{clip.path.stem}-{size}-faces.npz", find)
        loaded.append(Faces(arrays["landmarks"], arrays["matte"]))
    return loaded


def find_faces(pictures: npt.NDArray[np.uint8]) -> Faces:
    """Find the largest face, and the person, in consecutive RGB pictures [F, H, W, 3]."""
    if importlib.util.find_spec("mediapipe") is None:
        raise UnsupportedError(
            "finding faces needs MediaPipe, which is not installed",
            hint="pip install 'gvc[faces]', or train with --no-faces",
        )
    import mediapipe

    landmarks = np.full((len(pictures), LANDMARKS, 2), np.nan, np.float16)
    matte = np.zeros((len(pictures), MATTE_SIDE, MATTE_SIDE), np.uint8)
    solutions = mediapipe.solutions
    with (
        solutions.face_mesh.FaceMesh(max_num_faces=1, refine_landmarks=True) as mesh,
        solutions.selfie_segmentation.SelfieSegmentation(model_selection=0) as segmentation,
    ):
        for index, picture in enumerate(np.ascontiguousarray(pictures)):
            for face in mesh.process(picture).multi_face_landmarks or ():
                points = np.array([(point.x, point.y) for point in face.landmark])
                landmarks[index] = points * 2 - 1
            person = segmentation.process(picture).segmentation_mask
            small = cv2.resize(person, (MATTE_SIDE, MATTE_SIDE), interpolation=cv2.INTER_AREA)
            matte[index] = np.rint(small * 255)
    return Faces(landmarks, matte)


def no_faces(frames: Sequence[npt.NDArray[np.uint8]]) -> list[Faces]:
    """Nothing known of any picture."""
    return [
        Faces(
            np.full((len(pictures), LANDMARKS, 2), np.nan, np.float16),
            np.zeros((len(pictures), MATTE_SIDE, MATTE_SIDE), np.uint8),
        )
        for pictures in frames
    ]


def openings(landmarks: npt.NDArray[np.floating]) -> npt.NDArray[np.float32]:
    """How far eyes (their mean) and mouth are open, over their widths: [F, 2]; NaN without a face.

    :param landmarks: [F, 478, 2] in normalised coordinates.
    """

    def over(upper: int, lower: int, right: int, left: int) -> npt.NDArray[np.floating]:
        height = np.linalg.norm(landmarks[:, upper] - landmarks[:, lower], axis=1)
        width = np.linalg.norm(landmarks[:, right] - landmarks[:, left], axis=1)
        return np.asarray(height / np.maximum(width, 1e-3))

    eyes = (over(159, 145, 33, 133) + over(386, 374, 362, 263)) / 2
    return np.stack([eyes, over(13, 14, 61, 291)], axis=1).astype(np.float32)


def features_map(landmarks: npt.NDArray[np.float32], side: int) -> npt.NDArray[np.uint8]:
    """Where eyes and mouth are: 255 there and close by, 0 elsewhere, uint8 [side, side].

    :param landmarks: [478, 2] in normalised coordinates; NaN gives an empty map.
    """
    drawn = np.zeros((side, side), np.uint8)
    if not np.isfinite(landmarks).all():
        return drawn
    for outline in (_RIGHT_EYE, _LEFT_EYE, _MOUTH):
        points = np.rint((landmarks[list(outline)] + 1) * side / 2 - 0.5).astype(np.int32)
        cv2.fillConvexPoly(drawn, cv2.convexHull(points), 255)
    return np.asarray(cv2.dilate(drawn, np.ones((5, 5), np.uint8)), dtype=np.uint8)
