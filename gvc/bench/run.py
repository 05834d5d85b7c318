"""A run of the benchmark: every clip by every codec at every point, each once."""

from __future__ import annotations

import importlib.util
import tempfile
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from gvc.bench.anchors import ANCHORS
from gvc.bench.clips import Clip, find_clips
from gvc.bench.expression import find_expression
from gvc.bench.face_features import find_face_features
from gvc.bench.generative import own_codecs
from gvc.bench.identity import find_face_similarity
from gvc.bench.points import Codec, Point
from gvc.bench.records import Record, RecordFile, key_of
from gvc.bench.reference import Reference, make_reference
from gvc.bench.scores import FaceJudge, Judge, Scorer
from gvc.bench.settings import RdSettings
from gvc.errors import GvcError, UnsupportedError

#: Packages of the extra ``gvc[bench]`` as they are imported.
_EXTRA = ("bjontegaard", "matplotlib", "PIL")


@dataclass(frozen=True, slots=True)
class Step:
    """How far a run is.

    :param done: points, those of earlier runs too. :param total: all of them.
    :param record: the point that came last. :param fresh: whether this run measured it.
    """

    done: int
    total: int
    record: Record
    fresh: bool


@dataclass(frozen=True, slots=True)
class Task:
    """One clip to be coded by one codec at one point; ``stream`` is the coded file."""

    reference: Reference
    codec: Codec
    point: Point
    settings: dict[str, str]
    stream: Path

    @property
    def key(self) -> str:
        """See :func:`gvc.bench.records.key_of`."""
        return key_of(self.settings)


@dataclass(frozen=True, slots=True)
class Results:
    """All that a run gave.

    :param records: by task.
    """

    settings: RdSettings
    codecs: tuple[Codec, ...]
    tasks: tuple[Task, ...]
    records: tuple[Record, ...]


def run_rd(
    settings: RdSettings, *, judge: Judge | None = None, on_step: Callable[[Step], None]
) -> Results:
    """Measure what is not measured yet; each point is in ``results.jsonl`` as soon as it is.

    :param judge: gives the scores; None takes all of :data:`gvc.bench.scores.METRICS`, and those of
        faces where this machine can.
    :param on_step: called after each point, in the thread of the caller.
    :raises UnsupportedError: if a package of the extra ``bench`` is missing.
    :raises GvcError: if a source, a codec or a metric fails; what was measured before is kept.
    """
    check_extra()
    clips = find_clips(settings.sources, settings.selection)
    judge = judge or Scorer(
        weights=settings.metric_weights,
        every=settings.every,
        device=settings.device,
        threads=settings.threads_each,
        faces=_face_judges(settings),
    )
    settings.work.mkdir(parents=True, exist_ok=True)
    path = settings.output / "results.jsonl"
    if settings.restart:
        path.unlink(missing_ok=True)
    file = RecordFile(path)
    codecs = chosen_codecs(settings)
    tasks = _tasks(settings, clips, codecs, judge)

    def measure(task: Task) -> tuple[Record, bool]:
        found = file.find(task.key)
        if found is not None:
            return found, False
        record = measure_task(task, judge, settings.work)
        file.append(record)
        return record, True

    records = []
    with _mapper(settings.jobs) as mapper:
        for record, fresh in mapper(measure, tasks):
            records.append(record)
            on_step(Step(len(records), len(tasks), record, fresh))
    return Results(settings, codecs, tuple(tasks), tuple(records))


def _face_judges(settings: RdSettings) -> list[FaceJudge]:
    """Those that work on this machine."""
    found = (
        find_face_similarity(settings.metric_weights, every=settings.every, device=settings.device),
        find_expression(every=settings.every),
        find_face_features(settings.metric_weights, every=settings.every, device=settings.device),
    )
    return [judge for judge in found if judge is not None]


def check_extra() -> None:
    """See that the packages are there that tables and figures need.

    :raises UnsupportedError: if one is not.
    """
    for name in _EXTRA:
        if importlib.util.find_spec(name) is None:
            raise UnsupportedError(
                f"the benchmark needs the package {name}", hint="pip install 'gvc[bench]'"
            )


def chosen_codecs(settings: RdSettings) -> tuple[Codec, ...]:
    """The codecs of a run, ours first."""
    codecs: list[Codec] = [*own_codecs(settings)]
    codecs += [anchor for name, anchor in ANCHORS.items() if name in settings.codecs]
    return tuple(codecs)


def decoded_pictures(task: Task, folder: Path) -> Path:
    """The decoded pictures of a task in a file in ``folder``, coded again if need be.

    :raises GvcError: if coding fails.
    """
    target = folder / f"{task.stream.stem}.yuv"
    if not task.stream.exists():
        task.stream.parent.mkdir(parents=True, exist_ok=True)
        task.codec.encode(task.reference, task.point, task.stream)
    task.codec.decode(task.reference, task.stream, target)
    return target


def _tasks(
    settings: RdSettings, clips: Sequence[Clip], codecs: Sequence[Codec], judge: Judge
) -> list[Task]:
    fixed = {codec.name: {**judge.settings(), **codec.settings()} for codec in codecs}
    tasks = []
    for clip in clips:
        reference = make_reference(
            clip, settings.work / "references", side=settings.size, frames=settings.frames
        )
        for codec in codecs:
            for point in codec.points:
                own = {
                    **fixed[codec.name],
                    "clip": clip.name,
                    "size": str(settings.size),
                    "frames": str(reference.frames),
                    "reference": reference.digest,
                    "codec": codec.name,
                    "point": point.label,
                    "value": point.value,
                }
                name = f"{codec.name}-{point.label}-{key_of(own)}{codec.suffix}"
                stream = settings.work / "streams" / clip.name / name
                tasks.append(Task(reference, codec, point, own, stream))
    return tasks


def measure_task(task: Task, judge: Judge, work: Path) -> Record:
    """Code a clip, decode it and score it.

    :param work: folder for files that are needed meanwhile.
    :raises GvcError: if coding or scoring fails.
    """
    reference, codec, point = task.reference, task.codec, task.point
    task.stream.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=work) as name:
        folder = Path(name)
        try:
            coded = codec.encode(reference, point, task.stream)
            decoded = decoded_pictures(task, folder)
            scores = judge.score(reference, decoded, folder)
        except GvcError as error:
            where = f"{reference.clip}, {codec.name} {point.label}"
            raise type(error)(
                f"{where}: {error.cause}", path=error.path, hint=error.hint
            ) from error
    return Record(
        key=task.key,
        clip=reference.clip,
        codec=codec.name,
        point=point.label,
        frames=reference.frames,
        seconds=reference.seconds,
        size=coded.size,
        kbps=coded.size * 8 / 1000 / reference.seconds,
        split=dict(coded.split),
        scores=scores,
        settings=task.settings,
    )


_Mapper = Callable[
    [Callable[[Task], tuple[Record, bool]], Sequence[Task]], Iterator[tuple[Record, bool]]
]


@contextmanager
def _mapper(jobs: int) -> Iterator[_Mapper]:
    """``map``, over so many threads; the heavy parts run in programs, or without Python's lock."""
    if jobs == 1:
        yield map
        return
    pool = ThreadPoolExecutor(jobs)
    try:
        yield pool.map
    finally:
        pool.shutdown(cancel_futures=True)
