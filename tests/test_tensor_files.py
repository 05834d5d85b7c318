"""Files of weights and priors: what is refused, and that it is refused before it takes memory."""

from __future__ import annotations

import json
import re
import tracemalloc
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import safetensors.numpy
from hypothesis import given, settings
from hypothesis import strategies as st

from gvc.errors import WeightsError
from gvc.model import priors, tensor_files, weights
from gvc.model.tensor_files import MAX_HEADER_BYTES, MAX_TENSORS, TensorKind, read_arrays

KIND = TensorKind("weights file", ("F16",), limit=1 << 16)


def tensor(shape: object = (2, 3), offsets: object = (0, 12), dtype: object = "F16") -> Any:
    return {"dtype": dtype, "shape": shape, "data_offsets": offsets}


def write(path: Path, header: object, values: bytes = bytes(12)) -> Path:
    text = header if isinstance(header, bytes) else json.dumps(header).encode()
    path.write_bytes(len(text).to_bytes(8, "little") + text + values)
    return path


def test_what_is_whole_is_read(tmp_path):
    arrays = {"b": np.arange(6, dtype=np.float16).reshape(2, 3), "a": np.float16([7])}
    path = tmp_path / "x.safetensors"
    tensor_files.write_arrays(path, arrays, {"model": "mine"})
    found, metadata = read_arrays(path, KIND)
    assert metadata == {"model": "mine"}
    assert found.keys() == arrays.keys()
    assert all(np.array_equal(found[name], arrays[name]) for name in arrays)
    # The smallest header by hand is one, too.
    found, metadata = read_arrays(write(path, {"a": tensor()}), KIND)
    assert (found["a"].shape, metadata) == ((2, 3), {})


DEEP = b"[" * 200_000
BAD = {
    "a header longer than the file": (1 << 63).to_bytes(8, "little") + b"{}",
    "a header longer than any": (MAX_HEADER_BYTES + 1).to_bytes(8, "little") + bytes(1 << 21),
    "half a length": b"\2\0\0",
    "no JSON": {"header": b"{" * 10},
    "no text": {"header": b'{"\xff": 1}'},
    "deep nesting": {"header": DEEP},
    "no object": {"header": []},
    "a long number": {"header": b'{"a": ' + b"9" * 5000 + b"}"},
    "2^40 elements": {"header": {"a": tensor([1 << 20, 1 << 20], [0, 1 << 41])}},
    "2^40 elements, few bytes": {"header": {"a": tensor([1 << 20, 1 << 20])}},
    "elements beyond 64 bits": {"header": {"a": tensor([1 << 40] * 8)}},
    "no elements": {"header": {"a": tensor([0, 1 << 62], [0, 0])}, "values": b""},
    "more bytes than there are": {"header": {"a": tensor([2, 4], [0, 16])}},
    "fewer bytes than there are": {"header": {"a": tensor([2, 2], [0, 8])}},
    "another size than the shape": {"header": {"a": tensor([2, 2])}},
    "overlapping tensors": {"header": {"a": tensor(), "b": tensor([3], [6, 12])}},
    "the same place twice": {"header": {"a": tensor(), "b": tensor()}},
    "a gap": {"header": {"a": tensor([2], [0, 4]), "b": tensor([2], [8, 12])}},
    "a gap in front": {"header": {"a": tensor([4], [4, 12])}},
    "backwards": {"header": {"a": tensor([6], [12, 0])}},
    "negative sides": {"header": {"a": tensor([-2, -3])}},
    "negative places": {"header": {"a": tensor([6], [-12, 0])}},
    "fractions": {"header": {"a": tensor([2.0, 3])}},
    "truth for numbers": {"header": {"a": tensor([True, 6])}},
    "too many dimensions": {"header": {"a": tensor([1] * 8 + [6])}},
    "three places": {"header": {"a": tensor([6], [0, 12, 12])}},
    "a shape that is none": {"header": {"a": tensor("6")}},
    "a name twice": {
        "header": b'{"a": %s, "a": %s}' % ((json.dumps(tensor()).encode(),) * 2),
    },
    "a name with a line feed": {"header": {"a:<f2:3\n": tensor()}},
    "a name in other letters": {"header": {"ä": tensor()}},
    "a long name": {"header": {"a" * 300: tensor()}},
    "a field too many": {"header": {"a": tensor() | {"more": 1}}},
    "a field too few": {"header": {"a": {"dtype": "F16", "shape": [2, 3]}}},
    "no description": {"header": {"a": 5}},
    "another type": {"header": {"a": tensor([3], dtype="F32")}},
    "a type that is none": {"header": {"a": tensor(dtype=["F16"])}},
    "metadata that is no text": {"header": {"a": tensor(), "__metadata__": {"model": 5}}},
    "not a number": {"header": {"a": tensor()}, "values": np.float16([np.nan] * 6).tobytes()},
    "infinity": {"header": {"a": tensor()}, "values": np.float16([0] * 5 + [-np.inf]).tobytes()},
    "too many tensors": {
        "header": {f"{n}": tensor([1], [2 * n, 2 * n + 2]) for n in range(MAX_TENSORS + 1)},
        "values": bytes(2 * MAX_TENSORS + 2),
    },
    "a file larger than any": {"header": {"a": tensor([1 << 15], [0, 1 << 16])}, "values": b""},
}


