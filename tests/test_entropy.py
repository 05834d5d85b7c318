"""Motion codes through the range coder: round trips, exact bytes, rate, bad data."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from reference_decoder import decode_motion

from gvc import entropy
from gvc.errors import InvalidDataError, UnsupportedError

LEVELS = st.lists(
    st.lists(st.integers(-(2**19), 2**19) | st.integers(-3, 3), min_size=5, max_size=5),
    max_size=12,
)


def encode(frames, delays=None) -> bytes:
    frames = np.asarray(frames, dtype=np.int32)
    coder = entropy.create_encoder("adaptive", frames.shape[1])
    for index, levels in enumerate(frames):
        if delays is not None:
            coder.encode_delay(delays[index])
        coder.encode(levels)
    return coder.finish()


def smooth_codes(frames: int, seed: int = 0) -> np.ndarray:
    """Codes like real ones: each coefficient wanders, some faster than others."""
    rng = np.random.default_rng(seed)
    steps = rng.normal(size=(frames, 40)) * np.linspace(0.05, 0.5, 40)
    return np.round(steps.cumsum(axis=0) + 5 * rng.normal(size=40)).astype(np.int32)


@given(LEVELS.filter(len))
@settings(deadline=None)
def test_what_is_coded_is_decoded(frames):
    decoder = entropy.create_decoder("adaptive", 5, encode(frames))
    assert [decoder.decode().tolist() for _ in frames] == frames


@given(LEVELS.filter(len), st.data())
@settings(deadline=None, max_examples=30)
def test_delays_are_coded_beside_levels(frames, draw):
    count = len(frames)
    delays = draw.draw(st.lists(st.integers(-40, 10**5), min_size=count, max_size=count))
    decoder = entropy.create_decoder("adaptive", 5, encode(frames, delays))
    for levels, delay in zip(frames, delays, strict=True):
        assert decoder.decode_delay() == delay
        assert decoder.decode().tolist() == levels


@given(LEVELS.filter(len))
@settings(deadline=None, max_examples=30)
def test_a_decoder_written_from_the_specification_agrees(frames):
    assert decode_motion(encode(frames), length=5, frames=len(frames)) == frames


def test_smooth_codes_cost_less_than_their_static_entropy():
    codes = smooth_codes(250)
    residuals = np.diff(codes, axis=0)
    static = 0.0
    for column in residuals.T:
        counts = np.unique(column, return_counts=True)[1]
        static -= (counts * np.log2(counts / counts.sum())).sum()
    assert len(encode(codes)) * 8 < 1.05 * static + 40 * 8


def test_codes_that_stand_still_cost_next_to_nothing():
    assert len(encode(np.zeros((250, 40)))) < 60


def test_a_periodic_frame_rate_costs_next_to_nothing():
    delays = [int(index % 3 == 2) for index in range(300)]
    frames = np.zeros((300, 4))
    assert len(encode(frames, delays)) - len(encode(frames)) < 24


def test_the_first_bytes_never_change():
    """A golden word: any change of the model's arithmetic would make old files unreadable."""
    assert encode(smooth_codes(20)).hex() == GOLDEN


GOLDEN = (
    "721b9dd2415b2b09f3f71f64ebb59f4dd929a313ee7cac9a578f7bd6a3ce82e7340f9347a80fcd6b"
    "c13c6969e5facce374b93a322966deb24bbb87c64deca264dd95cfa65344dc0b2ca83c4d356e5998"
    "1f3b72848dd1291634691f2a3361b6befc5f87f7ff3f7846a8dddf9e2034150c27a6e96e"
)


@given(st.binary(max_size=400).filter(lambda data: len(data) % 4 == 0))
@settings(deadline=None)
def test_garbage_ends(data):
    decoder = entropy.create_decoder("adaptive", 40, data)
    try:
        for _ in range(20):
            assert abs(decoder.decode()).max() <= 2**19
    except InvalidDataError:
        return


def test_part_of_a_word_is_refused():
    with pytest.raises(InvalidDataError):
        entropy.create_decoder("adaptive", 40, b"abc")


def test_an_unknown_model_is_refused():
    with pytest.raises(UnsupportedError):
        entropy.create_decoder("nonesuch", 40, b"")
