"""Speaker packs: coded, found, applied, refused; files that are made with one."""

from __future__ import annotations

import io
import json
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import reference_pack
from conftest import read_video, run_gvc, write_clip
from reference_decoder import decode_file

import gvc
from gvc.bitstream import BitstreamReader, SpeakerPack, TensorChange
from gvc.codec import speaker_packs
from gvc.codec.speaker_packs import LoadedPack
from gvc.entropy import decode_differences, encode_differences
from gvc.errors import GvcError, InvalidDataError, TruncatedDataError, UsageError, WeightsError
from gvc.model import speaker, weights
from gvc.model.speaker import Difference, biases
from gvc.model.weights import Weights, fingerprint

GOLDEN = Path(__file__).with_name("vectors") / "speaker.gvcp"


def small_weights() -> Weights:
    """A few tensors of weights that no training changes."""
    rng = np.random.default_rng(1)
    arrays = {
        "coder.scale.weight": rng.normal(size=5).astype(np.float16),
        "foreground.head.convolution.bias": rng.normal(size=6).astype(np.float16),
        "foreground.head.convolution.weight": rng.normal(size=(6, 4, 3, 3)).astype(np.float16),
        "motion.flow.head.weight": rng.normal(0, 0.01, size=(2, 3)).astype(np.float16),
    }
    return Weights("small", arrays, fingerprint(arrays))


def differences_of(base: Weights, seed: int = 2) -> list[Difference]:
    rng = np.random.default_rng(seed)
    made = []
    for shift, name in enumerate(speaker.adaptable(base.arrays), start=5):
        shape = base.arrays[name].shape
        levels = rng.integers(-9, 10, shape) * (rng.random(shape) < 0.4)
        levels.flat[0] = 300
        made.append(Difference(name, levels.astype(np.int32), 2.0**-shift))
    return made


@pytest.fixture(scope="module")
def pack(tmp_path_factory) -> Path:
    """A pack for the weights that ship, which changes what pictures look like."""
    base = weights.default("face")
    rng = np.random.default_rng(3)
    made = []
    for name in biases(base.arrays):
        shape = base.arrays[name].shape
        levels = (rng.integers(-2, 3, shape) * (rng.random(shape) < 0.1)).astype(np.int32)
        made.append(Difference(name, levels, 2.0**-5))
    path = tmp_path_factory.mktemp("packs") / "speaker.gvcp"
    path.write_bytes(speaker_packs.make(base, made).data)
    return path


@pytest.mark.parametrize("density", [0.0, 0.01, 0.5, 1.0])
def test_levels_come_back(density):
    rng = np.random.default_rng(int(10 * density))
    shapes = [(5, 12), (1, 1), (7, 1), (1, 40)]
    arrays = []
    for shape in shapes:
        levels = rng.integers(-4096, 4097, shape) * (rng.random(shape) < density)
        arrays.append(levels.astype(np.int32))
    data = encode_differences(arrays)
    for one, other in zip(arrays, decode_differences(data, shapes), strict=True):
        assert np.array_equal(one, other)
    if density == 0:
        assert len(data) <= 4


def test_few_levels_take_few_bytes():
    levels = np.zeros((32, 288), np.int32)
    levels[3, 100:140], levels[4, 100:140] = 1, -1
    assert len(encode_differences([levels])) < 60


def test_packs_change_weights_as_they_say():
    base = small_weights()
    made = speaker_packs.make(base, differences_of(base))
    again = LoadedPack.from_bytes(made.data)
    changed = again.adapt(base)
    assert changed.fingerprint == speaker.adapted(base, differences_of(base)).fingerprint
    assert changed.fingerprint != base.fingerprint
    name = "coder.scale.weight"
    assert np.array_equal(changed.arrays[name], base.arrays[name])


def test_what_does_not_change_takes_nothing():
    base = small_weights()
    nothing = [replace(each, levels=0 * each.levels) for each in differences_of(base)]
    made = speaker_packs.make(base, nothing)
    assert len(made.data) < 32
    assert made.adapt(base).fingerprint == base.fingerprint


def test_a_second_decoder_finds_the_same_numbers():
    base = small_weights()
    made = speaker_packs.make(base, differences_of(base))
    names = sorted(base.arrays)
    told = reference_pack.pack(made.data, [base.arrays[name].shape for name in names])
    assert told["weights"] == base.fingerprint
    assert told["fingerprint"] == made.fingerprint
    arrays = dict(base.arrays)
    for tensor in told["tensors"]:
        name = names[tensor["number"]]
        values = [
            reference_pack.adapted(float(value), level, tensor["shift"])
            for value, level in zip(base.arrays[name].flat, tensor["levels"], strict=True)
        ]
        arrays[name] = np.array(values, np.float16).reshape(base.arrays[name].shape)
    assert fingerprint(arrays) == made.adapt(base).fingerprint


