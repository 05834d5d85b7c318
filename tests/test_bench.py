"""Whole runs of the benchmark from outside: bytes, resuming, reports, the command."""

from __future__ import annotations

import csv
import json
import re
import shutil
from dataclasses import replace
from fractions import Fraction

import av
import numpy as np
import pytest
from conftest import run_gvc
from metric_weights import weights_folder

pytest.importorskip("bjontegaard", reason="the extra gvc[bench] is not installed")

from gvc.bench import run as bench_run
from gvc.bench.anchors import ANCHORS
from gvc.bench.clips import Selection
from gvc.bench.records import Record
from gvc.bench.report import described, write_report
from gvc.bench.run import run_rd
from gvc.bench.scores import METRICS
from gvc.bench.settings import CODECS, RdSettings
from gvc.bench.sheet import draw_sheet
from gvc.bench.summary import summarise_run
from gvc.bench.tables import table
from gvc.errors import MediaError, UnsupportedError, UsageError

SIDE = 176
FRAMES = 3

pytestmark = pytest.mark.usefixtures("torch_threads")


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

    shipped = weights.default("face")
    weights.save(shipped, one)
    other = {name: array + np.float16(0.001) for name, array in shipped.arrays.items()}
    weights.save(weights.Weights("lite", other, b""), two)
    quick = replace(
        settings, output=tmp_path / "out", codecs=("gvc",), key_qps=(40,), motion_steps=(), jobs=1
    )
    assert asked(quick) == 1
    assert asked(quick, weights=one) == 0
    assert asked(quick, weights=two) == 1


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
