"""The benchmark from outside: bytes, resuming, deltas, scores, tables."""

from __future__ import annotations

import csv
import importlib.util
import json
import os
import re
import shutil
from collections import Counter
from dataclasses import replace
from fractions import Fraction
from pathlib import Path

import av
import numpy as np
import pytest
import torch
from conftest import SHARED, draw_head, run_gvc, write_clip

pytest.importorskip("bjontegaard", reason="the extra gvc[bench] is not installed")

from gvc.bench import run as bench_run
from gvc.bench.anchors import ANCHORS
from gvc.bench.clips import Selection, find_clips
from gvc.bench.curves import Curve, bd_rate
from gvc.bench.records import Record
from gvc.bench.reference import make_reference
from gvc.bench.report import described, write_report
from gvc.bench.rho import RhoPoint, RhoRow, RhoSettings, measure_rho, rate_at, rho_table
from gvc.bench.run import run_rd
from gvc.bench.scores import METRICS, Scorer, libvmaf
from gvc.bench.settings import CODECS, RdSettings
from gvc.bench.sheet import draw_sheet
from gvc.bench.summary import summarise_run
from gvc.bench.tables import table
from gvc.bitstream import FrameType
from gvc.clips import Kind, Split
from gvc.errors import GvcError, InvalidDataError, MediaError, UnsupportedError, UsageError

SIDE = 176
FRAMES = 3
LPIPS, PSNR = METRICS[0], METRICS[-1]


class PsnrJudge:
    """Gives all scores from PSNR, which needs no weights; counts how often it was asked."""

    def __init__(self):
        self.asked = 0

    def settings(self):
        return {"every": "1"}

    def score(self, reference, decoded, folder):
        self.asked += 1
        one, other = (np.asarray(reference.planes(p), dtype=float) for p in (None, decoded))
        psnr = -10 * np.log10(np.square(one - other).mean() / 255**2 + 1e-6)
        return {
            metric.name: psnr if metric.higher_is_better else 1 - psnr / 60 for metric in METRICS
        }


@pytest.fixture(scope="module", autouse=True)
def _threads():
    """Gives torch back the threads that these tests take from it."""
    before = torch.get_num_threads()
    yield
    torch.set_num_threads(before)


@pytest.fixture(scope="module")
def short_clip(tmp_path_factory):
    folder = tmp_path_factory.mktemp("bench-clips")
    return write_clip(folder / "nod.mp4", width=SIDE, height=SIDE, frames=8, audio=False)


@pytest.fixture
def reference(short_clip, tmp_path):
    (clip,) = find_clips([short_clip], Selection())
    return make_reference(clip, tmp_path / "references", side=SIDE, frames=FRAMES)


@pytest.fixture(scope="module")
def settings(short_clip, tmp_path_factory):
    return RdSettings(
        sources=(short_clip,),
        output=tmp_path_factory.mktemp("bench"),
        size=SIDE,
        frames=FRAMES,
        key_qps=(22, 37, 52),
        motion_steps=(Fraction(1, 5),),
        threads=1,
        jobs=2,
    )


@pytest.fixture(scope="module")
def results(settings):
    """A whole run of all codecs, scored without weights."""
    return run_rd(settings, judge=PsnrJudge(), on_step=lambda _: None)


@pytest.fixture(scope="module")
def summary(results):
    return write_report(results)


def weights_folder() -> Path:
    """Where the LPIPS weights are; skips where they are not."""
    folder = Path(os.environ.get("GVC_METRIC_WEIGHTS", SHARED / "weights"))
    if not (folder / "alexnet_features_tv.pth").exists():
        pytest.skip("the LPIPS networks are not beside this checkout (../shared/weights)")
    if importlib.util.find_spec("lpips") is None:
        pytest.skip("the package lpips with the LPIPS heads is not installed")
    return folder


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


# Codecs and their bytes


def by_point(results, codec):
    pairs = zip(results.tasks, results.records, strict=True)
    return [(task, record) for task, record in pairs if record.codec == codec]


