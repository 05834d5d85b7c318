"""A training cache made small enough to carry to another machine, and restored there.

``python -m gvc.training.pack pack CLIPS CACHE PACK`` needs PyAV; ``… unpack PACK CLIPS CACHE`` does
with numpy and OpenCV. A pack is a folder:

* ``clips.tsv``: the table of clips as it was;
* ``videos/<stem>.mp4``: the frames, H.264, which every build of OpenCV with FFmpeg decodes;
* ``colours.npz``: the mean colour of every frame as it was, float16 [F, 3] for each clip;
* ``faces.npz``: landmarks and mattes of the training clips, as changes from frame to frame;
* ``keys.npz``: coded key frames of the training clips, as WebP pictures;
* ``metrics/``: weights of LPIPS, if asked for: what ``GVC_METRIC_WEIGHTS`` names there.
"""

from __future__ import annotations

import argparse
import shutil
import sys
import zipfile
from collections.abc import Sequence
from fractions import Fraction
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import numpy.typing as npt

from gvc.clips import TABLE, Clip, Split, read_table
from gvc.errors import GvcError, InvalidDataError, MediaError, UsageError, WeightsError
from gvc.training.clips import Arrays

#: Side of the frames in pixels.
SIZE = 256

#: Constant rate factor of the videos, unless another one is asked for.
CRF = 20

#: Most megabytes that a pack may take, unless told otherwise.
LIMIT_MB = 60.0

#: Landmarks are kept in steps of 1/2048, float16's own between 1/2 and 1; errors up to 1/4096.
_LANDMARK_STEPS = 2048

#: Stands for NaN among quantised landmarks.
_NO_LANDMARK = -32768

#: Mattes are kept in steps of 17, that is 16 levels; errors up to 8 of 255.
_MATTE_STEP = 17

_WEBP_QUALITY = 92

#: H.273 code point of BT.601, which decoders assume of small videos even where they ignore tags.
_BT601 = 6

Picture = npt.NDArray[np.uint8]


def pack(
    clips: Path,
    cache: Path,
    target: Path,
    *,
    metric_weights: Path | None = None,
    crf: int = CRF,
    limit_mb: float = LIMIT_MB,
) -> float:
    """Pack what a training run reads of ``cache``.

    :param clips: folder with ``clips.tsv``.
    :param target: folder to make.
    :param metric_weights: folder of the perceptual network, to take along.
    :param crf: constant rate factor of the videos; smaller is better and larger.
    :param limit_mb: most megabytes (10⁶ bytes) that the files may take together.
    :returns: mean PSNR of the frames as they will be unpacked, RGB, dB.
    :raises MediaError: if the table or something of the cache cannot be read.
    :raises UsageError: if ``target`` holds something already, or the pack exceeds the limit.
    :raises WeightsError: if weights of the metric are not found.
    """
    table = read_table(clips)
    if target.exists() and any(target.iterdir()):
        raise UsageError("holds files already", path=target, hint="name a new folder")
    (target / "videos").mkdir(parents=True, exist_ok=True)
    shutil.copyfile(clips / TABLE, target / TABLE)
    if metric_weights is not None:
        _copy_metric(metric_weights, target / "metrics")
    training = [clip for clip in table if clip.split is Split.TRAIN]
    np.savez_compressed(target / "faces.npz", **_pack_faces(training, cache))
    np.savez(target / "keys.npz", **_pack_keys(training, cache))
    colours: dict[str, Any] = {}
    psnrs: list[float] = []
    for clip in table:
        frames, video = _load(cache / f"{clip.path.stem}-{SIZE}.npy"), _video(target, clip)
        _encode(frames, video, crf)
        _check_size(target, limit_mb)
        colours[clip.path.stem] = frames.mean(axis=(1, 2)).astype(np.float16)
        unpacked = _decode(video, colours[clip.path.stem])
        psnrs += [cv2.PSNR(one, other) for one, other in zip(frames, unpacked, strict=True)]
    np.savez(target / "colours.npz", **colours)
    _check_size(target, limit_mb)
    return float(np.mean(psnrs))


