"""Motion codes through the range coder: round trips, exact bytes, rate, bad data."""

from __future__ import annotations

import hashlib
import json
import subprocess
import sys
from fractions import Fraction
from pathlib import Path

import numpy as np
import pytest
from conftest import environment_with_tests
from hypothesis import given, settings
from hypothesis import strategies as st
from reference_motion import decode_motion
from vector_files import VECTORS, write_vector

from gvc import entropy
from gvc.bench.gfvc_motion import code_group
from gvc.entropy.binary import BinaryDecoder
from gvc.errors import InvalidDataError, UnsupportedError, WeightsError
from gvc.model import priors, weights

MODELS = entropy.names()

LEVELS = st.lists(
    st.lists(st.integers(-(2**19), 2**19) | st.integers(-3, 3), min_size=5, max_size=5),
    max_size=12,
)


def random_prior(length: int, seed: int = 0) -> dict[str, np.ndarray]:
    """A prior that knows nothing: what it says must still be decoded as it was coded."""
    rng = np.random.default_rng(seed)
    shapes = {
        "past.weight": (6, 10 * length + 8),
        "present.weight": (6, 2 * length + 14),
        "counts.weight": (8, 6),
        "counts.frame": (8, 8),
        "changes.weight": (4, length, 6),
        "changes.own": (4, length, 10),
    }
    biases = {"past.bias": (6,), "counts.bias": (8,), "changes.bias": (4, length)}
    arrays = {name: rng.integers(-127, 128, shape, np.int8) for name, shape in shapes.items()}
    arrays |= {name: rng.integers(-2000, 2000, shape, np.int16) for name, shape in biases.items()}
    arrays["first.mean"] = rng.integers(-400, 400, length, np.int16)
    arrays["first.scale"] = rng.integers(1, 90, length, np.int16)
    return arrays


def prior_of(model: str, length: int) -> dict[str, np.ndarray] | None:
    """The shipped prior for codes of its length, and any other for others."""
    if not entropy.needs_prior(model):
        return None
    shipped = priors.belonging_to(weights.default("lite").fingerprint)
    assert shipped is not None
    return dict(shipped.arrays) if length == 40 else random_prior(length)


def encode(model, frames, delays=None, *, step=Fraction(1)) -> bytes:
    frames = np.asarray(frames, dtype=np.int32)
    length = frames.shape[1]
    coder = entropy.create_encoder(model, length, step=step, prior=prior_of(model, length))
    for index, levels in enumerate(frames):
        if delays is not None:
            coder.encode_delay(delays[index])
        coder.encode(levels)
    return coder.finish()


def decoder_of(model, length, data, *, step=Fraction(1)):
    return entropy.create_decoder(model, length, data, step=step, prior=prior_of(model, length))


def smooth_codes(frames: int, seed: int = 0) -> np.ndarray:
    """Codes like real ones: each coefficient wanders, some faster than others."""
    rng = np.random.default_rng(seed)
    steps = rng.normal(size=(frames, 40)) * np.linspace(0.05, 0.5, 40)
    return np.round(steps.cumsum(axis=0) + 5 * rng.normal(size=40)).astype(np.int32)


@pytest.mark.parametrize("model", MODELS)
@given(frames=LEVELS.filter(len))
@settings(deadline=None, max_examples=30)
def test_what_is_coded_is_decoded(model, frames):
    decoder = decoder_of(model, 5, encode(model, frames))
    assert [decoder.decode().tolist() for _ in frames] == frames


@pytest.mark.parametrize("model", MODELS)
@pytest.mark.parametrize("step", ["1/1000", "2/7", "100", "4294967295/4294967296"])
def test_any_step_will_do(model, step):
    frames = smooth_codes(30) * 50
    decoder = decoder_of(model, 40, encode(model, frames, step=Fraction(step)), step=Fraction(step))
    assert np.array_equal([decoder.decode() for _ in frames], frames)