@pytest.mark.parametrize("name", BAD)
def test_what_no_file_holds_is_refused_before_it_takes_memory(tmp_path, name):
    path, content = tmp_path / "x.safetensors", BAD[name]
    if isinstance(content, bytes):
        path.write_bytes(content)
    else:
        write(path, **content)
    if name == "a file larger than any":
        with path.open("r+b") as file:
            file.truncate(1 << 40)  # nothing of it is on the disk
    tracemalloc.start()
    with pytest.raises(WeightsError, match=re.escape(str(path))) as caught:
        read_arrays(path, KIND)
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert peak < 4 << 20
    assert "\n" not in str(caught.value)
    assert len(str(caught.value)) < 500


@settings(max_examples=300, deadline=None)
@given(
    st.lists(st.tuples(st.integers(0, 250), st.integers(1, 255)), min_size=1, max_size=4),
    st.integers(0, 60),
)
def test_a_changed_file_is_refused_or_reads(tmp_path_factory, changes, cut):
    path = tmp_path_factory.getbasetemp() / "changed.safetensors"
    arrays = {"some.weight": np.arange(8, dtype=np.float16).reshape(2, 4)}
    tensor_files.write_arrays(path, arrays, {"model": "mine"})
    data = bytearray(path.read_bytes())
    for place, change in changes:
        data[place % len(data)] ^= change
    path.write_bytes(data[: len(data) - cut])
    try:
        found, _ = read_arrays(path, KIND)
    except WeightsError:
        return
    assert all(array.nbytes <= 16 and np.isfinite(array).all() for array in found.values())


def test_weights_are_float16_and_priors_are_integers(tmp_path):
    path = tmp_path / "x"
    for load, values in (
        (weights.load, np.zeros(3, np.float32)),
        (weights.load, np.zeros(3, np.int16)),
        (priors.load, np.zeros(3, np.float16)),
        (priors.load, np.zeros(3, np.int64)),
    ):
        safetensors.numpy.save_file({"a": values}, path, metadata={"weights": "00" * 16})
        with pytest.raises(WeightsError, match="tensor a is not of"):
            load(path)


def test_other_values_have_another_fingerprint(tmp_path):
    """So a file is decoded with what it was made with, or not at all."""
    shipped = weights.default("lite")
    name = min(shipped.arrays)
    changed = shipped.arrays[name].copy()
    changed.view(np.uint16).flat[0] ^= 1
    path = tmp_path / "lite.safetensors"
    tensor_files.write_arrays(path, {**shipped.arrays, name: changed}, {"model": "lite"})
    other = weights.load(path).fingerprint
    assert other != shipped.fingerprint
    assert np.array_equal(weights.find(other, extra=path).arrays[name], changed)
    found = weights.find(shipped.fingerprint, extra=path)
    assert np.array_equal(found.arrays[name], shipped.arrays[name])
    with pytest.raises(WeightsError, match="ab" * 16):
        weights.find(b"\xab" * 16, extra=path)


def test_what_ships_is_within_the_limits():
    files = sorted(weights.PRETRAINED.glob("*.safetensors"))
    assert files
    for path in files:
        assert weights.load(path).arrays
    assert all(priors.load(path).arrays for path in weights.PRETRAINED.glob("*.prior"))