def unpack(source: Path, clips: Path, cache: Path) -> None:
    """Make the table and the cache that ``gvc train`` reads from a pack.

    :param source: the pack.
    :param clips: folder that gets ``clips.tsv``; the clips themselves are not needed.
    :raises MediaError: if the pack lacks something, or a video cannot be decoded.
    :raises InvalidDataError: if what is there does not fit together.
    """
    table = read_table(source)
    for folder in (clips, cache):
        folder.mkdir(parents=True, exist_ok=True)
    colours, faces, keys = (_load(source / f"{name}.npz") for name in ("colours", "faces", "keys"))
    with colours, faces, keys:
        for clip in table:
            stem = clip.path.stem
            try:
                frames = _decode(_video(source, clip), colours[stem])
                np.save(cache / f"{stem}-{SIZE}.npy", frames)
                if clip.split is Split.TRAIN:
                    np.savez(cache / f"{stem}-{SIZE}-faces.npz", **_unpack_faces(faces, stem))
                    np.savez(cache / f"{stem}-{SIZE}-keys.npz", **_unpack_keys(keys, stem))
            except KeyError as error:
                raise InvalidDataError(f"lacks {error.args[0]}", path=source) from error
    # Last, so that a table is there only when all it lists is.
    shutil.copyfile(source / TABLE, clips / TABLE)


def size_of(folder: Path) -> int:
    """Bytes that the files in ``folder`` take together."""
    return sum(path.stat().st_size for path in folder.rglob("*") if path.is_file())


def _pack_faces(clips: Sequence[Clip], cache: Path) -> dict[str, Any]:
    """Landmarks uint8 [2, F, 478, 2] and mattes uint8 [F, 64, 64] of each clip, as changes.

    Low bytes of landmarks first, then high ones: these hardly vary, which DEFLATE would not see in
    between the low ones.
    """
    arrays = {}
    for clip in clips:
        with _load(cache / f"{clip.path.stem}-{SIZE}-faces.npz") as file:
            scaled = np.rint(file["landmarks"].astype(np.float32) * _LANDMARK_STEPS)
            matte = np.rint(file["matte"] / _MATTE_STEP).astype(np.uint8)
        points = np.where(np.isnan(scaled), _NO_LANDMARK, scaled).astype("<i2")
        halves = _changes(points)[..., None].view(np.uint8)
        arrays[f"{clip.path.stem}-landmarks"] = np.moveaxis(halves, -1, 0)
        arrays[f"{clip.path.stem}-matte"] = _changes(matte)
    return arrays


def _unpack_faces(faces: Any, stem: str) -> dict[str, Any]:
    """Arrays of one clip as :mod:`gvc.training.faces` caches them."""
    halves = np.ascontiguousarray(np.moveaxis(faces[f"{stem}-landmarks"], 0, -1))
    points = _restore(halves.view("<i2")[..., 0])
    landmarks = (points.astype(np.float32) / _LANDMARK_STEPS).astype(np.float16)
    landmarks[points == _NO_LANDMARK] = np.nan
    return {"landmarks": landmarks, "matte": _restore(faces[f"{stem}-matte"]) * _MATTE_STEP}


def _changes(values: npt.NDArray[Any]) -> npt.NDArray[Any]:
    """Differences along the first axis, modulo the integer type's range; the first from 0."""
    return np.diff(values, axis=0, prepend=np.zeros_like(values[:1]))


def _restore(changes: npt.NDArray[Any]) -> npt.NDArray[Any]:
    """Inverse of :func:`_changes`."""
    return np.cumsum(changes, axis=0, dtype=changes.dtype)


def _pack_keys(clips: Sequence[Clip], cache: Path) -> dict[str, Any]:
    """Each clip's indices and QPs int64 [K], WebP files in a row, and where each ends [K]."""
    options = [cv2.IMWRITE_WEBP_QUALITY, _WEBP_QUALITY]
    arrays: Arrays = {}
    for clip in clips:
        stem = clip.path.stem
        with _load(cache / f"{stem}-{SIZE}-keys.npz") as file:
            pictures = file["pictures"]
            arrays |= {f"{stem}-{name}": file[name] for name in ("indices", "qps")}
        coded = [cv2.imencode(".webp", one[..., ::-1], options)[1] for one in pictures]
        arrays[f"{stem}-ends"] = np.cumsum([len(one) for one in coded])
        arrays[f"{stem}-pictures"] = np.concatenate(coded)
    return arrays


def _unpack_keys(keys: Any, stem: str) -> dict[str, Any]:
    """Arrays of one clip as :mod:`gvc.training.coded_keys` caches them."""
    pictures = []
    for coded in np.split(keys[f"{stem}-pictures"], keys[f"{stem}-ends"][:-1]):
        picture = cv2.imdecode(coded, cv2.IMREAD_COLOR)
        if picture is None:
            raise InvalidDataError(f"a coded key frame of {stem} is no picture")
        pictures.append(cv2.cvtColor(picture, cv2.COLOR_BGR2RGB))
    described = {name: keys[f"{stem}-{name}"] for name in ("indices", "qps")}
    return {**described, "pictures": np.stack(pictures)}


