"""gvc.open feels like av.open."""

from __future__ import annotations

import io
from dataclasses import replace
from fractions import Fraction
from pathlib import Path

import av
import numpy as np
import pytest
from conftest import draw_head, read_video
from reference_decoder import decode_file

import gvc
from gvc.api.audio import AudioDecoder
from gvc.bitstream import (
    AudioHeader,
    BitstreamReader,
    BitstreamWriter,
    ColourDescription,
    Group,
    VideoHeader,
)
from gvc.codec.settings import coded_size, decoded_header
from gvc.errors import (
    InvalidDataError,
    MediaError,
    UnsupportedError,
    UsageError,
    WeightsError,
)
from gvc.model import priors, weights

FAST = {"key_preset": "faster"}


def specified(data: bytes):
    """What the second decoder finds in a file."""
    prior = priors.belonging_to(weights.default("face").fingerprint)
    integers = {name: array.tolist() for name, array in prior.arrays.items()}
    return decode_file(data, {prior.fingerprint: integers})


def encode(frames, target, *, rate=25, options=FAST, gop_size=None):
    """Code RGB pictures (with pts, or without)."""
    with gvc.open(target, "w", options=options) as output:
        stream = output.add_stream("gvc", rate=rate)
        if gop_size:
            stream.gop_size = gop_size
        for frame in frames:
            output.mux(stream.encode(frame))
        output.mux(stream.encode())


def drawn(count, *, width=96, height=80, pts=None, time_base=None):
    for index in range(count):
        frame = av.VideoFrame.from_ndarray(draw_head(index, width, height), format="rgb24")
        if pts is not None:
            frame.pts, frame.time_base = pts[index], time_base
        yield frame


def test_a_stream_has_the_properties_of_one(coded):
    with gvc.open(coded) as container:
        video, audio = container.streams
        assert (video.type, video.name, video.pix_fmt) == ("video", "gvc", "yuv420p")
        assert (video.width, video.height) == (192, 160)
        assert video.average_rate == 25
        assert video.frames == 20
        assert (audio.type, audio.name, audio.sample_rate) == ("audio", "opus", 48_000)
        assert container.streams.video[0] is container.streams.best("video") is video
        assert container.duration == pytest.approx(800_000, abs=2)
        assert container.size == coded.stat().st_size
        assert container.bit_rate == pytest.approx(coded.stat().st_size * 10, rel=0.01)
        assert container.format == "gvc"


def test_frames_are_av_frames_at_their_times(clip, coded):
    before = read_video(clip)
    with gvc.open(coded) as container:
        after = list(container.decode(video=0))
    assert all(type(frame) is av.VideoFrame for frame in after)
    assert [frame.pts * frame.time_base for frame in after] == [
        frame.pts * frame.time_base for frame in before
    ]
    assert {(frame.width, frame.height, frame.format.name) for frame in after} == {
        (192, 160, "yuv420p")
    }


def test_packets_are_groups_and_audio_with_their_sizes(coded):
    with gvc.open(coded) as container:
        packets = list(container.demux())
        video = [packet for packet in packets if packet.stream.type == "video"]
        audio = [packet for packet in packets if packet.stream.type == "audio"]
        assert [packet.frames for packet in video] == [8, 8, 4]
        assert [packet.pts for packet in video] == [
            video[0].pts + 8 * number * video[0].duration // 8 for number in range(3)
        ]
        assert [packet.is_keyframe for packet in video] == [True, False, False]
        assert all(packet.is_keyframe for packet in audio)
        assert all(packet.size == len(bytes(packet)) for packet in packets)
        assert sum(packet.size for packet in packets) < coded.stat().st_size
        assert len(video[2].decode()) == 4
        sound = [frame for packet in audio for frame in packet.decode()]
        assert sum(frame.samples for frame in sound) >= 0.8 * 48_000
    with gvc.open(coded) as container:
        assert {packet.stream.type for packet in container.demux(audio=0)} == {"audio"}


def test_seeking_decodes_one_group_and_gives_the_same_pictures(coded):
    with gvc.open(coded) as container:
        everything = list(container.decode(video=0))
        stream = container.streams.video[0]
        container.seek(everything[13].pts, stream=stream)
        first = next(container.decode(video=0))
        assert first.pts == everything[8].pts
        assert (first.to_ndarray() == everything[8].to_ndarray()).all()
        container.seek(450_000, backward=False)
        assert next(container.decode(video=0)).pts == everything[16].pts
        container.seek(0)
        assert len(list(container.decode(video=0))) == 20


