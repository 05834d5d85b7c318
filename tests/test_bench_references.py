"""Which clips the benchmark takes, references made of them, and scores against those."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from conftest import draw_head, run_gvc, write_clip
from metric_weights import weights_folder

pytest.importorskip("bjontegaard", reason="the extra gvc[bench] is not installed")

from gvc.bench.clips import Selection, find_clips
from gvc.bench.reference import make_reference
from gvc.bench.scores import METRICS, Scorer, libvmaf
from gvc.clips import Kind, Split
from gvc.errors import GvcError, InvalidDataError, MediaError, UsageError

SIDE = 176
FRAMES = 3

pytestmark = pytest.mark.usefixtures("torch_threads")


@pytest.fixture
def reference(short_clip, tmp_path):
    (clip,) = find_clips([short_clip], Selection())
    return make_reference(clip, tmp_path / "references", side=SIDE, frames=FRAMES)


# Clips and references


def write_table(folder: Path, *rows: str, head: str = "file\tidentity\tsplit\tkind") -> Path:
    (folder / "clips.tsv").write_text("\n".join((head, *rows)) + "\n")
    return folder


def write_people(folder: Path) -> Path:
    """A table of three people, one of them on the other side of the split; a1 shows a's body."""
    return write_table(
        folder,
        "a0.mp4\ta\tval\ttalking-head",
        "a1.mp4\ta\tval\tbody",
        "a2.mp4\ta\tval\ttalking-head",
        "b0.mp4\tb\ttrain\ttalking-head",
        "c0.mp4\tc\tval\ttalking-head",
    )


@pytest.mark.parametrize(
    ("selection", "names"),
    [
        (Selection(), ["a0", "c0", "a2"]),
        (Selection(limit=2), ["a0", "c0"]),
        (Selection(per_identity=1), ["a0", "c0"]),
        (Selection(kind=Kind.BODY), ["a1"]),
        (Selection(kind=None), ["a0", "c0", "a1", "a2"]),
        (Selection(kind=None, per_identity=2, limit=3), ["a0", "c0", "a1"]),
        (Selection(split=Split.TRAIN), ["b0"]),
    ],
    ids=repr,
)
def test_tables_give_what_is_asked_for_different_people_first(tmp_path, selection, names):
    found = find_clips([write_people(tmp_path)], selection)
    assert [clip.name for clip in found] == names


def test_single_files_count_whatever_is_asked_of_tables(short_clip):
    (clip,) = find_clips([short_clip], Selection(Split.TRAIN, Kind.BODY, per_identity=1))
    assert clip.path == short_clip


def test_wrong_sources_are_named(tmp_path):
    with pytest.raises(MediaError, match="clips.tsv"):
        find_clips([tmp_path], Selection())
    with pytest.raises(MediaError, match="none.mp4: no such file"):
        find_clips([tmp_path / "none.mp4"], Selection())
    write_table(tmp_path, "a.mp4\ta\ttrain\tbody")
    with pytest.raises(UsageError, match="no clip of split 'val' and kind 'talking-head'"):
        find_clips([tmp_path], Selection())
    with pytest.raises(UsageError, match="no clip of split 'val'$"):
        find_clips([tmp_path], Selection(kind=None))
    write_table(tmp_path, "a.mp4\tval", "b/a.mp4\tval", head="file\tsplit")
    with pytest.raises(InvalidDataError, match="identity"):
        find_clips([tmp_path], Selection())
    write_table(tmp_path, "a.mp4\ta\tval\tbody", "b/a.mp4\tb\tval\tbody")
    with pytest.raises(UsageError, match="two clips are called a"):
        find_clips([tmp_path], Selection(kind=None))


def test_the_command_passes_on_what_is_selected(tmp_path):
    arguments = ["--split", "train", "--kind", "body", "--per-identity", 1]
    done = run_gvc("bench", "rd", write_people(tmp_path), "-o", tmp_path / "out", *arguments)
    assert done.returncode == 2
    assert b"no clip of split 'train' and kind 'body'" in done.stderr


def test_a_reference_holds_the_pictures_of_its_clip(reference):
    assert (reference.frames, reference.rate, reference.seconds) == (FRAMES, 25, FRAMES / 25)
    assert reference.path.stat().st_size == FRAMES * SIDE * SIDE * 3 // 2
    shown = reference.rgb(reference.planes(), [0, 2])
    drawn = np.stack([draw_head(index, SIDE, SIDE) for index in (0, 2)])
    assert np.abs(shown.astype(int) - drawn).mean() < 4


def test_a_reference_is_made_once(reference, short_clip):
    (clip,) = find_clips([short_clip], Selection())
    before = reference.path.stat().st_mtime_ns
    again = make_reference(clip, reference.path.parent, side=SIDE, frames=FRAMES)
    assert again == reference
    assert reference.path.stat().st_mtime_ns == before
    longer = make_reference(clip, reference.path.parent, side=SIDE, frames=6)
    assert (longer.frames, longer.digest == reference.digest) == (6, False)


def test_a_reference_needs_two_pictures(tmp_path):
    (clip,) = find_clips([write_clip(tmp_path / "one.mp4", frames=1, audio=False)], Selection())
    with pytest.raises(InvalidDataError, match="one.mp4"):
        make_reference(clip, tmp_path, side=SIDE, frames=FRAMES)


def test_too_few_decoded_pictures_are_found(reference, tmp_path):
    short = tmp_path / "short.yuv"
    short.write_bytes(reference.path.read_bytes()[: SIDE * SIDE * 3 // 2])
    with pytest.raises(InvalidDataError, match=f"1 pictures where {FRAMES} were coded"):
        reference.planes(short)


# Scores


def test_libvmaf_knows_identical_pictures(reference, tmp_path):
    scores = libvmaf(reference, reference.path, tmp_path, threads=1)
    assert scores["vmaf"] > 95
    assert scores["ms_ssim"] == pytest.approx(1)
    assert scores["psnr_y"] == pytest.approx(60)


def test_scores_of_identical_and_of_still_pictures(reference, tmp_path):
    scorer = Scorer(weights=weights_folder(), every=1, device="cpu", threads=1)
    same = scorer.score(reference, reference.path, tmp_path)
    assert list(same) == [metric.name for metric in METRICS]
    for name in ("lpips_alex", "lpips_squeeze", "tlp_alex"):
        assert same[name] == pytest.approx(0, abs=1e-6)
    still = tmp_path / "still.yuv"
    still.write_bytes(reference.path.read_bytes()[: SIDE * SIDE * 3 // 2] * FRAMES)
    scores = scorer.score(reference, still, tmp_path)
    for metric in METRICS:
        better = scores[metric.name] > same[metric.name]
        assert better != metric.higher_is_better


def test_missing_networks_are_an_error_with_a_hint(tmp_path, monkeypatch):
    monkeypatch.setenv("TORCH_HOME", str(tmp_path))
    with pytest.raises(GvcError, match="--metric-weights"):
        Scorer(weights=tmp_path, every=2, device="cpu", threads=None)
