"""The whole network of the MTTF paper, as a training graph and as the parts that a codec runs.

::

    Î ──► E_F ──► L_Î ──► E_W, E_B ──► w_Î, b_Î ──┐
    P ──► E_F ──► L_P ──► E_W, E_B ──► w_P, b_P ══╪══ coded: 40 numbers a frame
                                                  ▼
              F_Î = w_Î·L_Î + b_Î, F_P = w_P·L_Î + b_P ──► FL ──► f ──► W ──► m_fg, m_bg, occ
              Î, m_fg, occ ──► foreground ──► P_fg, M ─┐
              D(Î), m_bg ────► background ──► P_bg ────┴──► P̂ = M·P_fg + (1 − M)·P_bg
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
from torch import Tensor, nn

from gvc.errors import WeightsError
from gvc.model.generator import BackgroundGenerator, ForegroundGenerator
from gvc.model.layers import resize
from gvc.model.motion import DenseMotion, FeatureExtractor, MotionCoder, MotionEstimator, modulate
from gvc.model.profiles import Profile, get_profile
from gvc.model.weights import Weights, fingerprint


@dataclass(frozen=True, slots=True)
class KeyState:
    """Everything that depends on the key frame alone, computed once for its group.

    :param picture: Î, RGB [N, 3, H, W] in [0, 1].
    :param thumbnail: D(Î), [N, 3, s, s].
    :param latent: L_Î, [N, N_F, S, S].
    :param field: F_Î, [N, N_F, S, S].
    :param features: the foreground encoder's features by depth.
    """

    picture: Tensor
    thumbnail: Tensor
    latent: Tensor
    field: Tensor
    features: list[Tensor]

    def repeat(self, times: int) -> KeyState:
        """Each key frame ``times`` times in a row, for as many inter frames of each."""
        return KeyState(
            picture=self.picture.repeat_interleave(times, dim=0),
            thumbnail=self.thumbnail.repeat_interleave(times, dim=0),
            latent=self.latent.repeat_interleave(times, dim=0),
            field=self.field.repeat_interleave(times, dim=0),
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

    :param latent: L_Î, [N, N_F, S, S].
    :param key_code: motion codes of the key frames, [N, 2·N_F].
    :param received: motion codes of the inter frames with their noise, [N·k, 2·N_F].
    :param change: ``received`` less the key frames' codes, [N·k, 2·N_F].
    """

    latent: Tensor
    key_code: Tensor
    received: Tensor
    change: Tensor


class Mttf(nn.Module):
    """Multi-granularity temporal trajectory factorization, for one :class:`Profile`."""

    def __init__(self, profile: Profile) -> None:
        super().__init__()
        self.profile = profile
        self.extractor = FeatureExtractor(profile)
        self.coder = MotionCoder(profile)
        self.motion = MotionEstimator(profile)
        self.foreground = ForegroundGenerator(profile)
        self.background = BackgroundGenerator(profile)

    def encode(self, frame: Tensor) -> tuple[Tensor, Tensor]:
        """Latent L [N, N_F, S, S] and motion code [N, 2·N_F] of RGB frames [N, 3, H, W]."""
        latent = self.extractor(frame)
        return latent, self.coder(latent)

    def key_state(self, key: Tensor, *, features: bool = True) -> KeyState:
        """Prepare key frames Î, RGB [N, 3, H, W] in [0, 1], H and W multiples of 16."""
        latent, code = self.encode(key)
        return self._key_state(key, latent, code, features=features)

    def _key_state(self, key: Tensor, latent: Tensor, code: Tensor, *, features: bool) -> KeyState:
        size = self.profile.flow_size
        return KeyState(
            picture=key,
            thumbnail=resize(key, size, size),
            latent=latent,
            field=modulate(latent, code),
            features=self.foreground.encode(key) if features else [],
        )

    def estimate(self, state: KeyState, code: Tensor) -> DenseMotion:
        """Dense motion from key frames to the inter frames with motion codes [N, 2·N_F].

        ``state`` holds one key frame, or as many as there are codes.
        """
        shape = (len(code), -1, -1, -1)
        latent, field = state.latent.expand(shape), state.field.expand(shape)
        return self.motion(field, modulate(latent, code), state.thumbnail.expand(shape))

    def synthesise(self, state: KeyState, code: Tensor) -> Synthesis:
        """Animate key frames by motion codes [N, 2·N_F]; see :meth:`estimate`."""
        motion = self.estimate(state, code)
        foreground, mask = self.foreground(state.picture, state.features, motion)
        background = self.background(state.picture, motion)
        picture = torch.lerp(background, foreground, mask)
        return Synthesis(picture, foreground, background, mask, motion)

    def forward(
        self, key: Tensor, frames: Tensor, *, noise: Tensor | None = None, generate: bool = True
    ) -> tuple[Synthesis | DenseMotion, Tensor]:
        """Training pass: several inter frames for each key frame.

        :param key: [N, 3, H, W]; :param frames: [N·k, 3, H, W], k in a row for each key frame.
        :param noise: added to the inter frames' motion codes in place of quantisation, [N·k, 2·N_F]
            in units of the coder's spread.
        :param generate: stop at the dense motion if False.
        :returns: the synthesis (or motion), and how far the received motion codes are from their
            key frames' [N·k, 2·N_F].
        """
        exchange = self.exchange(key, frames, noise=noise)
        times = len(frames) // len(key)
        state = self._key_state(key, exchange.latent, exchange.key_code, features=generate)
        state = state.repeat(times)
        if not generate:
            return self.estimate(state, exchange.received), exchange.change
        return self.synthesise(state, exchange.received), exchange.change

    def exchange(self, key: Tensor, frames: Tensor, *, noise: Tensor | None = None) -> Exchange:
        """What coder and decoder know of a training batch before any motion is estimated.

        Arguments are those of :meth:`forward`.
        """
        count = len(key)
        # One batch through E_F and the coder, so that their norms see both kinds of frame.
        size = self.profile.analysis_size
        both = torch.cat([resize(key, size, size), resize(frames, size, size)])
        latent, code = self.encode(both)
        sent = code[count:]
        origin = code[:count].repeat_interleave(len(frames) // count, dim=0)
        if self.training:
            self.coder.observe(sent - origin)
        received = sent if noise is None else sent + noise * self.coder.spread
        return Exchange(latent[:count], code[:count], received, received - origin)


def weights_of(network: Mttf) -> Weights:
    """The state of ``network`` as it is stored, in float16."""
    arrays = {
        name: np.ascontiguousarray(value.detach().cpu().numpy().astype(np.float16))
        for name, value in network.state_dict().items()
        if value.is_floating_point()
    }
    return Weights(network.profile.name, arrays, fingerprint(arrays))


def network_from(weights: Weights, *, path: Path | None = None) -> Mttf:
    """The network with these weights in float32, ready for inference.

    :param path: where they come from, for the message of an error.
    :raises WeightsError: if the tensors do not fit the profile that the file names.
    """
    network = Mttf(get_profile(weights.model))
    expected = {
        name: tuple(value.shape)
        for name, value in network.state_dict().items()
        if value.is_floating_point()
    }
    if {name: array.shape for name, array in weights.arrays.items()} != expected:
        raise WeightsError(f"tensors do not fit the model {weights.model!r}", path=path)
    state = {name: torch.from_numpy(array).float() for name, array in weights.arrays.items()}
    network.load_state_dict(state, strict=False)
    network.to(memory_format=torch.channels_last)  # type: ignore[call-overload]
    return network.eval().requires_grad_(False)