def test_the_specification_reads_the_file(coded):
    with gvc.open(coded) as container:
        header = container.header
        times = [frame.pts for frame in container.decode(video=0)]
    found = specified(coded.read_bytes())
    assert found["video"]["weights"] == header.video.weights
    assert [time for group in found["groups"] for time in group["pts"]] == times
    (moving,) = found["groups"][0]["moving"]
    assert moving["levels"]
    assert all(len(level) == 40 for level in moving["levels"])


def test_variable_frame_rates_survive():
    pts = [0, 33, 66, 100, 133, 250, 251, 900]
    file = io.BytesIO()
    with gvc.open(file, "w", options=FAST) as output:
        stream = output.add_stream("gvc", rate=30)
        stream.time_base = Fraction(1, 1000)
        for frame in drawn(8, pts=pts, time_base=Fraction(1, 1000)):
            output.mux(stream.encode(frame))
        output.mux(stream.encode())
    file.seek(0)
    with gvc.open(file) as container:
        assert [frame.pts for frame in container.decode(video=0)] == pts
    assert specified(file.getvalue())["groups"][0]["pts"] == pts


@pytest.mark.parametrize(("odd", "expected"), [(0, 1), (3, 0)])
def test_a_frame_unlike_the_others_is_no_key_frame(odd, expected):
    pts = [0, 33, 66, 100, 133, 250, 251, 900]
    file = io.BytesIO()
    with gvc.open(file, "w", options=FAST) as output:
        stream = output.add_stream("gvc", rate=30)
        stream.time_base = Fraction(1, 1000)
        for index, time in enumerate(pts):
            picture = draw_head(8 if index == odd else 0, 96, 80)
            frame = av.VideoFrame.from_ndarray(picture, format="rgb24")
            frame.pts, frame.time_base = time, stream.time_base
            output.mux(stream.encode(frame))
        output.mux(stream.encode())
    group = specified(file.getvalue())["groups"][0]
    assert (group["keys"], group["pts"]) == ([expected], pts)
    file.seek(0)
    with gvc.open(file) as container:
        decoded = list(container.decode(video=0))
    assert [frame.pts for frame in decoded] == pts
    shown = decoded[expected].to_ndarray(format="rgb24").astype(int)
    assert np.abs(shown - draw_head(0, 96, 80)).mean() < 6


def test_frames_without_times_follow_the_rate(tmp_path):
    path = tmp_path / "out.gvc"
    encode(drawn(5), path, rate=10, gop_size=2)
    with gvc.open(path) as container:
        frames = list(container.decode(video=0))
        assert [float(frame.time) for frame in frames] == pytest.approx([0, 0.1, 0.2, 0.3, 0.4])
        assert [packet.frames for packet in gvc.open(path).demux(video=0)] == [2, 2, 1]


@pytest.mark.parametrize("size", [(97, 61), (640, 64), (64, 600), (16, 16), (1, 1)])
def test_any_size_comes_back(size):
    file = io.BytesIO()
    encode(drawn(3, width=size[0], height=size[1]), file, options={"key_codec": "hevc"})
    file.seek(0)
    with gvc.open(file) as container:
        frames = list(container.decode(video=0))
    assert [(frame.width, frame.height) for frame in frames] == [size] * 3


@pytest.mark.parametrize("side", [128, 256, 512])
def test_one_set_of_weights_serves_every_resolution(side):
    file = io.BytesIO()
    options = {"size": str(side), "key_codec": "hevc"}
    encode(drawn(3, width=side, height=side), file, options=options)
    file.seek(0)
    with gvc.open(file) as container:
        assert container.streams.video[0].coded_width == side
        last = list(container.decode(video=0))[-1]
    shown = last.to_ndarray(format="rgb24").astype(int)
    assert np.abs(shown - draw_head(2, side, side)).mean() < 12


def test_decoding_smaller_gives_the_same_scene(coded):
    with gvc.open(coded) as container:
        whole = list(container.decode(video=0))
    with gvc.open(coded, size=96) as container:
        stream = container.streams.video[0]
        assert (stream.width, stream.height) == (106, 88)
        assert (stream.coded_width, stream.coded_height) == (112, 80)
        assert container.header.video.width == 192
        small = list(container.decode(video=0))
    assert [frame.pts for frame in small] == [frame.pts for frame in whole]
    assert {(frame.width, frame.height, frame.format.name) for frame in small} == {
        (106, 88, "yuv420p")
    }
    for one, other in zip(small, whole, strict=True):
        shown = one.to_ndarray(format="rgb24").astype(int)
        wanted = other.reformat(106, 88, "rgb24").to_ndarray()
        assert np.abs(shown - wanted).mean() < 12


