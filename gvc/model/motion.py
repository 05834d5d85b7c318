"""From a key latent and two motion codes to dense motion (paper, sections III-B and III-C)."""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor, nn

from gvc.model.keypoints import KEYPOINTS, FaceMotion, KeypointDetector, Keypoints
from gvc.model.layers import (
    ConvBlock,
    GeneralisedDivisiveNorm,
    UNet,
    identity_grid,
    resize,
)
from gvc.model.profiles import Profile
from gvc.ops import mix_flows, warp_by_flow, warp_by_flows


@dataclass(frozen=True, slots=True)
class DenseMotion:
    """What moves where; displacements are (x, y) in normalised coordinates of the key frame.

    :param foreground: m_fg less the identity, [N, 2, S', S'] (eq. 14).
    :param background: m_bg less the identity, [N, 2, S, S] (eq. 15).
    :param occlusion: occ_fg in [0, 1], [N, 1, S, S] (eq. 16); 1 keeps the warped key frame.
    :param person: logits of where the person is, [N, 1, S, S]: M_fg without its details.
    :param labels: which part of a face is where, [N, LABELS, S', S'].
    :param origin: whether the key frame shows the person where m_fg fetches from, and at the same
        place, in [0, 1], [N, 2, S, S]. Where a still background would be fetched from the person,
        that person has uncovered what no key frame shows.
    """

    foreground: Tensor
    background: Tensor
    occlusion: Tensor
    person: Tensor
    labels: Tensor
    origin: Tensor


def sample(features: Tensor, displacement: Tensor) -> Tensor:
    """Warp ``features`` [1 or N, C, H, W] by ``displacement`` [N, 2, h, w], resized to H×W."""
    return warp_by_flow(features, displacement)


def _with_position(features: Tensor) -> Tensor:
    """``features`` [N, C, H, W] and where each of them is, (x, y) in two more channels.

    Turning and zooming are linear in the position, which convolutions alone can only guess.
    """
    height, width = features.shape[-2:]
    position = identity_grid(height, width, features)
    return torch.cat([features, position.expand(len(features), -1, -1, -1)], dim=1)


@dataclass(frozen=True, slots=True)
class Analysis:
    """What E_F makes of a frame.

    :param latent: L, [N, N_F, S, S].
    :param keypoints: where the face is.
    :param person: logits of where the person is, [N, 1, 2·S, 2·S].
    """

    latent: Tensor
    keypoints: Keypoints
    person: Tensor


class FeatureExtractor(nn.Module):
    """E_F: a frame, resized to a fixed square, to its latent L (shared by key and inter frames)."""

    def __init__(self, profile: Profile) -> None:
        super().__init__()
        self.analysis_size = profile.analysis_size
        self.fold = nn.PixelUnshuffle(profile.analysis_fold)
        channels = 3 * profile.analysis_fold**2 + 2
        stem: list[nn.Module] = []
        for depth, width in enumerate(profile.stem_widths):
            stem.append(ConvBlock(channels, width, norm=True, halve=depth > 0))
            channels = width
        self.stem = nn.Sequential(*stem)
        self.network = UNet(channels, profile.extractor_widths, strided=profile.strided)
        self.head = nn.Conv2d(self.network.out_channels, profile.features, 3, padding=1)
        self.detector = KeypointDetector(self.network.out_channels)
        self.person = nn.Sequential(
            nn.Conv2d(self.network.out_channels, 4, 3, padding=1), nn.PixelShuffle(2)
        )

    def forward(self, frame: Tensor) -> Analysis:
        """Analyse RGB [N, 3, H, W] in [0, 1]."""
        frame = resize(frame, self.analysis_size, self.analysis_size)
        features = self.network(self.stem(_with_position(self.fold(frame - 0.5))))
        return Analysis(self.head(features), self.detector(features), self.person(features))


