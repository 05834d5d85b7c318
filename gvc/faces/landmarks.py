"""Points of a face by MediaPipe, for measuring; encoders need none of this.

Version 0.10.21, the last whose wheel carries its models (extra ``faces``).
"""

from __future__ import annotations

import importlib
from typing import Any, Self

import numpy as np
import numpy.typing as npt

from gvc.errors import UnsupportedError

#: Numbers of the mesh's points: corners of either eye, those on the left of the picture first, tip
#: of the nose, corners of the mouth.
_EYES, _NOSE, _MOUTH = ((33, 133), (362, 263)), 1, (61, 291)

#: Those above and below where either eye, and the mouth, opens.
_LIDS, _LIPS = ((159, 145), (386, 374)), (13, 14)

#: The middle of either iris, in the mesh that has irises.
_IRISES = (468, 473)

#: How far beyond a found face the mesh is looked for, in sides of its box: tried one by one.
_AROUND = (0.6, 0.25, 1.2)


class FacePoints:
    """Finds what :class:`gvc.metrics.FaceEmbedding` aligns by, and what opens; a context manager.

    :raises UnsupportedError: if MediaPipe does not work on this machine.
    """

    def __init__(self) -> None:
        try:
            # Without it, MediaPipe writes to standard error before it fails.
            importlib.import_module("google.protobuf")
            solutions: Any = importlib.import_module("mediapipe").solutions
            self._detection = solutions.face_detection.FaceDetection(
                model_selection=1, min_detection_confidence=0.4
            )
            face_mesh = solutions.face_mesh.FaceMesh
            self._mesh = face_mesh(static_image_mode=True, max_num_faces=1)
            # Another network, whose lids lie elsewhere: what is measured of lids stays comparable.
            self._irises = face_mesh(static_image_mode=True, max_num_faces=1, refine_landmarks=True)
        except (ImportError, AttributeError) as error:
            # The second comes of a version of protobuf that it does not know.
            raise UnsupportedError(
                f"points of faces need MediaPipe, which does not work here: {error}",
                hint="pip install 'gvc[faces]'",
            ) from error

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        """Release the networks."""
        self._mesh.close()
        self._irises.close()
        self._detection.close()

    def find(self, picture: npt.NDArray[np.uint8]) -> npt.NDArray[np.float64] | None:
        """Points of the largest face in an RGB picture uint8 [H, W, 3].

        :returns: eyes, tip of the nose and corners of the mouth, those on the left of the picture
            first, x and y in pixels, [5, 2]; None without a face.
        """
        mesh = self._find_mesh(picture, self._mesh)
        if mesh is None:
            return None
        points = [mesh[list(eye)].mean(axis=0) for eye in _EYES]
        return np.array([*points, *(mesh[number] for number in (_NOSE, *_MOUTH))])

    def openings(self, picture: npt.NDArray[np.uint8]) -> tuple[float, float] | None:
        """How far the eyes (their mean) and the mouth of the largest face are open.

        :param picture: RGB uint8 [H, W, 3].
        :returns: each over its width, about 0 to 1; None without a face.
        """
        mesh = self._find_mesh(picture, self._mesh)
        if mesh is None:
            return None

        def ratio(across: tuple[int, int], along: tuple[int, int]) -> float:
            (top, bottom), (left, right) = mesh[list(across)], mesh[list(along)]
            return float(np.linalg.norm(top - bottom) / np.linalg.norm(left - right))

        eyes = [ratio(lids, corners) for lids, corners in zip(_LIDS, _EYES, strict=True)]
        return sum(eyes) / len(eyes), ratio(_LIPS, _MOUTH)

    def gaze(self, picture: npt.NDArray[np.uint8]) -> tuple[float, float] | None:
        """Where the irises of the largest face are between the corners of their eyes.

        :param picture: RGB uint8 [H, W, 3].
        :returns: along the eye and across it, from its middle, over its width (mean of both eyes);
            None without a face.
        """
        mesh = self._find_mesh(picture, self._irises)
        if mesh is None:
            return None
        places = []
        for iris, (one, other) in zip(_IRISES, _EYES, strict=True):
            # From left to right in the picture, whichever eye it is.
            left, right = sorted((mesh[one], mesh[other]), key=lambda corner: corner[0])
            along = right - left
            from_middle = mesh[iris] - (left + right) / 2
            across = np.array((-along[1], along[0]))
            places.append((from_middle @ along, from_middle @ across) / (along @ along))
        x, y = np.mean(places, axis=0)
        return float(x), float(y)

    def _find_mesh(
        self, picture: npt.NDArray[np.uint8], network: Any
    ) -> npt.NDArray[np.float64] | None:
        """All points that ``network`` finds of the largest face, x and y in pixels, [N, 2]."""
        height, width = picture.shape[:2]
        boxes = [
            each.location_data.relative_bounding_box
            for each in self._detection.process(np.ascontiguousarray(picture)).detections or ()
        ]
        if not boxes:
            return None
        box = max(boxes, key=lambda box: box.width * box.height)
        side = max(box.width * width, box.height * height)
        middle = np.array([box.xmin + box.width / 2, box.ymin + box.height / 2]) * (width, height)
        for around in _AROUND:
            mesh = self._in_part(picture, middle, (0.5 + around) * side, network)
            if mesh is not None:
                return mesh
        return None

    def _in_part(
        self,
        picture: npt.NDArray[np.uint8],
        middle: npt.NDArray[np.float64],
        half: float,
        network: Any,
    ) -> npt.NDArray[np.float64] | None:
        """The points in a square of which one side is twice ``half``, black beyond the picture."""
        left, top = np.floor(middle - half).astype(int)
        side = max(2, round(2 * half))
        part = np.zeros((side, side, 3), np.uint8)
        seen = picture[max(0, top) : max(0, top + side), max(0, left) : max(0, left + side)]
        down, across = max(0, -top), max(0, -left)
        part[down : down + seen.shape[0], across : across + seen.shape[1]] = seen
        for face in network.process(part).multi_face_landmarks or ():
            mesh = np.array([(point.x, point.y) for point in face.landmark])
            return mesh * side + (left, top)
        return None