@pytest.mark.parametrize("size", [(97, 61), (640, 64), (64, 600), (320, 180), (720, 1280)])
@pytest.mark.parametrize("side", [64, 100, 256, 1024])
def test_smaller_sizes_keep_shape_and_area(size, side):
    width, height = size
    given = VideoHeader(
        width, height, *coded_size(width, height, 256), Fraction(1, 25), Fraction(25), Fraction(1),
        ColourDescription(), "vvc", b"", "adaptive", "lite", bytes(16), Fraction(1), 40,
    )  # fmt: skip
    told = decoded_header(given, side)
    assert told.coded_width % 16 == told.coded_height % 16 == 0
    assert told.coded_width <= given.coded_width
    assert told.coded_height <= given.coded_height
    if side * side >= width * height:
        assert (told.width, told.height) == size
    else:
        assert told.width % 2 == told.height % 2 == 0
        assert told.width * height / width == pytest.approx(told.height, abs=1 + height / width)
        # Even sides are at most one pixel off.
        slack = told.width + told.height + 1
        assert told.width * told.height == pytest.approx(side * side, abs=slack)
    assert decoded_header(given, None) == given


def test_a_canvas_in_a_narrow_picture_is_not_empty():
    given = VideoHeader(
        1, 16_384, 64, 64, Fraction(1, 25), Fraction(25), Fraction(1), ColourDescription(), "vvc",
        b"", "adaptive", "lite", bytes(16), Fraction(1), 40, canvas=(160, 160),
    )  # fmt: skip
    assert decoded_header(given, 1024).canvas == (2, 16_384)


def test_decoding_at_a_larger_size_changes_nothing(coded):
    with gvc.open(coded) as one, gvc.open(coded, size=512) as other:
        for whole, same in zip(one.decode(video=0), other.decode(video=0), strict=True):
            assert (whole.to_ndarray() == same.to_ndarray()).all()


@pytest.mark.parametrize("size", [-5, 0, 63, 5000])
def test_sizes_that_cannot_be_decoded_are_refused(size, coded, tmp_path):
    with pytest.raises(UsageError, match="size"):
        gvc.open(coded, size=size)
    with pytest.raises(UsageError, match="size"):
        gvc.open(tmp_path / "out.gvc", "w", size=128)
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize(
    ("change", "error"),
    [
        ({"codec": "nonesuch"}, UnsupportedError),
        ({"codec": "h264"}, UnsupportedError),
        # A decoder of FFmpeg's that nothing written here needs.
        ({"codec": "wavpack"}, UnsupportedError),
        ({"layout": "nonesuch"}, InvalidDataError),
    ],
)
def test_sound_that_no_file_holds_is_refused(change, error):
    header = AudioHeader("opus", 48_000, 1, "mono", Fraction(1, 48_000))
    AudioDecoder(header)
    with pytest.raises(error, match=next(iter(change.values()))):
        AudioDecoder(replace(header, **change))


def test_an_index_that_goes_back_is_no_negative_duration(coded):
    reader, file = BitstreamReader(io.BytesIO(coded.read_bytes())), io.BytesIO()
    writer = BitstreamWriter(file)
    writer.write_header(reader.header)
    for unit in reader:
        if isinstance(unit, Group):
            writer.write_group(unit)
    writer.close(end_pts=-1)
    with gvc.open(io.BytesIO(file.getvalue())) as container:
        assert (container.duration, container.bit_rate) == (0, None)