@pytest.mark.parametrize("codec", CODECS)
def test_every_byte_counts(results, codec):
    for task, record in by_point(results, codec):
        written = task.stream.stat().st_size
        delimiters = 2 * FRAMES if codec == "av1" else 0
        assert record.size == written - delimiters
        assert record.kbps == pytest.approx(record.size * 8 / 1000 / (FRAMES / 25))
        if codec == "gvc":
            assert set(record.split) == {"key_frames", "motion_codes", "overhead"}
            assert sum(record.split.values()) == record.size


def test_av1_counts_all_but_temporal_delimiters(results):
    for task, record in by_point(results, "av1"):
        data = task.stream.read_bytes()
        assert data.count(b"\x12\x00") >= FRAMES
        assert record.size == len(data) - 2 * FRAMES
        with av.open(str(task.stream)) as container:
            assert sum(1 for _ in container.decode(video=0)) == FRAMES


def test_the_others_have_one_intra_picture_too(results):
    task, _ = by_point(results, "av1")[0]
    with av.open(str(task.stream)) as container:
        keys = [frame.key_frame for frame in container.decode(video=0)]
    assert keys == [True] + [False] * (FRAMES - 1)
    kinds = nal_unit_types(by_point(results, "hevc")[0][0].stream, lambda unit: unit[0] >> 1 & 63)
    assert sum(16 <= kind <= 21 for kind in kinds) == 1


@pytest.mark.parametrize("codec", ["vvc", "vvc-ld"])
def test_vvc_streams_hold_what_they_should(results, codec):
    """Types of table 5 of H.266: 7 to 9 random access points, 20 delimiters, 2 and 3 leading."""
    kinds = nal_unit_types(by_point(results, codec)[0][0].stream, lambda unit: unit[1] >> 3)
    assert sum(7 <= kind <= 9 for kind in kinds) == 1
    assert 20 not in kinds
    # Leading pictures are shown before a picture that is coded earlier.
    assert (2 in kinds or 3 in kinds) == (codec == "vvc")


def nal_unit_types(path, kind_of):
    return [kind_of(unit) for unit in re.split(rb"\x00\x00\x01", path.read_bytes())[1:]]


@pytest.mark.parametrize("codec", CODECS)
def test_better_points_cost_more(results, codec):
    pairs = by_point(results, codec)
    sizes = [record.size for _, record in pairs]
    assert sizes == sorted(sizes, reverse=True)
    assert pairs[0][1].scores["psnr_y"] > pairs[-1][1].scores["psnr_y"]


def test_the_motion_step_has_a_curve_of_its_own(results):
    ((task, record),) = by_point(results, "gvc-motion")
    assert (record.point, task.point.value) == ("step0.2", "key_qp=32 motion_step=1/5")


# Resuming


@pytest.fixture
def quick(settings, tmp_path, monkeypatch):
    monkeypatch.setitem(ANCHORS, "hevc", replace(ANCHORS["hevc"], values=(41, 46, 51)))
    return replace(settings, output=tmp_path, codecs=("hevc",), motion_steps=(), jobs=1)


def asked(settings, **changes) -> int:
    judge = PsnrJudge()
    run_rd(replace(settings, **changes), judge=judge, on_step=lambda _: None)
    return judge.asked


def test_a_rerun_measures_what_is_missing_only(quick):
    count = len(ANCHORS["hevc"].points)
    results = quick.output / "results.jsonl"
    assert asked(quick) == count
    assert asked(quick) == 0
    lines = results.read_text().splitlines()
    assert len(lines) == count
    results.write_text("\n".join(lines[:-1]) + "\n" + lines[-1][:40])
    assert asked(quick) == 1
    assert asked(quick) == 0
    assert asked(quick, frames=2) == count
    assert asked(quick) == 0
    assert asked(quick, restart=True) == count


def test_records_are_there_before_the_run_ends(quick):
    class Failing(PsnrJudge):
        def score(self, reference, decoded, folder):
            if self.asked == 2:
                raise MediaError("the judge is ill")
            return super().score(reference, decoded, folder)

    with pytest.raises(MediaError, match="nod, hevc crf51: the judge is ill"):
        run_rd(quick, judge=Failing(), on_step=lambda _: None)
    assert len((quick.output / "results.jsonl").read_text().splitlines()) == 2
    assert not [path for path in quick.work.iterdir() if path.name.startswith("tmp")]
    assert asked(quick) == len(ANCHORS["hevc"].points) - 2