class CodePredictor(nn.Module):
    """E_W or E_B: strided convolutions with GDN, latent to N_F numbers (eq. 5 and 6).

    A linear map of the keypoints is added to what the convolutions say.
    """

    def __init__(self, profile: Profile) -> None:
        super().__init__()
        layers: list[nn.Module] = []
        channels, size = profile.features + 2, profile.latent_size
        for width in profile.code_widths:
            layers += [
                nn.Conv2d(channels, width, 3, stride=2, padding=1),
                GeneralisedDivisiveNorm(width),
            ]
            channels, size = width, size // 2
        self.layers = nn.Sequential(*layers)
        self.head = nn.Conv2d(channels, profile.features, size)
        self.keypoints = nn.Linear(2 * KEYPOINTS, profile.features)

    def forward(self, analysis: Analysis) -> Tensor:
        """Map what E_F made of N frames to [N, N_F]."""
        code = self.head(self.layers(_with_position(analysis.latent))).flatten(1)
        return code + self.keypoints(analysis.keypoints.points.flatten(1))

    @torch.no_grad()
    def begin_with(self, directions: Tensor) -> None:
        """Begin as linear functions of the keypoints with these weights, [N_F, 2·K]."""
        self.keypoints.weight.copy_(directions)
        self.keypoints.bias.zero_()
        # What the convolutions say of keypoints is noise as yet.
        self.head.weight.mul_(0.1)


class MotionCoder(nn.Module):
    """E_W beside E_B, and the scale on which their codes are sent.

    Codes differ far more between recordings than within one, and only what differs within a group
    moves anything. ``spread`` is the unit in which each coefficient is sent, so that one quantiser
    step fits all: while training, how far an inter frame's lies from its key frame's in root mean
    square over the data; in the end, what makes errors of all coefficients hurt pictures alike.
    """

    spread: Tensor

    def __init__(self, profile: Profile) -> None:
        super().__init__()
        self.weights = CodePredictor(profile)
        self.biases = CodePredictor(profile)
        self.scale = nn.BatchNorm1d(profile.code_length, affine=False)
        self.register_buffer("spread", torch.ones(profile.code_length))

    def forward(self, analysis: Analysis) -> Tensor:
        """Map what E_F made of N frames to motion codes [N, 2·N_F]: weights w, then biases b."""
        return self.scale(torch.cat([self.weights(analysis), self.biases(analysis)], dim=1))

    @torch.no_grad()
    def begin_with(self, directions: Tensor, mean: Tensor, deviation: Tensor) -> None:
        """Let coefficients begin as linear functions of the keypoints.

        :param directions: one row of weights for each coefficient, [2·N_F, 2·K].
        :param mean: of each over the training data, [2·N_F]; :param deviation: likewise.
        """
        rows = directions.chunk(2)
        for predictor, row in zip((self.weights, self.biases), rows, strict=True):
            predictor.begin_with(row)
        assert self.scale.running_mean is not None
        assert self.scale.running_var is not None
        self.scale.running_mean.copy_(mean)
        self.scale.running_var.copy_(deviation**2)
        self.spread.copy_(1 / deviation)

    @torch.no_grad()
    def observe(self, difference: Tensor) -> None:
        """Let ``spread`` follow the differences [N, 2·N_F] of inter frames and key frames."""
        self.spread.lerp_(difference.float().square().mean(dim=0).sqrt() + 1e-4, 0.05)


def modulate(latent: Tensor, code: Tensor) -> Tensor:
    """Spatial feature transform of the key latent, F = w·L + b (eq. 7 and 8).

    :param latent: key latent, [N, N_F, S, S].
    :param code: motion code, [N, 2·N_F].
    """
    weight, bias = code[:, :, None, None].chunk(2, dim=1)
    return weight * latent + bias


class FlowPredictor(nn.Module):
    """FL: motion fields to 2·N_F coarse flows (eq. 9)."""

    def __init__(self, profile: Profile) -> None:
        super().__init__()
        self.flows = profile.flows
        self.network = UNet(
            profile.motion_widths[0], profile.motion_widths, strided=profile.strided
        )
        self.head = nn.Conv2d(self.network.out_channels, 2 * profile.flows, 3, padding=1)
        nn.init.normal_(self.head.weight, std=1e-3)
        # Components that begin alike would learn alike.
        self.head.bias = nn.Parameter(1e-2 * torch.randn(2 * profile.flows))

    def forward(self, fields: Tensor) -> Tensor:
        """Map folded fields [N, C, s, s] to displacements [N, 2·N_F, 2, s, s]."""
        return self.head(self.network(fields)).unflatten(1, (self.flows, 2))