def test_audio_can_be_written_and_taken_from_a_template(tmp_path, clip):
    made, copied = tmp_path / "made.gvc", tmp_path / "copied.gvc"
    with av.open(str(clip)) as source, gvc.open(made, "w", options=FAST) as output:
        video = output.add_stream("gvc", rate=25)
        audio = output.add_stream("libopus")
        for frame in source.decode():
            stream = video if isinstance(frame, av.VideoFrame) else audio
            output.mux(stream.encode(frame))
        for stream in (audio, video):
            output.mux(stream.encode())
    with av.open(str(clip)) as source, gvc.open(copied, "w", options=FAST) as output:
        video = output.add_stream("gvc", rate=25)
        output.add_stream_from_template(source.streams.audio[0])
        for packet in source.demux():
            if packet.stream.type == "audio":
                output.mux(packet)
                continue
            for frame in packet.decode():
                output.mux(video.encode(frame))
        output.mux(video.encode())
    for path, codec in ((made, "opus"), (copied, "aac")):
        with gvc.open(path) as container:
            assert container.streams.audio[0].name == codec
            assert sum(frame.samples for frame in container.decode(audio=0)) > 30_000


def test_a_damaged_file_gives_what_is_whole_and_says_where_it_ends(coded):
    data = coded.read_bytes()
    with gvc.open(coded) as container:
        starts = [group.offset for group in container.index.groups]
    for cut, whole in ((starts[2] + 5, 16), (starts[1] + 5, 8), (len(data) - 3, 20)):
        seen = []
        with pytest.raises(InvalidDataError):
            for frame in gvc.open(io.BytesIO(data[:cut])).decode(video=0):
                seen.append(frame)
        assert len(seen) == whole


def test_errors_are_of_one_kind_and_name_the_file(tmp_path, coded):
    with pytest.raises(MediaError, match="nowhere.gvc"):
        gvc.open(tmp_path / "nowhere.gvc")
    text = tmp_path / "text.gvc"
    text.write_text("hello")
    with pytest.raises(InvalidDataError, match="text.gvc"):
        gvc.open(text)
    with pytest.raises(UsageError, match="speed"):
        gvc.open(tmp_path / "out.gvc", "w", options={"speed": "9"})
    with pytest.raises(UsageError):
        gvc.open(tmp_path / "out.gvc", "w", options={"key_qp": "77"})
    with pytest.raises(UsageError):
        gvc.open(coded, "a")
    assert list(tmp_path.iterdir()) == [text]


def test_files_of_unknown_weights_name_them(coded):
    with coded.open("rb") as file:
        reader = BitstreamReader(file)
        header, group = reader.header, next(unit for unit in reader if isinstance(unit, Group))
    changed = io.BytesIO()
    writer = BitstreamWriter(changed)
    writer.write_header(replace(header, video=replace(header.video, weights=bytes(16))))
    writer.write_group(group)
    writer.close(end_pts=group.frames)
    changed.seek(0)
    with gvc.open(changed) as container, pytest.raises(WeightsError, match="00000000"):
        next(container.decode(video=0))


def test_nothing_is_left_behind_by_a_failure(tmp_path):
    path = tmp_path / "out.gvc"
    with pytest.raises(ZeroDivisionError), gvc.open(path, "w", options=FAST) as output:
        stream = output.add_stream("gvc", rate=25)
        for frame in drawn(2):
            output.mux(stream.encode(frame))
        raise ZeroDivisionError
    with pytest.raises(InvalidDataError, match="no video frame"), gvc.open(path, "w"):
        pass
    assert not list(tmp_path.iterdir())


def test_a_scene_cut_starts_a_group(tmp_path):
    path = tmp_path / "cut.gvc"

    def scenes():
        yield from drawn(6)
        rng = np.random.default_rng(1)
        other = np.kron(rng.integers(0, 255, (8, 8, 3)), np.ones((10, 12, 1))).astype(np.uint8)
        for _ in range(4):
            yield av.VideoFrame.from_ndarray(other, format="rgb24")

    encode(scenes(), path, options={"key_codec": "hevc"})
    with gvc.open(path) as container:
        assert [packet.frames for packet in container.demux(video=0)] == [6, 4]


def test_real_footage_looks_like_itself(footage, tmp_path):
    source = footage("saifhassan__Wav2Lip-HD__kennedy_low.mp4")
    pictures = read_video(source)[:40]
    file = io.BytesIO()
    encode(pictures, file, rate=30)
    file.seek(0)
    with gvc.open(file) as container:
        decoded = list(container.decode(video=0))
    shown = np.stack([frame.to_ndarray(format="rgb24", width=64, height=48) for frame in decoded])
    wanted = np.stack([frame.to_ndarray(format="rgb24", width=64, height=48) for frame in pictures])
    assert np.abs(shown.astype(int) - wanted).mean() < 12
    assert Path(source).stat().st_size > 10 * len(file.getvalue())