def test_our_points_are_keyed_by_weights(settings, tmp_path, monkeypatch):
    one, two = (tmp_path / name for name in ("one.safetensors", "two.safetensors"))
    from gvc.model import weights

    shipped = weights.default("lite")
    weights.save(shipped, one)
    other = {name: array + np.float16(0.001) for name, array in shipped.arrays.items()}
    weights.save(weights.Weights("lite", other, b""), two)
    quick = replace(
        settings, output=tmp_path / "out", codecs=("gvc",), key_qps=(40,), motion_steps=(), jobs=1
    )
    assert asked(quick) == 1
    assert asked(quick, weights=one) == 0
    assert asked(quick, weights=two) == 1


# Deltas


def curve(rates, scores) -> Curve:
    return Curve(tuple(rates), tuple(scores))


@pytest.mark.parametrize("metric", [PSNR, LPIPS], ids=lambda metric: metric.name)
def test_bd_rate_of_known_curves(metric):
    rates = (2.0, 4.0, 8.0, 16.0)
    scores = (28.0, 30.5, 32.0, 33.0) if metric is PSNR else (0.4, 0.25, 0.15, 0.1)
    anchor = curve(rates, scores)
    assert bd_rate(anchor, anchor, metric).percent == pytest.approx(0, abs=1e-6)
    half = curve((rate / 2 for rate in rates), scores)
    assert bd_rate(anchor, half, metric).percent == pytest.approx(-50)
    assert bd_rate(half, anchor, metric).percent == pytest.approx(100)
    assert bd_rate(anchor, half, metric).overlap == pytest.approx(1)


def test_bd_rate_is_none_where_curves_say_nothing():
    rates = (2.0, 4.0, 8.0, 16.0)
    low, high = curve(rates, (20, 21, 22, 23)), curve(rates, (30, 31, 32, 33))
    assert bd_rate(low, high, PSNR).percent is None
    assert "above" in bd_rate(low, high, PSNR).reason
    assert "below" in bd_rate(high, low, PSNR).reason
    touching = bd_rate(low, curve(rates, (22.9, 25, 27, 29)), PSNR)
    assert (touching.percent, "share only" in touching.reason) == (None, True)
    falling = bd_rate(low, curve(rates, (23, 22, 21, 20)), PSNR)
    assert (falling.percent, "fewer" in falling.reason) == (None, True)


def test_points_that_buy_nothing_are_left_out():
    rates = (2.0, 4.0, 8.0, 16.0)
    anchor = curve(rates, (28.0, 30.5, 32.0, 33.0))
    with_waste = curve((2.0, 3.0, 4.0, 8.0, 16.0), (28.0, 27.0, 30.5, 32.0, 33.0))
    assert bd_rate(anchor, with_waste, PSNR).percent == pytest.approx(0, abs=1e-6)


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


# With a greatest distance


def rho_point(kbps: float, lpips: float, worst: float = 0.2) -> RhoPoint:
    types = Counter({FrameType.KEY: 1, FrameType.INTERPOLATED: 3})
    return RhoPoint(kbps, lpips, {"shipped": worst, "lpips": worst}, types)


def test_the_rate_of_the_plain_encoder_is_read_off_its_curve():
    # The third is dearer than the first and no better.
    curve = [rho_point(2, 0.3), rho_point(8, 0.1), rho_point(4, 0.35)]
    assert rate_at(curve, 0.3) == pytest.approx(2)
    assert rate_at(curve, 0.2) == pytest.approx(4)
    assert rate_at(curve, 0.1) == pytest.approx(8)
    assert rate_at(curve, 0.09) is None
    assert rate_at(curve, 0.31) is None


def test_the_table_says_what_a_greatest_distance_saves():
    points = (rho_point(3, 0.2), rho_point(5, 0.1, worst=0.25))
    rows = [RhoRow("shipped", None, points, (4.0, None)), RhoRow("lpips", 0.25, points, (4.0, 6.0))]
    lines = rho_table(rows).splitlines()
    assert "| shipped | none | 4.00 | 4.00 | +25.0 % |" in lines[2]
    assert (
        "| lpips | 0.25 | 4.00 | 5.00 | +20.0 % | 0.1500 | 25.0 | 0.0 | 0.0 | 75.0 | 0.0 |"
        in lines[3]
    )
    assert lines[3].endswith("| 0.2500 |")


