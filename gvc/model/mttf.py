"""The whole network of the MTTF paper, as a training graph and as the parts that a codec runs.

::

    Î ──► E_F ──► L_Î ──► E_W, E_B ──► w_Î, b_Î ──┐
    P ──► E_F ──► L_P ──► E_W, E_B ──► w_P, b_P ══╪══ coded: 40 numbers a frame
                                                  ▼
              F_Î = w_Î·L_Î + b_Î, F_P = w_P·L_Î + b_P ──► FL ──► f ──► W ──► m_fg, m_bg, occ, M
              Î, m_fg, occ, M ──► foreground ► P_fg, M ┐
              D(Î), m_bg ────► background ──► P_bg ────┴──► P̂ = M·P_fg + (1 − M)·P_bg
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import torch
from torch import Tensor, nn

from gvc.model.generator import BackgroundGenerator, ForegroundGenerator
from gvc.model.keypoints import FaceMotion, KeypointMotion, Keypoints
from gvc.model.layers import resize
from gvc.model.motion import (
    Analysis,
    DenseMotion,
    FeatureExtractor,
    MotionCoder,
    MotionEstimator,
    modulate,
)
from gvc.model.network_weights import filled, stored
from gvc.model.profiles import Profile, get_profile
from gvc.model.weights import Weights
from gvc.ops import Branches, paint


@dataclass(frozen=True, slots=True)
class KeyState:
    """Everything that depends on the key frame alone, computed once for its group.

    :param picture: Î, RGB [N, 3, H, W] in [0, 1].
    :param thumbnail: D(Î), [N, 3, s, s].
    :param person: where the person is, [N, 1, S', S'] in [0, 1].
    :param latent: L_Î, [N, N_F, S, S].
    :param field: F_Î, [N, N_F, S, S].
    :param code: the motion code of the key frame itself, [N, 2·N_F].
    :param points: keypoints, [N, K, 2].
    :param features: the foreground encoder's features by depth.
    """

    picture: Tensor
    thumbnail: Tensor
    person: Tensor
    latent: Tensor
    field: Tensor
    code: Tensor
    points: Tensor
    features: list[Tensor]

    def repeat(self, times: int) -> KeyState:
        """Each key frame ``times`` times in a row, for as many inter frames of each."""
        return KeyState(
            picture=self.picture.repeat_interleave(times, dim=0),
            thumbnail=self.thumbnail.repeat_interleave(times, dim=0),
            person=self.person.repeat_interleave(times, dim=0),
            latent=self.latent.repeat_interleave(times, dim=0),
            field=self.field.repeat_interleave(times, dim=0),
            code=self.code.repeat_interleave(times, dim=0),
            points=self.points.repeat_interleave(times, dim=0),
            features=[tensor.repeat_interleave(times, dim=0) for tensor in self.features],
        )


@dataclass(frozen=True, slots=True)
class Synthesis:
    """A generated frame with what it was made from.

    :param picture: P̂, RGB [N, 3, H, W] in [0, 1] (eq. 23).
    :param foreground: P_fg, :param background: P_bg, both like ``picture``.
    :param mask: M_fg, [N, 1, H, W] in [0, 1].
    :param motion: the dense motion.
    """

    picture: Tensor
    foreground: Tensor
    background: Tensor
    mask: Tensor
    motion: DenseMotion


@dataclass(frozen=True, slots=True)
class Exchange:
    """What is known on both sides of a training batch.

    :param key: what E_F made of the key frames, N.
    :param key_code: motion codes of the key frames, [N, 2·N_F].
    :param keypoints: found in the key frames, then in the inter frames, N + N·k.
    :param person: logits of where the person is in them, [N + N·k, 1, 2·S, 2·S].
    :param received: motion codes of the inter frames with their noise, [N·k, 2·N_F].
    :param displacements: how far the keypoints of the key frames move according to the codes,
        [N·k, K, 2].
    """

    key: Analysis
    key_code: Tensor
    keypoints: Keypoints
    person: Tensor
    received: Tensor
    displacements: Tensor


class Mttf(nn.Module):
    """Multi-granularity temporal trajectory factorization, for one :class:`Profile`."""

    def __init__(self, profile: Profile) -> None:
        super().__init__()
        self.profile = profile
        self.extractor = FeatureExtractor(profile)
        self.coder = MotionCoder(profile)
        self.keypoint_motion = KeypointMotion(profile.code_length)
        self.motion = MotionEstimator(profile)
        self.foreground = ForegroundGenerator(profile)
        self.background = BackgroundGenerator(profile)

    def encode(self, frame: Tensor) -> tuple[Analysis, Tensor]:
        """What E_F makes of RGB frames [N, 3, H, W], and their motion codes [N, 2·N_F]."""
        analysis = self.extractor(frame)
        return analysis, self.coder(analysis)

    def key_state(self, key: Tensor, *, features: bool = True) -> KeyState:
        """Prepare key frames Î, RGB [N, 3, H, W] in [0, 1], H and W multiples of 16."""
        return self._key_state(key, *self.encode(key), features=features)

    def _key_state(
        self, key: Tensor, analysis: Analysis, code: Tensor, *, features: bool
    ) -> KeyState:
        size = self.profile.flow_size
        return KeyState(
            picture=key,
            thumbnail=resize(key, size, size),
            person=torch.sigmoid(analysis.person),
            latent=analysis.latent,
            field=modulate(analysis.latent, code),
            code=code,
            points=analysis.keypoints.points,
            features=self.foreground.encode(key) if features else [],
        )

    def estimate(self, state: KeyState, code: Tensor, *, size: int | None = None) -> DenseMotion:
        """Dense motion from key frames to the inter frames with motion codes [N, 2·N_F].

        :param state: of one key frame, or of as many as there are codes.
        :param size: S', side of m_fg, where another than the profile's will do.
        """
        shape = (len(code), -1, -1, -1)
        latent, field = state.latent.expand(shape), state.field.expand(shape)
        face = self.face_motion(state, code, size or self.profile.motion_size)
        return self.motion(
            field,
            modulate(latent, code),
            state.thumbnail.expand(shape),
            state.person.expand(shape),
            face,
        )

    def face_motion(self, state: KeyState, code: Tensor, size: int) -> FaceMotion:
        """What the keypoints alone say of the motion, on maps of ``size``; see :meth:`estimate`."""
        displacements = self.keypoint_motion.displacements(code - state.code)
        points = state.points.expand(len(code), -1, -1)
        face: FaceMotion = self.keypoint_motion(points, displacements, size)
        return face

    def synthesise(self, state: KeyState, code: Tensor) -> Synthesis:
        """Animate key frames by motion codes [N, 2·N_F]; see :meth:`estimate`."""
        motion = self.estimate(state, code)
        layers = paint(self.generate(state, motion))
        return Synthesis(
            layers.flatten(), layers.foreground, layers.background, layers.mask, motion
        )

    def generate(self, state: KeyState, motion: DenseMotion) -> Branches:
        """What both generators say of frames that move so."""
        return Branches(
            foreground=self.foreground(state.picture, state.features, motion),
            background=self.background(state.picture, motion),
            person=motion.person,
            key=state.picture,
            foreground_motion=motion.foreground,
            background_motion=motion.background,
        )

    def forward(
        self, key: Tensor, frames: Tensor, *, noise: Tensor | None = None, generate: bool = True
    ) -> tuple[Synthesis | DenseMotion, Exchange]:
        """Training pass: several inter frames for each key frame.

        :param key: [N, 3, H, W]; :param frames: [N·k, 3, H, W], k in a row for each key frame.
        :param noise: added to the inter frames' motion codes in place of quantisation, [N·k, 2·N_F]
            in units of the coder's spread.
        :param generate: stop at the dense motion if False.
        :returns: the synthesis (or motion), and what it was made from.
        """
        exchange = self.exchange(key, frames, noise=noise)
        times = len(frames) // len(key)
        state = self._key_state(key, exchange.key, exchange.key_code, features=generate)
        state = state.repeat(times)
        if not generate:
            return self.estimate(state, exchange.received), exchange
        return self.synthesise(state, exchange.received), exchange

    def exchange(self, key: Tensor, frames: Tensor, *, noise: Tensor | None = None) -> Exchange:
        """What coder and decoder know of a training batch before any motion is estimated.

        Arguments are those of :meth:`forward`.
        """
        count = len(key)
        # One batch through E_F and the coder, so that their norms see both kinds of frame.
        size = self.profile.analysis_size
        both = torch.cat([resize(key, size, size), resize(frames, size, size)])
        analysis, code = self.encode(both)
        sent = code[count:]
        origin = code[:count].repeat_interleave(len(frames) // count, dim=0)
        if self.training:
            self.coder.observe(sent - origin)
        received = sent if noise is None else sent + noise * self.coder.spread
        keypoints = analysis.keypoints
        own = Keypoints(keypoints.points[:count], keypoints.heat[:count])
        return Exchange(
            key=Analysis(analysis.latent[:count], own, analysis.person[:count]),
            key_code=code[:count],
            keypoints=keypoints,
            person=analysis.person,
            received=received,
            displacements=self.keypoint_motion.displacements(received - origin),
        )


def weights_of(network: Mttf) -> Weights:
    """The state of ``network`` as it is stored, in float16."""
    return stored(network, network.profile.name)


def network_from(weights: Weights, *, path: Path | None = None) -> Mttf:
    """The network with these weights in float32, ready for inference.

    :param path: where they come from, for the message of an error.
    :raises WeightsError: if the tensors do not fit the profile that the file names.
    """
    cause = f"tensors do not fit the model {weights.model!r}"
    return filled(Mttf(get_profile(weights.model)), weights, cause, path=path)
