"""Files as VVC streams: what VVC decoders see of them, and what comes back."""

from __future__ import annotations

import io
import re
import subprocess
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path

import av
import imageio_ffmpeg
import numpy as np
import pytest
from conftest import draw_head, run_gvc
from hypothesis import given, settings
from hypothesis import strategies as st
from test_vectors import FINGERPRINT, NAMES, PRIOR, VECTORS
from vvc_streams import exported, imported

import gvc
from gvc import keyframe
from gvc.bitstream import (
    BitstreamReader,
    BitstreamWriter,
    ColourDescription,
    FileHeader,
    Group,
    fingerprint_of,
)
from gvc.errors import GvcError, InvalidDataError, TruncatedDataError
from gvc.model import priors
from gvc.sei.nal import read_units

FFMPEG = imageio_ffmpeg.get_ffmpeg_exe()

#: Reads one vector, and writes it with real pictures.
Playable = Callable[[str], bytes]


@pytest.fixture(scope="module")
def weights(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with the prior that vectors need."""
    folder = tmp_path_factory.mktemp("weights")
    priors.save(priors.Prior(b"", PRIOR, FINGERPRINT), folder / "vectors.prior")
    return folder


@pytest.fixture(scope="module")
def playable() -> Playable:
    """Golden files, whose key frames are any bytes, with key frames that VVC decoders read."""
    made: dict[object, object] = {}

    def once(key: object, make: Callable[[], object]) -> object:
        if key not in made:
            made[key] = make()
        return made[key]

    def read(name: str) -> bytes:
        header, groups = parts((VECTORS / f"{name}.gvc").read_bytes())
        size = header.video.key_size
        encoder = encoder_for(size)
        keys = once(size, lambda: encoder.encode(pictures(size, 5)))
        file = io.BytesIO()
        writer = BitstreamWriter(file)
        video = replace(header.video, key_parameters=keys.parameters)
        writer.write_header(replace(header, video=video, audio=None))
        for group in groups:
            count = group.frames
            if group.video:
                stream = once(
                    (size, count), lambda n=count: encoder.encode_video(pictures(size, n), qp=40)
                )
                writer.write_group(replace(group, video=stream))
                continue
            coded = keys.pictures[1 if group.reference else 0 :]
            filled = [replace(key, data=coded[n]) for n, key in enumerate(group.keys)]
            writer.write_group(replace(group, keys=tuple(filled)))
        writer.close(end_pts=groups[-1].pts + 100_000)
        return file.getvalue()

    return lambda name: once(name, lambda: read(name))


def encoder_for(size: tuple[int, int]) -> keyframe.KeyFrameEncoder:
    return keyframe.get("vvc").encoder(
        width=size[0], height=size[1], qp=40, colour=ColourDescription(1, 1, 1), preset="faster"
    )


def pictures(size: tuple[int, int], count: int) -> list[av.VideoFrame]:
    drawn = (draw_head(3 * index, *size) for index in range(count))
    frames = (av.VideoFrame.from_ndarray(each, format="rgb24") for each in drawn)
    return [frame.reformat(format="yuv420p") for frame in frames]


def parts(data: bytes) -> tuple[FileHeader, list[Group]]:
    reader = BitstreamReader(io.BytesIO(data))
    return reader.header, [unit for unit in reader if isinstance(unit, Group)]


def shown(stream: bytes) -> list[np.ndarray]:
    """What FFmpeg shows of a VVC stream."""
    with av.open(io.BytesIO(stream), format="vvc") as container:
        return [frame.to_ndarray() for frame in container.decode(video=0)]


def coded_pictures(data: bytes) -> Iterator[np.ndarray]:
    """What the decoder of key frames makes of a file, repeated ones with the others."""
    header, groups = parts(data)
    decoder = keyframe.get("vvc").decoder(header.video.key_parameters)
    only = None
    for group in groups:
        before = [group.reference.data] if group.reference else []
        if group.video:
            pictures = list(decoder.decode_video(group.video))
        else:
            pictures = decoder.decode([*before, *(key.data for key in group.keys)])
        # Right behind the picture that it is predicted from, a group needs it no second time.
        hidden = before == [only]
        yield from (picture.to_ndarray() for picture in pictures[hidden:])
        alone = len(group.keys) == 1 and not before
        only = group.keys[0].data if alone else None


@pytest.mark.parametrize("name", [name for name in NAMES if name != "settings"])
def test_groups_come_back_to_the_bit(name, playable, weights):
    data = playable(name)
    stream, report = exported(data, weights)
    assert parts(imported(stream, weights)) == parts(data)
    assert imported(stream, weights) == data
    assert report.groups == len(parts(data)[1])


@pytest.mark.parametrize("name", ["plain", "several", "video", "faces", "predicted"])
def test_vvc_decoders_show_all_key_frames(name, playable, weights):
    data = playable(name)
    stream, report = exported(data, weights)
    pictures = shown(stream)
    assert len(pictures) == report.pictures
    for picture, expected in zip(pictures, coded_pictures(data), strict=True):
        assert (picture == expected).all()


def test_a_reference_is_shown_again_only_where_others_came_between(playable, weights):
    _, groups = parts(playable("predicted"))
    assert [group.reference is not None for group in groups] == [False, True, True]
    _, report = exported(playable("predicted"), weights)
    assert (report.pictures, report.repeated) == (1 + 4 + 1 + 4, 1)


def test_a_speaker_pack_comes_back(playable):
    header, groups = parts(playable("plain"))
    pack = (VECTORS / "speaker.gvcp").read_bytes()
    video = replace(header.video, pack=fingerprint_of(pack))
    file = io.BytesIO()
    writer = BitstreamWriter(file)
    writer.write_header(replace(header, video=video, embeds_pack=True), pack=pack)
    writer.write_group(groups[0])
    writer.close(end_pts=groups[0].pts + 1)
    assert imported(exported(file.getvalue())[0]) == file.getvalue()


def test_groups_may_begin_with_pictures_that_do_not_say_so():
    """A CRA picture begins a sequence only where the one before has ended."""
    header, groups = parts((VECTORS / "plain.gvc").read_bytes())
    size = header.video.key_size
    coded = encoder_for(size).encode(pictures(size, 3), inter=False)
    video = replace(header.video, key_parameters=coded.parameters)
    file = io.BytesIO()
    writer = BitstreamWriter(file)
    writer.write_header(replace(header, video=video, audio=None))
    for group, data in zip(groups, coded.pictures, strict=True):
        writer.write_group(replace(group, keys=(replace(group.keys[0], data=data),)))
    writer.close(end_pts=groups[-1].pts + 1)
    stream, _ = exported(file.getvalue())
    assert [unit.kind for unit in read_units(io.BytesIO(stream)) if unit.is_slice] == [8, 9, 9]
    for picture, expected in zip(shown(stream), coded_pictures(file.getvalue()), strict=True):
        assert (picture == expected).all()
    assert imported(stream) == file.getvalue()


def test_ffmpeg_reads_every_message(playable, weights, tmp_path):
    data = playable("several")
    path = tmp_path / "several.266"
    path.write_bytes(exported(data, weights)[0])
    command = [FFMPEG, "-hide_banner", "-xerror", "-i", path, "-c", "copy"]
    traced = subprocess.run(
        [*command, "-bsf:v", "trace_headers", "-f", "null", "-"], capture_output=True, check=True
    )
    found = re.findall(rb"last_payload_type_byte +\d+ = (\d+)", traced.stderr)
    _, groups = parts(data)
    # One for each key frame, and one for each of the others.
    assert found.count(b"223") == sum(group.frames for group in groups)
    assert b"Invalid" not in traced.stderr


def test_decoded_pictures_and_times_are_the_same(coded, tmp_path):
    stream, back = tmp_path / "head.266", tmp_path / "back.gvc"
    done = run_gvc("export", "--sei", coded, stream, "-v")
    said = done.stderr.decode().splitlines()
    assert done.returncode == 0, said
    assert "sound is left out" in said[0]
    assert said[1].startswith(f"{stream}: 3 groups")
    done = run_gvc("import", stream, back)
    assert (done.returncode, done.stdout, done.stderr) == (0, b"", b"")
    with gvc.open(coded, threads=2) as first, gvc.open(back, threads=2) as second:
        assert len(second.streams.audio) == 0
        assert first.duration == second.duration
        count = 0
        for one, other in zip(first.decode(video=0), second.decode(video=0), strict=True):
            assert one.pts == other.pts
            assert (one.to_ndarray() == other.to_ndarray()).all()
            count += 1
    assert count == 20


def test_pipes_quiet_and_what_is_there_already(coded, tmp_path):
    piped = run_gvc("export", "--sei", "-", "-", "-q", input=coded.read_bytes())
    assert (piped.returncode, piped.stderr) == (0, b"")
    back = run_gvc("import", "-", "-", input=piped.stdout)
    assert parts(back.stdout)[1] == parts(coded.read_bytes())[1]
    there = tmp_path / "there.266"
    there.write_bytes(b"mine")
    assert run_gvc("export", "--sei", coded, there).returncode == 2
    assert there.read_bytes() == b"mine"
    assert run_gvc("export", "--sei", "-y", coded, there).returncode == 0
    assert there.read_bytes() == piped.stdout


@pytest.mark.parametrize(
    ("command", "code", "text"),
    [
        (("export", "{gvc}", "{out}"), 2, "--sei"),
        (("export", "--sei", "{h266}", "{out}"), 1, "{h266}: not a .gvc file"),
        (("export", "--sei", "{hevc}", "{out}"), 1, "{hevc}: its key frames are HEVC"),
        (("import", "{gvc}", "{out}"), 1, "{gvc}: not a VVC byte stream"),
        (("import", "{cut}", "{out}"), 1, "{cut}: "),
        (("import", "{plain}", "{out}"), 1, "{plain}: not a stream that gvc exported"),
        (("import", "{none}", "{out}"), 1, "{none}: No such file"),
    ],
)
def test_bad_input_is_said_in_one_line(command, code, text, playable, tmp_path):
    names = ("gvc", "h266", "hevc", "cut", "plain", "none", "out")
    paths = {name: tmp_path / name for name in names}
    data = playable("plain")
    header, groups = parts(data)
    stream = exported(data)[0]
    paths["gvc"].write_bytes(data)
    paths["h266"].write_bytes(stream)
    paths["cut"].write_bytes(stream[: len(stream) // 2])
    paths["plain"].write_bytes(header.video.key_parameters + groups[0].keys[0].data)
    with paths["hevc"].open("wb") as file:
        writer = BitstreamWriter(file)
        writer.write_header(replace(header, video=replace(header.video, key_codec="hevc")))
        writer.close(end_pts=0)
    done = run_gvc(*(argument.format(**paths) for argument in command))
    said = done.stderr.decode()
    assert done.returncode == code, said
    assert said.count("\n") == 1
    assert text.format(**paths) in said
    assert not paths["out"].exists()


def test_only_vvc_pictures_are_exported():
    """Golden files as they are hold any bytes."""
    with pytest.raises(InvalidDataError):
        exported((VECTORS / "plain.gvc").read_bytes())


def test_a_stream_without_its_last_group_is_cut_off(playable):
    stream, _ = exported(playable("plain"))
    sequence_parameters = b"\0\0\0\1\0\x79"
    assert stream.count(sequence_parameters) == 3
    with pytest.raises(TruncatedDataError, match="2 of 3 groups"):
        imported(stream[: stream.rindex(sequence_parameters)])


def test_what_other_programs_put_between_pictures_does_no_harm(playable, weights):
    data = playable("several")
    stream, _ = exported(data, weights)
    delimiter = b"\0\0\0\1\0\xa1\x28"
    between = delimiter + parts(data)[0].video.key_parameters
    message = b"\0\0\0\1\0\xb9"
    assert stream.count(message) == 1 + 4 + 4
    assert imported(stream.replace(message, between + message), weights) == data


def test_streams_survive_mp4(playable, weights, tmp_path):
    data = playable("predicted")
    first, packed, second = (tmp_path / name for name in ("a.266", "a.mp4", "b.266"))
    first.write_bytes(exported(data, weights)[0])
    for source, target in ((first, packed), (packed, second)):
        command = [FFMPEG, "-loglevel", "error", "-i", source, "-c", "copy", target]
        subprocess.run(command, check=True)
    assert imported(second.read_bytes(), weights) == data


@settings(max_examples=80, deadline=None)
@given(st.data())
def test_damage_is_found_or_harmless(playable_plain, choose):
    data, stream = playable_plain
    place = choose.draw(st.integers(0, len(stream) - 1))
    if choose.draw(st.booleans()):
        damaged = stream[:place]
    else:
        value = stream[place] ^ choose.draw(st.integers(1, 255))
        damaged = stream[:place] + bytes([value]) + stream[place + 1 :]
    try:
        back = imported(damaged)
    except GvcError:
        return
    assert back == data


@pytest.fixture(scope="module")
def playable_plain(playable) -> tuple[bytes, bytes]:
    data = playable("plain")
    return data, exported(data)[0]


@given(st.binary())
def test_any_bytes_are_a_stream_or_an_error(data):
    for start in (b"", b"\0\0\1\0\xb9"):
        with pytest.raises(GvcError):
            imported(start + data)