def test_rates_with_a_greatest_distance_are_measured(tmp_path):
    clip = write_clip(tmp_path / "head.mp4", width=128, height=128, frames=6)
    told: list[str] = []
    settings = RhoSettings(
        limits=(0.3,),
        distances=("shipped", "lpips"),
        key_qp=42,
        plain_qps=(37, 47),
        plain_steps=(Fraction(1),),
        size=128,
        frames=6,
        every=2,
        metric_weights=weights_folder(),
        threads=1,
    )
    rows = measure_rho(find_clips([clip], Selection()), settings, on_point=told.append)
    assert [row.limit for row in rows] == [None, 0.3, None, 0.3]
    for row in rows[1::2]:
        (limited,) = row.points
        assert limited.worst[row.distance] <= 0.3
        assert limited.types.total() == 6
    assert len(told) == 5


def test_missing_networks_are_an_error_with_a_hint(tmp_path, monkeypatch):
    monkeypatch.setenv("TORCH_HOME", str(tmp_path))
    with pytest.raises(GvcError, match="--metric-weights"):
        Scorer(weights=tmp_path, every=2, device="cpu", threads=None)


# Reports


def test_tables_hold_every_codec_and_clip(results, summary):
    output = results.settings.output
    page = (output / "index.html").read_text()
    told = json.loads((output / "summary.json").read_text())
    rows = list(csv.DictReader((output / "results.csv").open()))
    assert len(rows) == len(results.records)
    assert {row["codec"] for row in rows} == set(told["codecs"]) == {*CODECS, "gvc-motion"}
    for codec in summary.codecs:
        assert codec.title in page
        assert codec.note.split(",")[0] in page
    for metric in METRICS:
        assert page.count(metric.title) >= 3
        assert (output / f"rd-{metric.name}.png").read_bytes()[:4] == b"\x89PNG"
        assert set(told["bd_rate"]["vvc"][metric.name]["by_clip"]) == {"nod"}
    assert "nod" in page
    assert set(told["bd_rate"]) == set(ANCHORS)
    assert all(title in table(summary) for title in ("VVC random access", "AV1", "LPIPS-alex"))


def test_faces_are_reported_where_they_were_compared(results, summary, tmp_path):
    before = (results.settings.output / "index.html").read_text()
    assert "face similarity" not in before
    assert "face_similarity" not in (results.settings.output / "summary.json").read_text()

    def seen(place: int, record: Record) -> Record:
        return replace(record, scores={**record.scores, "face_similarity": 0.9 - place / 100})

    records = tuple(seen(place, record) for place, record in enumerate(results.records))
    told = replace(results, settings=replace(results.settings, output=tmp_path), records=records)
    told.settings.work.mkdir()
    report = write_report(told)
    page = (tmp_path / "index.html").read_text()
    assert page.count("face similarity") >= 3
    assert "faces verified" not in page
    assert "face similarity" in table(report)
    means = json.loads((tmp_path / "summary.json").read_text())["means"]
    assert means[0]["scores"]["face_similarity"] == pytest.approx(0.9)
    assert (tmp_path / "rd-face_similarity.png").exists()
    first = next(csv.DictReader((tmp_path / "results.csv").open()))
    assert float(first["face_similarity"]) == pytest.approx(0.9)


def test_a_clip_without_a_face_counts_for_other_metrics_only(results):
    first, *others = results.records
    other = replace(first, clip="wall", scores=dict(first.scores))
    seen = replace(first, scores={**first.scores, "face_similarity": 0.5})
    summary = summarise_run(results.codecs, [seen, other, *others])
    (mean,) = (m for m in summary.means if (m.codec, m.point) == (first.codec, first.point))
    assert mean.clips == 2
    assert mean.scores["face_similarity"] == 0.5
    assert "face_similarity" not in summary.of(first.codec, "wall")[0].scores