def _encode(frames: Picture, path: Path, crf: int) -> None:
    """Encode RGB frames [F, S, S, 3] as H.264 with one thread."""
    # The machine that unpacks has no PyAV.
    import av

    from gvc.bitstream import ColourDescription
    from gvc.media import from_rgb

    colour = ColourDescription(_BT601, _BT601, _BT601)
    with av.open(str(path), "w") as container:
        stream = container.add_stream("libx264", rate=25)
        stream.width, stream.height, stream.pix_fmt = SIZE, SIZE, "yuv420p"
        # The default preset gives 0.8 dB more in as many bytes, but takes 3½ times as long.
        stream.options = {"crf": str(crf), "preset": "veryfast", "threads": "1"}
        for number, picture in enumerate(frames):
            frame = from_rgb(picture, SIZE, SIZE, colour)
            frame.pts, frame.time_base = number, Fraction(1, 25)
            container.mux(stream.encode(frame))
        container.mux(stream.encode())


def _decode(path: Path, colours: npt.NDArray[np.float16]) -> Picture:
    """RGB frames [F, S, S, 3] of a video, corrected to the mean of their ``colours`` [F, 3]."""
    capture = cv2.VideoCapture(str(path))
    if not capture.isOpened():
        raise MediaError("OpenCV cannot open this video", path=path)
    decoded = []
    while (picture := capture.read()[1]) is not None:
        decoded.append(cv2.cvtColor(picture, cv2.COLOR_BGR2RGB))
    capture.release()
    frames, expected = np.array(decoded), (len(colours), SIZE, SIZE, 3)
    if frames.shape != expected:
        raise InvalidDataError(f"frames are {frames.shape} instead of {expected}", path=path)
    # OpenCV rounds colours down by about one level, which key frames, being pictures, are spared.
    missing = np.rint((colours - frames.mean(axis=(1, 2))).mean(axis=0)).astype(np.int16)
    return (frames + missing).clip(0, 255).astype(np.uint8)


def _video(folder: Path, clip: Clip) -> Path:
    return folder / "videos" / f"{clip.path.stem}.mp4"


def _load(path: Path) -> Any:
    """What a file .npy or .npz holds."""
    try:
        return np.load(path, allow_pickle=False)
    except OSError as error:
        raise MediaError(error.strerror or str(error), path=path) from error
    except (ValueError, zipfile.BadZipFile) as error:
        raise InvalidDataError(str(error), path=path) from error


def _copy_metric(folder: Path, target: Path) -> None:
    """Copy both files that LPIPS on SqueezeNet needs, see :mod:`gvc.metrics.lpips`."""
    # Who unpacks needs no torch, which the metrics import.
    from gvc.metrics.heads import packaged_heads

    heads = [folder / "squeeze.pth", *packaged_heads("squeeze")]
    target.mkdir()
    for candidates in ([folder / "squeezenet1_1_features_tv.pth"], heads):
        found = next((path for path in candidates if path.is_file()), None)
        if found is None:
            raise WeightsError("no such weights", path=candidates[0])
        shutil.copyfile(found, target / found.name)


def _check_size(folder: Path, limit_mb: float) -> None:
    if size_of(folder) > limit_mb * 1e6:
        hint = "raise --crf or --limit-mb, or pack fewer clips"
        raise UsageError(f"takes more than {limit_mb:g} MB", path=folder, hint=hint)


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command line; with argparse, since who unpacks may not have click.

    :returns: the exit status.
    """
    parser = argparse.ArgumentParser(prog="python -m gvc.training.pack", description=__doc__)
    parser.formatter_class = argparse.RawDescriptionHelpFormatter
    commands = parser.add_subparsers(dest="command", required=True)
    packing, unpacking = commands.add_parser("pack"), commands.add_parser("unpack")
    for command, names in ((packing, "clips cache pack"), (unpacking, "pack clips cache")):
        for name in names.split():
            command.add_argument(name, metavar=name.upper(), type=Path)
    packing.add_argument("--metric-weights", type=Path, help="folder of LPIPS weights to pack too")
    packing.add_argument("--crf", type=int, default=CRF, help="of the videos [%(default)s]")
    packing.add_argument("--limit-mb", type=float, default=LIMIT_MB, help="[%(default)s]")
    given = vars(parser.parse_args(arguments))
    command, folder = given.pop("command"), given.pop("pack")
    try:
        if command == "unpack":
            unpack(folder, **given)
        else:
            psnr = pack(target=folder, **given)
            print(f"{size_of(folder) / 1e6:.1f} MB, frames {psnr:.2f} dB")
    except GvcError as error:
        print(f"gvc: {error}", file=sys.stderr)
        return error.exit_code
    return 0


if __name__ == "__main__":
    sys.exit(main())
