"""What adaptation gains: codes fitted to pictures (``--refine``), and a pack for the speaker.

The first half of each clip is what a pack learns from, and the second half is coded, without and
with it; or, of a recording that is to be coded anyway, both are the whole. Four variants at several
QPs of the key frames: plain, refined, with the pack, and both. Files hold their pack; what it takes
is counted apart, too.
"""

from __future__ import annotations

import hashlib
import json
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import av
import numpy as np

from gvc.bench.clips import Clip
from gvc.bench.generative import GenerativeCodec, Options
from gvc.bench.points import Point
from gvc.bench.records import Record, RecordFile
from gvc.bench.reference import Reference, make_reference
from gvc.bench.run import Task, measure_task
from gvc.bench.scores import Judge
from gvc.errors import UsageError
from gvc.media import tag

#: Learns from a video; writes a pack to the second path.
Learn = Callable[[Path, Path], None]


@dataclass(frozen=True, slots=True)
class AdaptationSettings:
    """What is measured.

    :param clips: one person each. :param output: folder of results.
    :param key_qps: of the key frames. :param refine: steps of the refined variants.
    :param frames: most pictures that are coded. :param whole: learn from the very pictures that
        are coded, where otherwise those are the second half of the clip.
    :param learning: describes how packs are made; another text makes them anew.
    :param size, device, threads: as in :class:`gvc.bench.settings.RdSettings`.
    """

    clips: tuple[Clip, ...]
    output: Path
    key_qps: tuple[int, ...] = (22, 32, 42)
    refine: int = 8
    frames: int = 150
    whole: bool = False
    learning: str = ""
    size: int = 256
    device: str = "cpu"
    threads: int | None = None

    def __post_init__(self) -> None:
        if not self.key_qps or not self.clips:
            raise UsageError("nothing to measure")


def run_adaptation(
    settings: AdaptationSettings,
    *,
    judge: Judge,
    learn: Learn,
    on_record: Callable[[Record], None],
) -> tuple[list[GenerativeCodec], list[Record]]:
    """Measure what is not measured yet, one clip after the other.

    :param on_record: called after each point.
    :returns: the variants, as codecs, and all records.
    :raises GvcError: if a clip cannot be read, or coding or scoring fails.
    """
    work = settings.output / "work"
    work.mkdir(parents=True, exist_ok=True)
    file = RecordFile(settings.output / "results.jsonl")
    records = []
    for clip in settings.clips:
        reference, pack = _prepare(clip, settings, work, learn)
        codecs = variants(settings, pack)
        for place, codec in enumerate(codecs):
            # Where nothing was gained, files with a pack are those without.
            coding = codec if pack is not None else codecs[place % 2]
            for point in codec.points:
                task = _task(reference, coding, point, judge, work)
                record = file.find(task.key)
                if record is None:
                    record = measure_task(task, judge, work)
                    file.append(record)
                    on_record(record)
                records.append(replace(record, codec=codec.name))
    return variants(settings, None), records


def variants(settings: AdaptationSettings, pack: Path | None) -> list[GenerativeCodec]:
    """The four codecs that are compared.

    :param pack: None where nothing was gained.
    """
    refined = (("refine", str(settings.refine)),)
    packed: Options = (("pack", str(pack)), ("embed_pack", "1")) if pack is not None else ()
    named = (
        ("gvc", "plain", ()),
        ("gvc-refine", f"--refine {settings.refine}", refined),
        ("gvc-pack", "pack", packed),
        ("gvc-pack-refine", f"pack, --refine {settings.refine}", packed + refined),
    )
    return [
        GenerativeCodec(
            name=name,
            title=title,
            note="this codec; all bytes of the file, which holds its pack",
            points=tuple(Point(f"qp{qp}", f"key_qp={qp}") for qp in settings.key_qps),
            options=options,
            device=settings.device,
            threads=settings.threads,
        )
        for name, title, options in named
    ]