@pytest.mark.parametrize("model", MODELS)
@given(frames=LEVELS.filter(len), draw=st.data())
@settings(deadline=None, max_examples=10)
def test_delays_are_coded_beside_levels(model, frames, draw):
    count = len(frames)
    delays = draw.draw(st.lists(st.integers(-40, 10**9), min_size=count, max_size=count))
    decoder = decoder_of(model, 5, encode(model, frames, delays))
    assert [decoder.decode_delay() for _ in delays] == delays
    assert [decoder.decode().tolist() for _ in frames] == frames


@pytest.mark.parametrize("model", MODELS)
def test_a_group_without_inter_frames_takes_nothing(model):
    coder = entropy.create_encoder(model, 40, prior=prior_of(model, 40))
    assert coder.finish() == b""


@pytest.mark.parametrize("model", MODELS)
@given(frames=LEVELS.filter(len))
@settings(deadline=None, max_examples=15)
def test_a_decoder_written_from_the_specification_agrees(model, frames):
    prior = prior_of(model, 5)
    plain = {name: array.tolist() for name, array in prior.items()} if prior else None
    data = encode(model, frames, step=Fraction(2, 3))
    found = decode_motion(data, model=model, length=5, frames=len(frames), step=(2, 3), prior=plain)
    assert found == frames


# The learned prior has never seen codes of this kind.
@pytest.mark.parametrize(("model", "share"), [("adaptive", 1.1), ("learned", 1.3), ("kalman", 1.5)])
def test_smooth_codes_cost_about_their_static_entropy(model, share):
    codes = smooth_codes(250)
    residuals = np.diff(codes, axis=0)
    static = 0.0
    for column in residuals.T:
        counts = np.unique(column, return_counts=True)[1]
        static -= (counts * np.log2(counts / counts.sum())).sum()
    assert len(encode(model, codes)) * 8 < share * static + 40 * 8


@pytest.mark.parametrize("model", MODELS)
def test_codes_that_stand_still_cost_next_to_nothing(model):
    assert len(encode(model, np.zeros((250, 40)))) < 100


@pytest.mark.parametrize("model", MODELS)
def test_a_periodic_frame_rate_costs_next_to_nothing(model):
    delays = [int(index % 3 == 2) for index in range(300)]
    frames = np.zeros((300, 4))
    assert len(encode(model, frames, delays)) - len(encode(model, frames)) < 24


def test_models_take_less_than_the_scheme_of_the_public_software():
    codes = smooth_codes(250)
    reference = sum(map(len, code_group(codes)))
    assert len(encode("adaptive", codes)) < 0.9 * reference


@given(data=st.lists(st.lists(st.integers(-9, 9), min_size=3, max_size=3), min_size=1, max_size=4))
@settings(deadline=None, max_examples=30)
def test_the_reference_scheme_can_be_decoded(data):
    """By exact fractions: else its rate would mean nothing."""
    levels = np.array(data, np.int32)
    before = [0, 0, 0]
    for coded, wanted in zip(code_group(levels), data, strict=True):
        before = [a + b for a, b in zip(before, decode_reference(coded, 3), strict=True)]
        assert before == wanted


