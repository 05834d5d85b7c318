"""Tags of recordings: repaired, shortened, and kept, with those of streams."""

from __future__ import annotations

import io
import json
import subprocess
from dataclasses import replace
from pathlib import Path

import av
import pytest
from conftest import run_gvc, write_clip
from hypothesis import given
from hypothesis import strategies as st
from pieces import portrait, video_header
from recordings import FFMPEG, SETTINGS

import gvc
from gvc.api.transcode import encode
from gvc.bitstream import MAX_TEXT, BitstreamWriter, FileHeader
from gvc.media import AudioMode, Source, holds_video
from gvc.media.tags import repaired, shortened, tags_of_file, tags_of_stream


@pytest.fixture(scope="module")
def clip(tmp_path_factory) -> Path:
    return write_clip(tmp_path_factory.mktemp("tags") / "clip.mp4", frames=3)


def tagged(clip: Path, target: Path, *tags: str, before: tuple[str, ...] = ()) -> Path:
    command = [FFMPEG, "-y", "-v", "error", "-i", str(clip), "-c", "copy", *before]
    for tag in tags:
        kind, _, text = tag.rpartition("|")
        command += [f"-metadata{kind}", text]
    subprocess.run([*command, str(target)], check=True)
    return target


def coded(source: Path) -> tuple[bytes, list[str]]:
    said: list[str] = []
    target = io.BytesIO()
    encode(source, target, settings=SETTINGS, on_warning=said.append)
    return target.getvalue(), said


@pytest.mark.parametrize(
    ("data", "text"),
    [
        (b"plain", "plain"),
        ("żółć 語".encode(), "żółć 語"),
        (b"caf\xe9", "café"),
        (b"M\xe9moire d'un \xe9t\xe9", "Mémoire d'un été"),
        (b"\x93quoted\x94 \x96 \x80", "“quoted” – €"),
        ("日本語のタグ".encode("cp932"), "日本語のタグ"),
        ("cut off: żółć".encode()[:-1], "cut off: żół"),
        (b"\x81\xff", "\ufffdÿ"),
    ],
)
def test_bytes_that_are_not_utf8_are_repaired(data, text):
    assert repaired(data.decode("utf-8", "surrogateescape")) == text


@given(st.binary(max_size=60))
def test_any_bytes_become_text_that_a_file_holds(data):
    repaired(data.decode("utf-8", "surrogateescape")).encode()


@given(st.text(max_size=40), st.integers(0, 60))
def test_texts_are_cut_between_characters(text, most):
    short = shortened(text, most)
    assert text.startswith(short)
    assert len(short.encode()) <= most
    assert len(short.encode()) > most - 4 or short == text


def test_latin_tags_of_an_avi_are_repaired_and_nothing_skips_the_file(clip, tmp_path):
    path = tmp_path / "latin.avi"
    command = [FFMPEG, "-v", "error", "-i", clip, "-c:v", "mpeg4", "-an"]
    subprocess.run([*command, "-metadata", "title=XXXX", path], check=True)
    path.write_bytes(path.read_bytes().replace(b"XXXX", b"caf\xe9"))
    assert holds_video(path)
    with Source(path) as source:
        assert source.metadata["title"] == "café"
    data, said = coded(path)
    assert said == []
    with gvc.open(io.BytesIO(data)) as container:
        assert container.metadata["title"] == "café"


def test_a_long_tag_is_shortened_and_said(clip, tmp_path):
    """yt-dlp stores descriptions of any length."""
    text = "d" * (MAX_TEXT - 1) + "é" * 400
    path = tagged(clip, tmp_path / "long.mkv", f"description={text}", "title=short")
    data, said = coded(path)
    assert said == [f"the tag 'DESCRIPTION' is shortened to {MAX_TEXT} bytes"]
    with gvc.open(io.BytesIO(data)) as container:
        assert container.metadata["DESCRIPTION"] == "d" * (MAX_TEXT - 1)
        assert container.metadata["title"] == "short"
        assert len(list(container.decode(video=0))) == 3


def test_a_hundred_tags_are_kept(clip, tmp_path):
    tags = {f"KEY{n}": f"value {n}" for n in range(100)}
    path = tagged(clip, tmp_path / "many.mkv", *(f"{k}={v}" for k, v in tags.items()))
    data, said = coded(path)
    assert said == []
    with gvc.open(io.BytesIO(data)) as container:
        assert container.metadata == tags


