"""Pages about files and archives: whole, closed to the outside, and true."""

from __future__ import annotations

import base64
import io
import os
import re
import shutil
from dataclasses import replace
from hashlib import sha256
from html.parser import HTMLParser
from pathlib import Path

import av
import numpy as np
import pytest
from conftest import read_video, run_gvc, write_clip

import gvc
from gvc.archive.entry import Entry, Form, State
from gvc.archive.manifest import Manifest
from gvc.codec.summary import summarise
from gvc.errors import GvcError, UsageError
from gvc.model.distance import Distance
from gvc.page.axis import linear_axis, log_axis, time_axis
from gvc.page.charts import histogram
from gvc.page.text import byte_size, duration, printable
from gvc.report import ReportSettings, page_about
from gvc.report.kinds import Share, shares_of_file
from gvc.report.overview import MAX_ROWS

pytestmark = pytest.mark.usefixtures("torch_threads")

#: Names that a page must survive.
SCRIPT = Path("<script>alert(1)</script>&amp;.mp4")
STRANGE = Path(os.fsdecode(b"line\nbreak \xff\xe2\x80\xae'\"#.mp4"))

SETTINGS = ReportSettings(threads=2, frames=12)

#: Elements that are never closed.
VOID = {"meta", "img", "br", "wbr", "input", "link", "hr"}


class Page(HTMLParser):
    """What a page holds; fails where elements are not closed in order."""

    def __init__(self, text):
        super().__init__()
        self.open, self.elements, self.texts = [], [], []
        self.feed(text)
        self.close()
        assert not self.open

    def handle_starttag(self, tag, attrs):
        self.elements.append((tag, dict(attrs)))
        if tag not in VOID:
            self.open.append(tag)

    def handle_startendtag(self, tag, attrs):
        self.elements.append((tag, dict(attrs)))

    def handle_endtag(self, tag):
        assert self.open.pop() == tag

    def handle_data(self, data):
        if self.elements and self.elements[-1][0] == "wbr":
            self.texts[-1] += data
        elif self.open and self.open[-1] not in ("style", "script"):
            self.texts.append(data)

    @property
    def text(self):
        return " ".join(" ".join(self.texts).split())

    def all(self, tag):
        return [attributes for name, attributes in self.elements if name == tag]

    def pictures(self):
        """Pictures inside the page, decoded."""
        found = []
        for image in self.all("img"):
            kind, data = image["src"].split(",", 1)
            assert kind == "data:image/jpeg;base64"
            assert image["alt"]
            with av.open(io.BytesIO(base64.b64decode(data, validate=True))) as file:
                frame = next(file.decode(video=0))
            assert (frame.width, frame.height) == (int(image["width"]), int(image["height"]))
            found.append(frame.to_ndarray(format="rgb24"))
        return found

    def rows(self):
        """Keys of the rows of the table of files."""
        return [
            [attributes.get("data-key") for _, attributes in row]
            for row in self._grouped("tr", ("th", "td"))
            if row and row[0][1].get("scope") == "row"
        ]

    def _grouped(self, outer, inner):
        groups = []
        for tag, attributes in self.elements:
            if tag == outer:
                groups.append([])
            elif tag in inner:
                groups[-1].append((tag, attributes))
        return groups


def parse(text):
    """The page, after what holds for every one was checked."""
    page = Page(text)
    assert not re.search(r"https?:|//[a-z]", re.sub(r"base64,[\w+/=]*", "", text))
    for _, attributes in page.elements:
        assert not [name for name in attributes if name.startswith("on")]
        assert attributes.get("src", "data:").startswith("data:")
        assert attributes.get("href", "#").startswith("#")
    policy = next(each["content"] for each in page.all("meta") if "http-equiv" in each)
    assert "default-src 'none'" in policy
    scripts = re.findall(r"<script>(.*?)</script>", text, re.DOTALL)
    assert len(scripts) == len(page.all("script")) <= 1
    for script in scripts:
        digest = base64.b64encode(sha256(script.encode()).digest()).decode()
        assert f"script-src 'sha256-{digest}'" in policy
    named = {attributes["id"] for _, attributes in page.elements if "id" in attributes}
    assert {each["href"][1:] for each in page.all("a")} <= named
    assert "color-scheme: light dark" in text
    return page