def adaptation_table(codecs: Sequence[GenerativeCodec], records: Sequence[Record]) -> str:
    """Means over clips as a table in Markdown: a row for each QP and variant."""
    lines = [
        "| key QP | | kb/s | without the pack | pack, bytes | LPIPS-alex | LPIPS-squeeze | PSNR-Y "
        "| clips |",
        "| --- | --- | --- | --- | --- | --- | --- | --- | --- |",
    ]
    for point in dict.fromkeys(record.point for record in records):
        for codec in codecs:
            rows = [each for each in records if (each.point, each.codec) == (point, codec.name)]
            packs = [row.split.get("speaker_pack", 0) for row in rows]
            own = [
                row.kbps - pack * 8 / 1000 / row.seconds
                for row, pack in zip(rows, packs, strict=True)
            ]
            cells = [
                point.removeprefix("qp"),
                codec.title,
                f"{np.mean([row.kbps for row in rows]):.2f}",
                f"{np.mean(own):.2f}",
                f"{np.mean(packs):.0f}",
                *(
                    f"{np.mean([row.scores[name] for row in rows]):.4f}"
                    for name in ("lpips_alex", "lpips_squeeze")
                ),
                f"{np.mean([row.scores['psnr_y'] for row in rows]):.2f}",
                str(len(rows)),
            ]
            lines.append(f"| {' | '.join(cells)} |")
    return "\n".join(lines)


def _prepare(
    clip: Clip, settings: AdaptationSettings, work: Path, learn: Learn
) -> tuple[Reference, Path | None]:
    """The pictures to be coded, and a pack for them; None if nothing was gained."""
    factor = 1 if settings.whole else 2
    everything = make_reference(
        clip, work / "references", side=settings.size, frames=factor * settings.frames
    )
    middle = 0 if settings.whole else everything.frames // 2
    coded = _part(everything, middle, everything.frames, work)
    learnt = coded if settings.whole else _part(everything, 0, middle, work)
    name = hashlib.sha256(f"{learnt.digest} {settings.learning}".encode()).hexdigest()[:16]
    pack, note = work / f"{clip.name}-{name}.gvcp", work / f"{clip.name}-{name}.json"
    if not note.exists():
        started = time.monotonic()
        video = _as_video(learnt, work / f"{clip.name}.nut")
        learn(video, pack)
        video.unlink()
        told = {
            "seconds": round(time.monotonic() - started),
            "frames": learnt.frames,
            "bytes": pack.stat().st_size if pack.exists() else 0,
        }
        note.write_text(json.dumps(told), encoding="utf-8")
    return coded, pack if pack.exists() else None


def _part(reference: Reference, first: int, last: int, work: Path) -> Reference:
    """Some consecutive pictures of a reference."""
    if (first, last) == (0, reference.frames):
        return reference
    path = work / "references" / f"{reference.clip}-{first}-{last}.yuv"
    if not path.exists():
        path.write_bytes(reference.planes()[first:last].tobytes())
    digest = hashlib.sha256(f"{reference.digest} {first} {last}".encode()).hexdigest()
    return replace(reference, path=path, frames=last - first, digest=digest)


def _as_video(reference: Reference, path: Path) -> Path:
    """The pictures of a reference as a file that FFmpeg reads, without loss."""
    with av.open(str(path), "w", format="nut") as container:
        stream = container.add_stream("rawvideo", rate=reference.rate)
        assert isinstance(stream, av.VideoStream)
        stream.width = stream.height = reference.side
        stream.pix_fmt = "yuv420p"
        for index, planes in enumerate(reference.planes()):
            frame = av.VideoFrame.from_ndarray(np.ascontiguousarray(planes), format="yuv420p")
            frame.pts, frame.time_base = index, 1 / reference.rate
            container.mux(stream.encode(tag(frame, reference.colour)))
        container.mux(stream.encode(None))
    return path


def _task(
    reference: Reference, codec: GenerativeCodec, point: Point, judge: Judge, work: Path
) -> Task:
    settings = {
        **judge.settings(),
        **codec.settings(),
        "clip": reference.clip,
        "reference": reference.digest,
        "codec": codec.name,
        "value": point.value,
    }
    stream = work / "streams" / reference.clip / f"{codec.name}-{point.label}{codec.suffix}"
    return Task(reference, codec, point, settings, stream)
