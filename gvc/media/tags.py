"""Tags of recordings, such as titles: made Unicode, and as long as a .gvc file holds them."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping

from gvc.bitstream import MAX_FURTHER, MAX_METADATA, MAX_TEXT

#: Tags of containers that say nothing about the recording.
_OF_CONTAINERS = {"major_brand", "minor_version", "compatible_brands", "encoder", "duration"}

#: Tags of streams that are kept, and a language that says nothing.
_OF_STREAMS = ("language", "title")
_UNDETERMINED = "und"

#: Most tags of a file: as many as its header holds, less those of streams.
_MOST = MAX_METADATA + MAX_FURTHER - 2 * len(_OF_STREAMS)

#: Most bytes of all tags together: half of what a header may take.
_MOST_BYTES = 1 << 19

#: Kana, which nothing but Japanese text makes of bytes.
_KANA = re.compile("[\u3041-\u30ff]")

#: The end of UTF-8 that was cut off inside a character.
_CUT = re.compile(rb"(?:[\xc2-\xf4][\x80-\xbf]{0,2})\Z")


def repaired(text: str) -> str:
    """``text`` as Unicode, whose bytes that were not UTF-8 are surrogates.

    Such bytes are UTF-8 that was cut off, Shift-JIS where that gives kana, else Windows-1252.
    """
    if text.isascii():
        return text
    data = text.encode("utf-8", "surrogateescape")
    for decoded in _readings(data):
        if decoded is not None:
            return decoded
    return data.decode("cp1252", "replace")


def _readings(data: bytes) -> Iterator[str | None]:
    yield _decoded(data, "utf-8")
    whole = _CUT.sub(b"", data)
    if whole != data and not whole.isascii():
        yield _decoded(whole, "utf-8")
    japanese = _decoded(data, "cp932")
    if japanese is not None and _KANA.search(japanese):
        yield japanese


def _decoded(data: bytes, encoding: str) -> str | None:
    try:
        return data.decode(encoding)
    except UnicodeDecodeError:
        return None


def tags_of_file(given: Mapping[str, str], say: Callable[[str], None]) -> dict[str, str]:
    """Tags of a container as a file holds them.

    :param say: told in a line each which are shortened, and how many are left out.
    """
    wanted = {
        key: value
        for key, value in ((repaired(key), repaired(value)) for key, value in given.items())
        if key.lower() not in _OF_CONTAINERS and key
    }
    return _fitting(wanted, say)


def tags_of_stream(given: Mapping[str, str], say: Callable[[str], None]) -> dict[str, str]:
    """Language and title of a stream, as far as there are any."""
    lowered = {key.lower(): repaired(value) for key, value in given.items()}
    wanted = {key: lowered[key] for key in _OF_STREAMS if lowered.get(key)}
    if wanted.get("language") == _UNDETERMINED:
        del wanted["language"]
    return _fitting(wanted, say)


def _fitting(tags: Mapping[str, str], say: Callable[[str], None]) -> dict[str, str]:
    kept: dict[str, str] = {}
    size = 0
    for key, value in tags.items():
        short = shortened(value, MAX_TEXT)
        took = len(key.encode()) + len(short.encode())
        if len(key.encode()) > MAX_TEXT or len(kept) == _MOST or size + took > _MOST_BYTES:
            continue
        if short != value:
            say(f"the tag {shortened(key, 40)!r} is shortened to {MAX_TEXT} bytes")
        kept[key] = short
        size += took
    lost = len(tags) - len(kept)
    if lost:
        say(f"{lost} tag{'s are' if lost > 1 else ' is'} left out: too many, or too long")
    return kept


def shortened(text: str, most: int) -> str:
    """``text`` in at most ``most`` bytes of UTF-8, cut between characters."""
    return text.encode()[:most].decode("utf-8", "ignore")
