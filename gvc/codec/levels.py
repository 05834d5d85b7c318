"""Which entropy model codes the levels of a file, and with what."""

from __future__ import annotations

from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path

from gvc import entropy
from gvc.bitstream import VideoHeader
from gvc.codec.settings import EncoderSettings
from gvc.errors import InvalidDataError, UsageError, WeightsError
from gvc.model import priors
from gvc.model.profiles import get_profile
from gvc.model.weights import Weights


@dataclass(frozen=True, slots=True)
class LevelCoding:
    """The entropy model of one stream.

    :param model: its name. :param length: coefficients of a motion code.
    :param step: quantiser step. :param prior: trained integers, where the model needs them.
    """

    model: str
    length: int
    step: Fraction
    prior: priors.Prior | None = None

    @classmethod
    def for_encoder(cls, settings: EncoderSettings, weights: Weights) -> LevelCoding:
        """What a new file uses.

        :raises UsageError: if no model has that name.
        :raises WeightsError: if it needs a prior, and none was trained for these weights.
        """
        length = get_profile(weights.model).code_length
        model, step = settings.entropy_model, settings.step
        if model is not None and model not in entropy.names():
            raise UsageError(
                f"no entropy model is called {model!r}", hint=", ".join(entropy.names())
            )
        prior = None
        if model is None or entropy.needs_prior(model):
            prior = priors.belonging_to(weights.fingerprint, extra=settings.weights)
        if model is None:
            model = "adaptive" if prior is None else "learned"
        elif prior is None and entropy.needs_prior(model):
            raise WeightsError(
                f"there is no prior for the weights {weights.fingerprint.hex()}",
                hint="train one (gvc train-prior), or take --entropy adaptive",
            )
        return cls(model, length, step, prior)

    @classmethod
    def for_decoder(cls, header: VideoHeader, *, extra: Path | None) -> LevelCoding:
        """What the file with that header used.

        :param extra: a file or folder of weights beside which to look for priors first.
        :raises WeightsError: if the prior that the file was made with is not here, or does not fit.
        :raises UnsupportedError: if the model is not known.
        :raises InvalidDataError: if the header does not name the prior that the model needs.
        """
        prior = None
        if header.prior is not None:
            prior = priors.find(header.prior, extra=extra)
        elif entropy.needs_prior(header.entropy_model):
            raise InvalidDataError("the header does not say which prior codes the motion")
        coding = cls(header.entropy_model, header.code_length, header.motion_step, prior)
        coding.decoder(b"")  # What cannot be decoded is refused before anything is.
        return coding

    @property
    def fingerprint(self) -> bytes | None:
        """Of the prior; None where there is none."""
        return self.prior.fingerprint if self.prior is not None else None

    def encoder(self) -> entropy.MotionEncoder:
        """A new encoder for one group."""
        prior = self.prior.arrays if self.prior is not None else None
        return entropy.create_encoder(self.model, self.length, step=self.step, prior=prior)

    def decoder(self, data: bytes) -> entropy.MotionDecoder:
        """A new decoder for the motion payload of one group."""
        prior = self.prior.arrays if self.prior is not None else None
        return entropy.create_decoder(self.model, self.length, data, step=self.step, prior=prior)
