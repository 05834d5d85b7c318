"""Presets: every one works, and single options go over them."""

from __future__ import annotations

import io

import av
import pytest
from conftest import draw_head, run_gvc, write_clip

import gvc
from gvc.codec.presets import PRESETS
from gvc.errors import UsageError


@pytest.fixture(scope="module")
def source(tmp_path_factory):
    return write_clip(tmp_path_factory.mktemp("presets") / "in.mkv", width=96, height=96, frames=6)


def encode(source, target, *options: object) -> bytes:
    done = run_gvc("encode", "-y", "--audio", "none", *options, source, target)
    assert done.returncode == 0, done.stderr
    return target.read_bytes()


@pytest.mark.parametrize("name", PRESETS)
def test_every_preset_makes_a_file(name, source, tmp_path):
    target = tmp_path / "out.gvc"
    encode(source, target, "--preset", name)
    with gvc.open(target) as container:
        assert sum(1 for _ in container.decode(video=0)) == 6


def test_single_options_go_over_a_preset(source, tmp_path):
    target = tmp_path / "out.gvc"
    slower = encode(source, target, "--preset", "slower", "--refine", 0, "--key-preset", "faster")
    assert slower == encode(source, target, "--preset", "faster")
    assert encode(source, target, "--preset", "medium") == encode(source, target)


def test_options_of_streams_know_presets():
    def coded(**options: str) -> bytes:
        file = io.BytesIO()
        with gvc.open(file, "w", options=options) as output:
            stream = output.add_stream("gvc", rate=25)
            for index in range(3):
                picture = draw_head(index, 96, 96)
                output.mux(stream.encode(av.VideoFrame.from_ndarray(picture, format="rgb24")))
            output.mux(stream.encode())
        return file.getvalue()

    faster = coded(preset="faster")
    assert coded(preset="slower", refine="0", key_preset="faster") == faster
    assert coded(refine="0", key_preset="faster", preset="slower") == faster


def test_unknown_presets_are_errors_of_usage(source, tmp_path):
    done = run_gvc("encode", "--preset", "ultra", source, tmp_path / "out.gvc")
    assert done.returncode == 2
    assert b"faster, fast, medium, slow, slower" in done.stderr
    with pytest.raises(UsageError, match="ultra"):
        gvc.open(tmp_path / "out.gvc", "w", options={"preset": "ultra"})
    assert not (tmp_path / "out.gvc").exists()