def test_more_than_a_file_holds_is_left_out_and_said():
    said: list[str] = []
    tags = {f"k{n}": "v" for n in range(2000)}
    kept = tags_of_file(tags, said.append)
    assert kept == dict(list(tags.items())[: len(kept)])
    assert said == [f"{2000 - len(kept)} tags are left out: too many, or too long"]
    said.clear()
    kept = tags_of_file({f"k{n}": "v" * 5000 for n in range(1000)}, said.append)
    assert 0 < len(kept) < 1000
    assert said[-1].endswith("tags are left out: too many, or too long")
    said.clear()
    assert tags_of_file({"k" * 5000: "v", "": "no key"}, said.append) == {}
    assert said == ["1 tag is left out: too many, or too long"]


@given(
    st.dictionaries(
        st.text(st.characters(codec="utf-8"), max_size=9)
        | st.integers(4090, 4100).map(lambda n: "é" * (n // 2) + "k" * (n % 2)),
        st.text(st.characters(codec="utf-8"), max_size=9) | st.just("語" * 2000),
        max_size=6,
    )
)
def test_any_tags_that_were_made_to_fit_can_be_written(given_tags):
    said: list[str] = []
    for tags in (tags_of_file(given_tags, said.append), tags_of_stream(given_tags, said.append)):
        header = FileHeader(
            video_header(), metadata=tuple(tags.items()), video_metadata=tuple(tags.items())
        )
        assert FileHeader.from_bytes(header.to_bytes()) == header


@pytest.mark.parametrize("suffix", [".mp4", ".mkv", ".webm", ".nut"])
def test_languages_and_titles_of_streams_are_kept(suffix, clip, tmp_path):
    path = tagged(
        clip,
        tmp_path / "source.mkv",
        "title=A talk",
        ":s:v:0|language=fra",
        ":s:v:0|title=Camera",
        ":s:a:0|language=deu",
        ":s:a:0|title=Ton",
    )
    data, _ = coded(path)
    file = tmp_path / "coded.gvc"
    file.write_bytes(data)
    told = json.loads(run_gvc("info", file, "--json").stdout)
    assert (told["video"]["language"], told["video"]["title"]) == ("fra", "Camera")
    assert (told["audio"]["language"], told["audio"]["title"]) == ("deu", "Ton")
    out = tmp_path / f"out{suffix}"
    assert run_gvc("decode", file, out).returncode == 0
    with av.open(str(out)) as container:
        video, audio = container.streams.video[0], container.streams.audio[0]
        assert (video.metadata["language"], audio.metadata["language"]) == ("fra", "deu")
        assert container.metadata["title"] == "A talk"
        if suffix != ".mp4":  # MP4 has a name for the handler only.
            assert (video.metadata["title"], audio.metadata["title"]) == ("Camera", "Ton")


def test_the_title_of_a_stream_stays_where_pixels_are_not_square(clip, tmp_path):
    path = tagged(clip, tmp_path / "wide.mkv", ":s:v:0|title=Camera", before=("-aspect", "3:1"))
    data, _ = coded(path)
    file, out = tmp_path / "coded.gvc", tmp_path / "out.mkv"
    file.write_bytes(data)
    assert run_gvc("decode", file, out).returncode == 0
    with av.open(str(out)) as container:
        stream = container.streams.video[0]
        assert stream.metadata["title"] == "Camera"
        assert stream.sample_aspect_ratio != 1


def test_a_language_that_is_not_determined_is_none(clip):
    with Source(clip, audio=AudioMode.COPY) as source:
        assert (source.video_metadata, source.audio_metadata) == ({}, {})


def test_tags_that_no_terminal_shows_are_escaped(clip, tmp_path):
    path = tagged(clip, tmp_path / "odd.mkv", "title=\x1b[31mred\nline", "comment=\u202e")
    data, _ = coded(path)
    file = tmp_path / "coded.gvc"
    file.write_bytes(data)
    shown = run_gvc("info", file)
    assert b"\\x1b[31mred line" in shown.stdout
    assert b"\x1b" not in shown.stdout
    told = json.loads(run_gvc("info", file, "--json").stdout)
    assert told["metadata"]["title"] == "\x1b[31mred\nline"
    out = tmp_path / "out.mp4"
    assert run_gvc("decode", file, out).returncode == 0


def test_text_ends_at_a_nul_where_ffmpeg_writes_it(tmp_path):
    header, group = portrait()
    file = tmp_path / "coded.gvc"
    with file.open("wb") as opened:
        writer = BitstreamWriter(opened)
        writer.write_header(replace(header, metadata=(("title", "a\0b"), ("\0", "nothing"))))
        writer.write_group(group)
        writer.close(end_pts=group.pts + group.frames * header.video.frame_duration)
    out = tmp_path / "out.mkv"
    assert run_gvc("decode", file, out, "--size", "64", "--no-audio").returncode == 0
    with av.open(str(out)) as container:
        assert container.metadata["title"] == "a"