@pytest.fixture(scope="module")
def archive(clip, coded, tmp_path_factory):
    """An archive of one recording under several names, and of one that failed."""
    folder = tmp_path_factory.mktemp("archive") / "talks & more"
    sources = folder.parent / "sources"
    sources.mkdir()
    entries = []
    for number, name in enumerate((Path("monday/a.mp4"), SCRIPT, STRANGE)):
        source = sources / f"{number}.mp4"
        shutil.copy(clip, source)
        target = Path(f"{number}.gvc")
        (folder / target).parent.mkdir(exist_ok=True)
        shutil.copy(coded, folder / target)
        entries.append(
            Entry(
                name, source, source.stat().st_size, source.stat().st_mtime_ns,
                state=State.DONE, form=Form.GVC, target=target,
                target_size=(folder / target).stat().st_size, target_hash="ab" * 32,
                seconds=0.8, frames=20, compared=20, distance_mean=0.1 * (number + 1),
                distance_worst=0.5, settings='{"key_qp": 32}',
            )
        )  # fmt: skip
    # Nothing is known of how close the first is, and the last has no source any more.
    entries[0] = replace(entries[0], distance_mean=None, distance_worst=None)
    entries[-1].source.unlink()
    note = "distance {} as .gvc, 0.1 was asked for"
    entries += [
        replace(entries[1], name=Path("b.mp4"), form=Form.VVC, note=note.format("0.25")),
        replace(entries[1], name=Path("c.mp4"), form=Form.VVC, note=note.format("0.35")),
        Entry(Path("d.mp4"), Path("/d.mp4"), 10, 1, state=State.FAILED, error="is <b>empty</b>"),
        Entry(Path("e.mp4"), Path("/e.mp4"), 10, 1),
    ]
    with Manifest(folder, writable=True) as manifest:
        manifest.put_all(entries)
    return folder


@pytest.fixture(scope="module")
def archive_text(archive):
    return page_about(archive, settings=SETTINGS)


def test_a_file_is_compared_with_its_source(clip, coded):
    text = page_about(coded, source=clip, settings=ReportSettings(threads=2))
    page = parse(text)
    originals = [frame.to_ndarray(format="rgb24") for frame in read_video(clip)]
    with gvc.open(coded, threads=2) as container:
        size = container.streams.video[0].coded_width, container.streams.video[0].coded_height
        decoded = [frame.to_ndarray(format="rgb24") for frame in container.decode(video=0)]
    assert decoded[0].shape[:2] == size[::-1]
    found = Distance.load().distance(originals, decoded)
    # The page takes other roads to RGB.
    said = float(re.search(r"Mean distance ([\d.]+) 20 of 20 frames", page.text)[1])
    assert said == pytest.approx(found.mean(), abs=0.01)
    assert len(page.pictures()) == 6
    worst = [float(each) for each in re.findall(r"frame type \w, distance ([\d.]+)", page.text)]
    assert len(worst) == 3
    assert max(worst) == pytest.approx(found.max(), abs=0.02)
    saved = 100 * (1 - coded.stat().st_size / clip.stat().st_size)
    assert f"{saved:.1f} %" in page.text or f"{saved:.0f} %" in page.text


def test_pictures_show_source_and_decoded(clip, coded):
    source, decoded, *_ = parse(page_about(coded, source=clip, settings=SETTINGS)).pictures()
    assert source.shape == decoded.shape == (160, 192, 3)
    error = np.abs(source.astype(int) - decoded).mean()
    assert 0 < error < 25


def test_without_a_source_the_page_says_so(coded):
    page = parse(page_about(coded, settings=SETTINGS))
    assert "The source was not at hand" in page.text
    assert "Mean distance" not in page.text
    assert len(page.pictures()) == 3