def test_the_report_says_what_was_asked_for(settings):
    told = described(replace(settings, selection=Selection(kind=None, per_identity=1)))
    assert (told["kind"], told["per_identity"], told["limit"]) == ("all", 1, "unlimited")
    assert (told["weights"], told["options"]) == ("as shipped", "default")
    options = (("refine", "4"), ("gop_size", "100"), ("refine", "8"))
    assert described(replace(settings, options=options))["options"] == "refine=8 gop_size=100"


def test_the_page_needs_no_other_file(results, summary):
    page = (results.settings.output / "index.html").read_text()
    sources = re.findall(r'(?:src|href)="([^"]{0,30})', page)
    assert len(sources) == len(METRICS) + 1
    assert all(source.startswith("data:image/png;base64,") for source in sources)
    assert "color-scheme: light dark" in page


def test_the_sheet_is_drawn_again_from_coded_files(results, summary):
    sheet = results.settings.output / "sheet.png"
    before = sheet.read_bytes()
    shutil.rmtree(results.settings.work / "streams")
    sheet.unlink()
    assert draw_sheet(results, sheet)
    assert sheet.read_bytes() == before


def test_a_run_of_one_codec_has_no_deltas(quick):
    results = run_rd(quick, judge=PsnrJudge(), on_step=lambda _: None)
    assert "no BD-rates" in table(write_report(results))
    assert not (quick.output / "sheet.png").exists()
    assert "HEVC" in (quick.output / "index.html").read_text()


# The command


def test_a_missing_extra_is_named(quick, monkeypatch):
    monkeypatch.setattr(bench_run, "_EXTRA", ("nonesuch",))
    with pytest.raises(UnsupportedError, match=r"nonesuch.*gvc\[bench\]"):
        run_rd(quick, judge=PsnrJudge(), on_step=lambda _: None)


@pytest.mark.parametrize(
    ("changes", "match"),
    [
        ({"codecs": ("h264",)}, "no codec is called 'h264'"),
        ({"size": 100}, "size 100"),
        ({"size": 160}, "size 160"),
        ({"frames": 1}, "two pictures"),
    ],
)
def test_settings_that_make_no_sense(settings, changes, match):
    with pytest.raises(UsageError, match=match):
        replace(settings, **changes)


@pytest.mark.parametrize(
    "arguments",
    [
        ["--key-qp", "99"],
        ["--codecs", "h264"],
        ["--kind", "cat"],
        ["--split", "test"],
        ["--per-identity", "0"],
    ],
    ids=" ".join,
)
def test_wrong_usage_exits_2(arguments, tmp_path):
    done = run_gvc("bench", "rd", "x.mp4", "-o", tmp_path / "out", *arguments)
    assert done.returncode == 2
    assert b"Traceback" not in done.stderr
    assert not (tmp_path / "out").exists()


def test_the_command_passes_on_what_is_selected(tmp_path):
    arguments = ["--split", "train", "--kind", "body", "--per-identity", 1]
    done = run_gvc("bench", "rd", write_people(tmp_path), "-o", tmp_path / "out", *arguments)
    assert done.returncode == 2
    assert b"no clip of split 'train' and kind 'body'" in done.stderr


def test_the_command(short_clip, tmp_path):
    folder = weights_folder()
    arguments = [
        "bench", "rd", short_clip, "-o", tmp_path, "--size", SIDE, "--frames", 3,
        "--codecs", "gvc", "--key-qp", "42,52", "--threads", 1, "--metric-weights", folder,
    ]  # fmt: skip
    done = run_gvc(*arguments)
    assert done.returncode == 0, done.stderr
    # What compares faces, or the lack of it, has more to say.
    lines = [line for line in done.stderr.decode().splitlines() if " kb/s " in line]
    assert [line.split(" kb/s")[0].rsplit(" ", 1)[0] for line in lines] == [
        "1/2 nod gvc qp42",
        "2/2 nod gvc qp52",
    ]
    assert "BD-rates" in done.stdout.decode()
    assert "index.html" in done.stdout.decode()
    done = run_gvc(*arguments, "-q")
    assert (done.returncode, done.stdout) == (0, b"")
    # MediaPipe, where it is installed, cannot be told to be quiet.
    said = done.stderr.decode().splitlines()
    assert [line for line in said if not re.match(r"INFO|WARNING|[IW]\d{4} ", line)] == []