def decode_reference(data: bytes, length: int) -> list[int]:
    point = Fraction(int.from_bytes(data, "big"), 256 ** len(data))
    low, width, counts = Fraction(0), Fraction(1), [1, 1]

    def bit() -> int:
        nonlocal low, width
        first = width * Fraction(counts[0], sum(counts))
        found = int(point >= low + first)
        low, width = (low + first, width - first) if found else (low, first)
        counts[found] += 1
        return found

    values = []
    for _ in range(length):
        zeros = 0
        while not bit():
            zeros += 1
        number = 1
        for _ in range(zeros):
            number = 2 * number + bit()
        number -= 1
        values.append((number + 1) // 2 if number % 2 else -(number // 2))
    return values


@pytest.mark.parametrize("model", MODELS)
def test_the_bytes_never_change(model):
    """Any change of a model's arithmetic would make old files unreadable."""
    assert encode(model, smooth_codes(60), step=Fraction(1, 2)) == golden(model)


def golden(model: str) -> bytes:
    return (VECTORS / f"{model}.motion").read_bytes()


ENVIRONMENTS = [
    {"OMP_NUM_THREADS": "1"},
    {"OMP_NUM_THREADS": "2", "OPENBLAS_NUM_THREADS": "2", "MKL_NUM_THREADS": "2"},
    {"OMP_NUM_THREADS": "4", "OPENBLAS_NUM_THREADS": "4", "MKL_NUM_THREADS": "4"},
    {"NPY_DISABLE_CPU_FEATURES": "all"},
    {"OPENBLAS_CORETYPE": "Nehalem"},
]


@pytest.mark.parametrize("environment", ENVIRONMENTS, ids=lambda e: next(iter(e.items())))
def test_decoding_does_not_depend_on_threads_or_vector_units(environment):
    """In processes of their own, since both are chosen once."""
    if "NPY_DISABLE_CPU_FEATURES" in environment:
        # numpy warns of names that this processor does not have.
        # NumPy 1 calls it by another name.
        core = (np._core if hasattr(np, "_core") else np.core)._multiarray_umath
        names = [name for name in core.__cpu_dispatch__ if core.__cpu_features__.get(name)]
        if not names:
            pytest.skip("numpy uses no more than the least that it needs here")
        environment = {"NPY_DISABLE_CPU_FEATURES": " ".join(names)}
    done = subprocess.run(
        [sys.executable, str(Path(__file__)), "digest"],
        env=environment_with_tests(**environment),
        capture_output=True,
        check=True,
        text=True,
    )
    assert json.loads(done.stdout) == digests()


def digests() -> dict[str, str]:
    """What the golden streams say, by model."""
    found = {}
    for model in MODELS:
        decoder = decoder_of(model, 40, golden(model), step=Fraction(1, 2))
        levels = np.stack([decoder.decode() for _ in range(60)])
        found[model] = hashlib.sha256(levels.astype("<i4").tobytes()).hexdigest()
    return found


def test_every_probability_divides_the_range_where_the_specification_says():
    """The range coder is given fractions: none of them is ever rounded."""
    odd = np.arange(0, 1 << 16, 7)
    for probability in [*range(40), *odd.tolist(), *range((1 << 16) - 40, 1 << 16)]:
        limited = min(max(probability, 24), (1 << 16) - 24)
        bound = ((((1 << 16) - limited) * ((1 << 24) - 2)) >> 16) + 1
        unit = ((1 << 64) - 1) >> 24
        for part, bit in ((bound - 1, 0), (bound, 1)):
            point = (part * unit + unit - 1 - bit * (unit - 1)).to_bytes(8, "big")
            assert BinaryDecoder(point).code(0, probability) == bit


@pytest.mark.parametrize("model", MODELS)
@given(data=st.binary(max_size=400), length=st.sampled_from([5, 40]))
@settings(deadline=None, max_examples=40)
def test_garbage_ends(model, data, length):
    decoder = decoder_of(model, length, data)
    try:
        for _ in range(20):
            assert abs(decoder.decode()).max() <= 2**19
            decoder.decode_delay()
    except InvalidDataError:
        return


@pytest.mark.parametrize("model", MODELS)
def test_damage_is_refused_or_decodes_to_other_levels(model):
    frames = smooth_codes(40)
    data = bytearray(encode(model, frames))
    data[len(data) // 3] ^= 0x10
    decoder = decoder_of(model, 40, bytes(data))
    try:
        assert not np.array_equal([decoder.decode() for _ in frames], frames)
    except InvalidDataError:
        return


def test_an_unknown_model_is_refused():
    with pytest.raises(UnsupportedError):
        entropy.create_decoder("nonesuch", 40, b"")


def test_a_model_without_its_prior_is_refused():
    with pytest.raises(UnsupportedError):
        entropy.create_decoder("learned", 40, b"")


def test_a_prior_for_other_codes_is_refused():
    with pytest.raises(WeightsError):
        entropy.create_decoder("learned", 40, b"", prior=random_prior(5))
    prior = random_prior(40)
    del prior["past.bias"]
    with pytest.raises(WeightsError):
        entropy.create_decoder("learned", 40, b"", prior=prior)


if __name__ == "__main__" and "digest" in sys.argv:
    print(json.dumps(digests()))

if __name__ == "__main__" and "write" in sys.argv:
    for name in MODELS:
        write_vector(f"{name}.motion", encode(name, smooth_codes(60), step=Fraction(1, 2)))