def test_a_damaged_file_is_reported_up_to_there(clip, coded, tmp_path):
    path = tmp_path / "cut.gvc"
    with coded.open("rb") as file:
        groups = summarise(file).by_group
    path.write_bytes(coded.read_bytes()[:-200])
    page = parse(page_about(path, source=clip, settings=SETTINGS))
    assert "The file is damaged: cut off at byte" in page.text
    assert len(groups) == 3
    assert f"{sum(len(group.types) for group in groups[:2])} frames" in page.text


def test_bytes_are_counted_group_by_group(coded):
    with coded.open("rb") as file:
        summary = summarise(file)
    shares = shares_of_file(summary)
    assert sum(shares.values()) == summary.size == coded.stat().st_size
    assert shares[Share.KEY] == summary.key_frames
    assert shares[Share.SOUND] == summary.audio > 0
    for group in summary.by_group:
        assert sum(group.keys.values()) == group.conventional
        assert group.overhead > 0
    inside = sum(
        group.conventional + group.motion + group.audio + group.overhead
        for group in summary.by_group
    )
    assert 0 < summary.size - inside < 200


def test_totals_are_those_of_the_manifest(archive, archive_text):
    page = parse(archive_text)
    with Manifest(archive) as manifest:
        kept = [entry for entry in manifest.entries() if entry.is_kept]
    source, target = (sum(getattr(entry, each) for entry in kept) for each in _SIZES)
    assert f"{byte_size(source)} → {byte_size(target)}" in page.text
    assert "Files kept 5 3 gvc, 2 VVC" in page.text
    assert "Failed 1" in page.text
    assert "Unfinished 1" in page.text
    rows = page.rows()
    assert len(rows) == 5
    assert [sum(int(row[column]) for row in rows) for column in (4, 5)] == [source, target]
    assert f"{8 * target / 4.0 / 1000:.1f} kb/s" in page.text


_SIZES = ("source_size", "target_size")


def test_the_worst_come_first(archive_text):
    found = [row[1] for row in parse(archive_text).rows()]
    assert found[-1] is None
    distances = [float(each) for each in found[:-1]]
    assert distances == sorted(distances, reverse=True)
    assert distances[0] == pytest.approx(0.3)


def test_names_do_no_harm(archive_text):
    page = parse(archive_text)
    assert printable(SCRIPT) in page.text
    assert "line\\nbreak \\xff\\u202e'\"#.mp4" in page.text
    assert "is <b>empty</b>" in page.text
    assert not page.all("b") or "<b>empty" not in archive_text
    assert "talks & more" in page.text


def test_reasons_that_differ_by_numbers_are_one(archive_text):
    assert "2 × distance … as .gvc, 0.1 was asked for" in parse(archive_text).text


def test_worst_files_are_looked_at_closely(archive, archive_text):
    page = parse(archive_text)
    assert len(page.all("details")) == 3
    # Two with their sources, one without.
    assert len(page.pictures()) == 6 + 6 + 3
    assert "not there any more, or has changed since" in page.text
    fewer = parse(page_about(archive, settings=replace(SETTINGS, details=1)))
    assert len(fewer.all("details")) == 1


def test_a_file_that_is_lost_does_not_spoil_the_page(archive, tmp_path):
    folder = tmp_path / "archive"
    shutil.copytree(archive, folder)
    for path in folder.glob("*.gvc"):
        path.write_bytes(b"GVC" if path.name == "0.gvc" else path.read_bytes()[:40])
    page = parse(page_about(folder, settings=SETTINGS))
    assert len(page.all("details")) == 3
    assert "not a .gvc file" in page.text
    assert not page.pictures()


def test_pages_of_large_archives_stay_small(tmp_path):
    entries = [
        Entry(
            Path(f"{number}/{'long ' * 50}.mp4"), Path("/x"), 1000, 1,
            state=State.DONE, form=Form.GVC, target=Path("x.gvc"), target_size=10,
            target_hash="ab" * 32, seconds=1.0 + number, distance_mean=number / 1e5,
            distance_worst=1.0,
        )
        for number in range(MAX_ROWS + 5)
    ]  # fmt: skip
    with Manifest(tmp_path, writable=True) as manifest:
        manifest.put_all(entries)
    text = page_about(tmp_path, settings=replace(SETTINGS, details=0))
    assert len(text) < 6_000_000
    page = Page(text)
    assert len(page.rows()) == MAX_ROWS
    assert "5 further files are not listed" in page.text
    # The worst, not the first by name.
    assert f"{MAX_ROWS + 4}/long" in page.text
    assert " 4/long" not in page.text