def test_the_golden_pack_makes_the_golden_weights():
    """What was written once is read for ever, in processes with other arithmetic, too."""
    wanted = "3833b315cf97a3d7201137db58c523b8"
    base = small_weights()
    assert LoadedPack.from_bytes(GOLDEN.read_bytes()).adapt(base).fingerprint.hex() == wanted
    program = (
        "from pathlib import Path; from test_speaker_pack import *; "
        "print(LoadedPack.from_bytes(GOLDEN.read_bytes()).adapt(small_weights()).fingerprint.hex())"
    )
    for setting in ({"OMP_NUM_THREADS": "4"}, {"NPY_DISABLE_CPU_FEATURES": "AVX2 FMA3 AVX512F"}):
        done = subprocess.run(
            [sys.executable, "-c", program],
            capture_output=True,
            check=False,
            cwd=Path(__file__).parent,
            env={**_environment(), **setting},
        )
        assert done.stdout.decode().strip() == wanted, done.stderr


def _environment() -> dict[str, str]:
    import os

    here = str(Path(__file__).parent)
    return {**os.environ, "PYTHONPATH": f"{here}:{os.environ.get('PYTHONPATH', '')}"}


@pytest.mark.parametrize("place", [0, 4, 10, 30, -3])
def test_damage_is_noticed(pack, place):
    data = bytearray(pack.read_bytes())
    data[place] ^= 0x10
    with pytest.raises(GvcError):
        LoadedPack.from_bytes(bytes(data))


@pytest.mark.parametrize("kept", [0, 3, 6, 20, 200])
def test_a_cut_pack_is_refused(pack, kept):
    with pytest.raises(InvalidDataError):
        LoadedPack.from_bytes(pack.read_bytes()[:kept])


def with_tensors(*tensors: TensorChange, levels: bytes = b"") -> LoadedPack:
    base = small_weights()
    return LoadedPack.from_bytes(SpeakerPack(base.fingerprint, tensors, levels).to_bytes())


def test_only_the_decoder_s_half_can_be_changed():
    """Neither what motion codes mean nor a tensor that is not there."""
    base = small_weights()
    assert sorted(base.arrays)[0].startswith("coder.")
    for number, error in ((0, WeightsError), (4, InvalidDataError), (60_000, InvalidDataError)):
        with pytest.raises(error):
            with_tensors(TensorChange(number, 5)).adapt(base)


def test_random_levels_never_make_wild_weights():
    """A valid checksum over nonsense: a clear refusal, or finite weights within bounds."""
    base, rng = small_weights(), np.random.default_rng(5)
    for _ in range(60):
        chosen = [TensorChange(number, int(rng.integers(0, 25))) for number in (1, 2, 3)]
        try:
            changed = with_tensors(*chosen, levels=rng.bytes(90)).adapt(base)
        except InvalidDataError:
            continue
        for array in changed.arrays.values():
            assert np.abs(array).max() <= 1024


def test_more_levels_than_any_pack_has_are_refused():
    with pytest.raises(InvalidDataError):
        decode_differences(b"", [(1 << 10, 1 << 10)])


def test_a_pack_larger_than_any_is_refused():
    """What its levels cost to read goes with its bytes."""
    with pytest.raises(InvalidDataError, match="larger than any"):
        SpeakerPack.from_bytes(SpeakerPack(bytes(16), (), bytes(1 << 16)).to_bytes())


def test_other_weights_are_refused(pack):
    with pytest.raises(WeightsError, match="made for the weights"):
        speaker_packs.load(pack).adapt(small_weights())


@pytest.fixture(scope="module")
def files(pack, tmp_path_factory) -> dict[str, Path]:
    """The same clip without a pack, with one by reference, and with it inside."""
    folder = tmp_path_factory.mktemp("adapted")
    clip = write_clip(folder / "clip.mp4", frames=12, audio=False)
    made = {"clip": clip}
    for name, options in (
        ("plain", ()),
        ("named", ("--pack", pack)),
        ("embedded", ("--pack", pack, "--embed-pack")),
    ):
        made[name] = folder / f"{name}.gvc"
        done = run_gvc("encode", clip, made[name], "--key-preset", "faster", *options)
        assert done.returncode == 0, done.stderr
    return made


def pictures(path: Path, **options) -> list[np.ndarray]:
    with gvc.open(path, threads=1, **options) as container:
        return [frame.to_ndarray() for frame in container.decode(video=0)]


def test_pictures_are_those_of_the_adapted_network(files, pack):
    named = pictures(files["named"], packs=pack)
    embedded = pictures(files["embedded"])
    plain = pictures(files["plain"])
    assert all(np.array_equal(one, other) for one, other in zip(named, embedded, strict=True))
    assert any(not np.array_equal(one, other) for one, other in zip(named, plain, strict=True))


