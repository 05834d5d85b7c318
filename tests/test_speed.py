"""The benchmark of speed from outside: its files, its figures, its words."""

from __future__ import annotations

import json

import numpy as np
import pytest
import torch
from click.testing import CliRunner
from conftest import run_gvc, write_clip

import gvc
from gvc.bench.sample import RATE, lengthen, make_pictures
from gvc.bench.speed import Figure, SpeedReport, Unit
from gvc.bench.speed_settings import SpeedSettings
from gvc.bench.speed_table import speed_json, speed_table
from gvc.cli.bench import command
from gvc.codec.summary import summarise
from gvc.errors import GvcError, MediaError, UsageError

NAMES = {
    "generator of the paper's size": Unit.MILLISECONDS_A_FRAME,
    "encode: analysis only": Unit.FRAMES_A_SECOND,
    "encode: whole file": Unit.FRAMES_A_SECOND,
    "decode: whole file to frames": Unit.FRAMES_A_SECOND,
    "decode: whole file to H.264": Unit.FRAMES_A_SECOND,
    "decode stage: entropy": Unit.MILLISECONDS_A_FRAME,
    "decode stage: motion": Unit.MILLISECONDS_A_FRAME,
    "decode stage: generator": Unit.MILLISECONDS_A_FRAME,
    "decode stage: colour": Unit.MILLISECONDS_A_FRAME,
    "decode stage: H.264": Unit.MILLISECONDS_A_FRAME,
    "start: gvc info": Unit.SECONDS,
    "start: gvc decode to the first frame": Unit.SECONDS,
    "start: gvc decode to the first generated frame": Unit.SECONDS,
    "memory: gvc decode of 0.4 s": Unit.MEBIBYTES,
    "memory: gvc decode of 0.8 s": Unit.MEBIBYTES,
}


def test_every_figure_is_measured_and_compared():
    arguments = ["--size", "64", "--seconds", "0.4", "--long", "0.8", "--repeat", "1"]
    before = torch.get_num_threads()
    try:
        done = CliRunner().invoke(command, ["speed", *arguments, "--threads", "1", "--json"])
    finally:
        torch.set_num_threads(before)
    assert done.exit_code == 0, done.output
    told = json.loads(done.stdout)
    assert (told["size"], told["seconds"], told["threads"], told["clip"]) == (64, 0.4, 1, None)
    assert told["cpu"]
    assert told["torch"]
    assert told["date"].endswith("+00:00")
    figures = {figure["name"]: figure for figure in told["figures"]}
    assert {name: figure["unit"] for name, figure in figures.items()} == NAMES
    assert all(figure["value"] > 0 for figure in figures.values())
    paper = figures["generator of the paper's size"]["value"] / 1000
    for figure in figures.values():
        if figure["unit"] == Unit.FRAMES_A_SECOND:
            assert figure["ratio"] == pytest.approx(figure["value"] * paper)
        elif figure["unit"] == Unit.MILLISECONDS_A_FRAME:
            assert figure["ratio"] == pytest.approx(1000 * paper / figure["value"])
        else:
            assert figure["ratio"] is None
    assert "memory" in done.stderr


@pytest.mark.parametrize("paper", [True, False])
def test_the_table_holds_every_figure(paper):
    figures = (
        Figure("decode", 25.25, Unit.FRAMES_A_SECOND, 56.0 if paper else None),
        Figure("start", 0.126, Unit.SECONDS),
    )
    settings = SpeedSettings(paper=paper)
    report = SpeedReport("2025-01-01", "a CPU", "cpu", "2.13", 2, settings, figures)
    lines = speed_table(report).splitlines()
    assert "a CPU, 2 threads, torch 2.13" in lines[0]
    assert lines[-2].split() == ["decode", "25.2", "frames/s", *(["56.0"] if paper else [])]
    assert lines[-1].split() == ["start", "0.13", "s"]
    assert ("paper" in "".join(lines)) == paper
    assert [figure["name"] for figure in speed_json(report)["figures"]] == ["decode", "start"]


def test_a_short_clip_is_shown_forwards_and_backwards(tmp_path):
    clip = write_clip(tmp_path / "nod.mp4", frames=4, audio=False)
    pictures = make_pictures(SpeedSettings(clip=clip, size=64, seconds=0.4))
    assert len(pictures) == 10
    assert {picture.shape for picture in pictures} == {(64, 64, 3)}
    for index, same in ((4, 2), (5, 1), (6, 0), (7, 1)):
        assert (pictures[index] == pictures[same]).all()
    assert not (pictures[0] == pictures[1]).all()


def test_a_coded_clip_is_taken_too(coded):
    pictures = make_pictures(SpeedSettings(clip=coded, size=64, seconds=0.4))
    assert len(pictures) == 10
    assert np.stack(pictures).std() > 10


def test_a_lengthened_file_is_the_file_again_and_again(coded, tmp_path):
    longer = tmp_path / "longer.gvc"
    assert lengthen(coded, longer, 2.0) == pytest.approx(2.4)
    with longer.open("rb") as file:
        summary = summarise(file)
    assert summary.problem is None
    assert float(summary.seconds) == pytest.approx(2.4)
    with gvc.open(coded) as short, gvc.open(longer) as container:
        once, thrice = (
            [(packet.unit.conventional, packet.unit.motion) for packet in file.demux(video=0)]
            for file in (short, container)
        )
        assert thrice == 3 * once
        container.seek(1_700_000)
        last = [frame.time for frame in container.decode(video=0)]
    assert last[0] == pytest.approx(1.6)
    assert np.diff(last) == pytest.approx(1 / RATE)


def test_settings_that_make_no_sense(tmp_path):
    for changes in ({"size": 100}, {"size": 32}, {"seconds": 0.1}, {"long_seconds": 5}):
        with pytest.raises(UsageError, match="measured"):
            SpeedSettings(**changes)
    with pytest.raises(MediaError, match=r"none\.mp4"):
        SpeedSettings(clip=tmp_path / "none.mp4")
    text = tmp_path / "text.mp4"
    text.write_text("dear diary\n" * 100)
    with pytest.raises(GvcError, match=r"text\.mp4"):
        make_pictures(SpeedSettings(clip=text))


def test_wrong_usage_exits_2():
    for arguments in (["--size", "100"], ["--repeat", "0"], ["--device", "abacus"]):
        done = run_gvc("bench", "speed", "--seconds", 0.4, *arguments)
        assert done.returncode == 2, done.stderr
        assert b"Traceback" not in done.stderr