class WeightPredictor(nn.Module):
    """W: motion fields and the deformed key thumbnails to weights and occlusion (eq. 11 and 16).

    It also says where the person is, which takes knowing what moves.
    """

    def __init__(self, profile: Profile) -> None:
        super().__init__()
        width = profile.motion_widths[0]
        self.deformed = nn.Conv2d(4 * profile.flows, width, 3, padding=1)
        self.network = UNet(width, profile.motion_widths, strided=profile.strided)
        self.fuse = ConvBlock(self.network.out_channels, width, norm=True)
        maps = (profile.flows + 2) * profile.weight_scale**2
        self.head = nn.Conv2d(width, maps, 3, padding=1)
        # Faces move as their keypoints do unless the network finds otherwise.
        bias = torch.zeros(maps)
        bias[: profile.face_flows * profile.weight_scale**2] = 1.5
        self.head.bias = nn.Parameter(bias)
        self.unfold = nn.PixelShuffle(profile.weight_scale)

    def forward(self, fields: Tensor, deformed: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        """Weigh the flows.

        :param fields: folded fields, [N, C, s, s].
        :param deformed: key thumbnail and person under each flow, [N, 4·2·N_F, s, s] (eq. 10).
        :returns: logits of the weights [N, 2·N_F, S, S], the occlusion [N, 1, S, S] and the person
            [N, 1, S, S].
        """
        features = self.network(fields + self.deformed(deformed))
        maps = self.unfold(self.head(self.fuse(features)))
        return maps[:, :-2], maps[:, -2:-1], maps[:, -1:]


class MotionEstimator(nn.Module):
    """Coarse-to-fine motion estimation (section III-C): fields to flows to dense motion."""

    def __init__(self, profile: Profile) -> None:
        super().__init__()
        self.profile = profile
        stride = profile.latent_size // profile.flow_size
        width = profile.motion_widths[0]
        # F_P − F_Î is what a motion code says; its scale varies by orders of magnitude between
        # channels, and without this norm the networks behind learn next to nothing.
        self.difference = nn.BatchNorm2d(profile.features)
        channels = 2 * profile.features + 3 + 2
        self.fold_flow = nn.Conv2d(channels, width, 3, stride=stride, padding=1)
        self.fold_weight = nn.Conv2d(channels, width, 3, stride=stride, padding=1)
        self.flow = FlowPredictor(profile)
        self.weight = WeightPredictor(profile)

    def forward(
        self,
        key_field: Tensor,
        inter_field: Tensor,
        thumbnail: Tensor,
        person: Tensor,
        face: FaceMotion,
    ) -> DenseMotion:
        """Estimate how the key frame moves to become the inter frame.

        :param key_field: F_Î, [N, N_F, S, S].
        :param inter_field: F_P, [N, N_F, S, S].
        :param thumbnail: D(Î), [N, 3, s, s] in [0, 1].
        :param person: where the person is in the key frame, [N, 1, S, S] in [0, 1].
        :param face: what the keypoints say; some foreground flows are relative to its motion.
        """
        change = self.difference(inter_field - key_field)
        # Displacements of a few hundredths, on the scale of the other channels.
        seen = torch.cat([10 * face.displacement, face.share], dim=1)
        seen = resize(seen, *key_field.shape[-2:])
        fields = _with_position(torch.cat([key_field, change, seen], dim=1))
        flows = self.flow(self.fold_flow(fields))
        carried = resize(face.displacement, *flows.shape[-2:])
        seen = torch.cat([thumbnail, resize(person, *thumbnail.shape[-2:])], dim=1)
        deformed = warp_by_flows(seen, flows, carried, self.profile.face_flows)
        logits, occlusion, moved = self.weight(self.fold_weight(fields), deformed)
        foreground, background = mix_flows(
            logits,
            flows,
            face.displacement,
            foreground=self.profile.flows - self.profile.background_flows,
            guided=self.profile.face_flows,
        )
        origin = torch.cat([sample(person, foreground), person], dim=1)
        return DenseMotion(
            foreground=foreground,
            background=background,
            occlusion=torch.sigmoid(occlusion),
            person=moved,
            labels=face.labels,
            origin=resize(origin, *logits.shape[-2:]),
        )