def test_an_empty_archive_has_a_page(tmp_path):
    with Manifest(tmp_path, writable=True):
        pass
    assert "Archive of 0 recordings" in parse(page_about(tmp_path)).text


def test_another_recording_is_no_source(coded, tmp_path):
    short = write_clip(tmp_path / "short.mp4", frames=9, audio=False)
    large = write_clip(tmp_path / "large.mp4", width=256, frames=20, audio=False)
    slow = write_clip(tmp_path / "slow.mp4", frames=20, rate=10, audio=False)
    for source, why in ((short, "fewer frames"), (large, "size"), (slow, "other times")):
        with pytest.raises(UsageError, match=f"is not what .* was made from: .*{why}"):
            page_about(coded, source=source, settings=SETTINGS)


def test_what_cannot_be_reported_is_said_in_a_line(archive, clip, tmp_path):
    for path, source, why in (
        (tmp_path / "none.gvc", None, "No such file"),
        (tmp_path, None, "is no archive"),
        (clip, None, "not a .gvc file"),
        (archive, clip, "leave out --source"),
    ):
        with pytest.raises(GvcError, match=why) as caught:
            page_about(path, source=source, settings=SETTINGS)
        assert "\n" not in str(caught.value)


def test_the_command_writes_a_page(coded, tmp_path):
    path = tmp_path / "talk.gvc"
    shutil.copy(coded, path)
    done = run_gvc("report", path, "-v")
    assert done.returncode == 0, done.stderr
    page = parse((tmp_path / "talk.html").read_text(encoding="utf-8"))
    assert "talk.gvc" in page.text
    again = run_gvc("report", path)
    assert again.returncode == 2
    assert again.stderr.decode().strip() == (
        f"gvc: {tmp_path / 'talk.html'}: exists already (-y replaces it)"
    )


def test_the_command_fails_in_a_line(tmp_path):
    done = run_gvc("report", tmp_path / "missing" / "talk.gvc")
    assert done.returncode == 1
    assert done.stderr.decode().splitlines() == [
        f"gvc: {tmp_path / 'missing' / 'talk.gvc'}: No such file or directory"
    ]


@pytest.mark.parametrize(
    "values", [[0.1], [1.0, 1.0], [0.3, 2.5, 9.99, 10.0], [1e-3, 5e4], [4.0] * 50]
)
def test_histograms_count_every_value(values):
    drawn = histogram(values, log_axis(values), what="kb/s", bins=10)
    assert sum(int(each) for each in re.findall(r"kb/s: (\d+)<", drawn)) == len(values)
    lefts = [float(each) for each in re.findall(r' x="([\d.]+)"', drawn)]
    assert all(0 <= left <= 1000 for left in lefts)


@pytest.mark.parametrize("greatest", [0.0, 1e-4, 0.3, 1.0, 7.0, 99.9, 12_345.0])
def test_axes_hold_what_they_are_for(greatest):
    for axis in (linear_axis(greatest), time_axis(greatest)):
        places = [axis.place(value) for value, _ in axis.ticks]
        assert places == sorted(places)
        assert len(places) <= 12
        assert len({label for _, label in axis.ticks}) == len(places)
        assert axis.high >= greatest
        assert axis.value(axis.place(axis.high / 3)) == pytest.approx(axis.high / 3)


def test_quantities_are_readable():
    assert [byte_size(each) for each in (0, 999, 1000, 12_345_678)] == [
        *("0 B", "999 B", "1 kB", "12.3 MB")
    ]
    assert [duration(each) for each in (8.24, 59.99, 3599.6, 1_128_960)] == [
        *("8.2 s", "1:00", "1:00:00", "314 h")
    ]