def test_files_hold_what_they_say(files, pack):
    data = pack.read_bytes()
    sizes = {name: files[name].stat().st_size for name in ("plain", "named", "embedded")}
    assert sizes["embedded"] - sizes["named"] in range(len(data) + 5, len(data) + 10)
    told = {}
    for name in ("named", "embedded"):
        told[name] = json.loads(run_gvc("info", files[name], "--json").stdout)
        assert sum(told[name]["bytes"].values()) == told[name]["size"] == sizes[name]
        assert told[name]["video"]["pack"] == speaker_packs.load(pack).fingerprint.hex()
        second = decode_file(files[name].read_bytes())
        assert second["video"]["pack"].hex() == told[name]["video"]["pack"]
        assert second["pack"] == (data if name == "embedded" else b"")
    assert told["named"]["bytes"]["speaker_pack"] == 0
    assert told["embedded"]["bytes"]["speaker_pack"] == len(data)


def test_packs_are_found_by_what_they_are(files, pack, tmp_path):
    """Under any name: given, in a folder that is given, or beside the file."""
    moved = tmp_path / "file.gvc"
    moved.write_bytes(files["named"].read_bytes())
    other = tmp_path / "packs"
    other.mkdir()
    (other / "a.gvcp").write_bytes(b"something else")
    (other / "z.gvcp").write_bytes(pack.read_bytes())
    missing = run_gvc("decode", moved, tmp_path / "out.y4m")
    assert missing.returncode == 1
    (line,) = missing.stderr.decode().splitlines()
    fingerprint_there = speaker_packs.load(pack).fingerprint.hex()
    assert str(moved) in line
    assert fingerprint_there in line
    assert "--pack" in line
    assert not (tmp_path / "out.y4m").exists()
    for given in (pack, other):
        done = run_gvc("decode", moved, tmp_path / "out.y4m", "-y", "--pack", given)
        assert done.returncode == 0, done.stderr
    (tmp_path / "beside.gvcp").write_bytes(pack.read_bytes())
    assert run_gvc("decode", moved, tmp_path / "out.y4m", "-y").returncode == 0
    assert len(read_video(tmp_path / "out.y4m")) == 12


def test_a_pack_that_is_not_there_is_named(files, tmp_path):
    for arguments in (
        ("encode", files["clip"], tmp_path / "x.gvc", "--pack", tmp_path / "none.gvcp"),
        ("decode", files["named"], tmp_path / "x.y4m", "--pack", tmp_path / "none.gvcp"),
    ):
        done = run_gvc(*arguments)
        assert done.returncode == 1
        assert b"none.gvcp" in done.stderr
        assert len(done.stderr.splitlines()) == 1


def test_a_damaged_embedded_pack_is_refused(files, pack, tmp_path):
    data = bytearray(files["embedded"].read_bytes())
    data[data.index(pack.read_bytes()[:20]) + 40] ^= 1
    damaged = tmp_path / "damaged.gvc"
    damaged.write_bytes(data)
    done = run_gvc("decode", damaged, tmp_path / "out.y4m")
    assert done.returncode == 1
    assert len(done.stderr.splitlines()) == 1


def test_a_file_that_holds_another_pack_is_refused(files, pack):
    data = files["embedded"].read_bytes()
    reader = BitstreamReader(io.BytesIO(data))
    assert reader.pack == pack.read_bytes()
    with pytest.raises(TruncatedDataError):
        BitstreamReader(io.BytesIO(data[: data.index(reader.pack) + 50]))


def test_from_python(files, pack, tmp_path):
    target = tmp_path / "out.gvc"
    options = {"pack": str(pack), "embed_pack": "1", "key_preset": "faster"}
    with gvc.open(target, "w", options=options) as output:
        stream = output.add_stream("gvc", rate=25)
        for frame in read_video(files["clip"]):
            output.mux(stream.encode(frame))
        output.mux(stream.encode())
    assert len(pictures(target)) == 12
    assert len(pictures(target, size=96)) == 12
    with pytest.raises(UsageError):
        gvc.open(tmp_path / "none.gvc", "w", options={"embed_pack": "1"})


def test_seeking_passes_the_pack(files, pack):
    # A file of one group has no index: groups are looked for behind the pack.
    assert not files["embedded"].read_bytes().endswith(b"GVCX")
    with gvc.open(files["embedded"]) as container:
        container.seek(0)
        assert container.streams.video[0].frames == 12
        assert len(list(container.decode(video=0))) == 12


def test_packets_are_copied_with_the_pack(files):
    copy = io.BytesIO()
    with gvc.open(files["embedded"]) as container, gvc.open(copy, "w") as output:
        output.add_stream_from_template(container.streams.video[0])
        output.metadata.update(container.metadata)
        output.mux(container.demux(video=0))
    assert BitstreamReader(io.BytesIO(copy.getvalue())).pack is not None
    assert copy.getvalue() == files["embedded"].read_bytes()
