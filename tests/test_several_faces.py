"""Several heads in a picture that is held: which ones, each with a motion of its own."""

from __future__ import annotations

import contextlib
import io
from dataclasses import replace
from itertools import combinations
from pathlib import Path

import numpy as np
import pytest
from conftest import draw_head, write_pictures
from hypothesis import given, settings
from hypothesis import strategies as st
from test_bitstream import VIDEO
from test_canvas import FACES, Told, coded, file_of, groups, luma, shown, unchecked_file_of

from gvc import keyframe
from gvc.bitstream import (
    BitstreamReader,
    BitstreamWriter,
    FurtherRectangle,
    Group,
    KeyFrame,
    Rectangle,
)
from gvc.codec.levels import LevelCoding
from gvc.codec.motion_run import InterFrame, write_run
from gvc.codec.rectangles import choose_rectangle, choose_rectangles
from gvc.codec.settings import EncoderSettings
from gvc.codec.summary import summarise
from gvc.entropy import InterType, KeyChoice
from gvc.errors import InvalidDataError, TruncatedDataError, UsageError
from gvc.faces import Face
from gvc.media import from_rgb
from gvc.model import weights

WIDTH, HEIGHT, FRAMES, SIDE = 448, 192, 12, 128

#: Left and top of the drawings of the heads.
HEADS, TOP = (24, 248), 16
DRAWN = [Face(left + 38, TOP + 30, 52, 64) for left in HEADS]


def scene(index: int) -> np.ndarray:
    """Two heads before a wall that sway against each other."""
    rng = np.random.default_rng(0)
    wall = rng.integers(90, 170, (24, 56, 3), dtype=np.uint8).repeat(8, axis=0).repeat(8, axis=1)
    for left, turn in zip(HEADS, (index, 9 - index), strict=True):
        head = draw_head(turn, SIDE, SIDE)
        person = np.abs(head.astype(int) - head[:8, :8].mean((0, 1))).sum(2) > 120
        wall[TOP : TOP + SIDE, left : left + SIDE][person] = head[person]
    return wall


@pytest.fixture(scope="module")
def source(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("faces") / "scene.mkv"
    return write_pictures(path, [scene(index) for index in range(FRAMES)])


@pytest.fixture(scope="module")
def both(source: Path) -> bytes:
    # How far drawn heads move is a matter of weights; these stay what they are.
    older = weights.PRETRAINED / "lite.safetensors"
    return coded(source, told=Told(*DRAWN), faces=2, weights=older)


def inside(rectangle: Rectangle) -> tuple[slice, slice, slice]:
    return np.s_[:, rectangle.top : rectangle.bottom, rectangle.left : rectangle.right]


def rewritten(data: bytes, group: Group) -> bytes:
    """The file with another group in place of its only one."""
    file = io.BytesIO()
    writer = BitstreamWriter(file)
    writer.write_header(BitstreamReader(io.BytesIO(data)).header)
    writer.write_group(group)
    writer.close(end_pts=0)
    return file.getvalue()


def test_both_heads_move_and_the_rest_is_held(source, both):
    (group,) = groups(both)
    (key,) = group.keys
    frames, originals = shown(both), luma(source)
    still = frames[key.index]
    outside = np.ones((HEIGHT, WIDTH), bool)
    assert len(group.rectangles) == 2
    for rectangle in group.rectangles:
        part = inside(rectangle)
        outside[part[1:]] = False
        change = np.abs(originals - originals[key.index])[part].mean((1, 2))
        far = change > 0.5 * change.max()
        moved = np.abs(frames - originals)[part][far].mean()
        assert moved < 0.95 * np.abs(still - originals)[part][far].mean()
    assert (frames[:, outside] == still[outside]).all()


def test_each_head_is_drawn_as_if_it_were_alone(both):
    (group,) = groups(both)
    (second,) = group.further
    frames = shown(both)
    left = shown(rewritten(both, replace(group, further=())))
    alone = replace(group, rectangle=second.rectangle, motion=second.motion, further=())
    right = shown(rewritten(both, alone))
    middle = (group.rectangle.right + second.rectangle.left) // 2
    assert second.rectangle.left >= group.rectangle.right
    assert (frames[:, :, :middle] == left[:, :, :middle]).all()
    assert (frames[:, :, middle:] == right[:, :, middle:]).all()


def test_a_later_rectangle_keeps_what_it_does_not_draw(both):
    """Its border crosses the first head, which has moved there."""
    (group,) = groups(both)
    head = group.rectangle
    (key,) = group.keys
    left = head.left + head.width // 2 // 8 * 8
    across = Rectangle(left, head.top, head.width // 2 // 8 * 8, head.height)
    over = FurtherRectangle(across, group.motion)
    before = shown(rewritten(both, replace(group, further=())))
    after = shown(rewritten(both, replace(group, further=(over,))))
    border = np.s_[:, across.top : across.bottom, left]
    assert np.abs(before - before[key.index])[border].max() > 60
    assert np.abs(after - before)[border].max() <= 6


def test_each_rectangle_has_key_frames_and_fades_of_its_own(both):
    """The second head goes over to a darker key frame, the first one and the wall do not."""
    header = BitstreamReader(io.BytesIO(both)).header
    (group,) = groups(both)
    colour, count = header.video.colour, 4
    pictures = [from_rgb(scene(0) // part, WIDTH, HEIGHT, colour) for part in (1, 2)]
    encoder = keyframe.get("vvc").encoder(
        width=WIDTH, height=HEIGHT, qp=22, colour=colour, preset="faster"
    )
    keys = encoder.encode(pictures)
    coding = LevelCoding.for_decoder(header.video, extra=None)
    still = np.zeros(header.video.code_length, np.int32)

    def run(*choices: KeyChoice) -> bytes:
        sent = [InterFrame(InterType.MOTION, choice, still) for choice in choices]
        return write_run(coding, [], sent, keys=2)

    (second,) = group.further
    bright, dark = KeyChoice(0), KeyChoice(1, fades=True)
    made = Group(
        pts=0,
        frames=count,
        variable_rate=False,
        keys=tuple(map(KeyFrame, (0, count - 1), keys.pictures)),
        motion=run(bright, bright),
        rectangle=group.rectangle,
        further=(FurtherRectangle(second.rectangle, run(bright, dark)),),
    )
    video = replace(header.video, key_parameters=keys.parameters)
    frames = shown(file_of(video, made).getvalue())
    first, last = frames[0], frames[-1]
    around = np.ones((HEIGHT, WIDTH), bool)
    for rectangle in group.rectangles:
        around[inside(rectangle)[1:]] = False
    assert (frames[1:3, around] == first[around]).all()
    face = np.s_[:, 64:96, HEADS[1] + 48 : HEADS[1] + 80]
    light = frames[face].mean((1, 2))
    assert light[0] - light[3] > 40
    shares = (light[0] - light[1:3]) / (light[0] - light[3])
    assert shares == pytest.approx([0.4, 0.6], abs=0.15)
    other = np.s_[1:3, 64:96, HEADS[0] + 48 : HEADS[0] + 80]
    assert np.abs(frames[other].mean((1, 2)) - last[other[1:]].mean()).min() > 40


def test_summaries_count_every_rectangle_and_its_motion(both):
    (group,) = groups(both)
    summary = summarise(io.BytesIO(both))
    assert summary.rectangles == list(group.rectangles)
    assert summary.motion_codes == sum(map(len, group.runs))
    assert summary.frames.total() == FRAMES


def test_a_bit_rate_and_a_greatest_distance_go_with_several_faces(source, tmp_path):
    longer = write_pictures(tmp_path / "longer.mkv", [scene(index) for index in range(24)])
    for path, changes in ((source, {"bit_rate": 60_000}), (longer, {"max_distance": 0.35})):
        (group,) = groups(coded(path, told=Told(*DRAWN), faces=2, **changes))
        assert len(group.rectangles) == 2


@pytest.mark.parametrize("count", [0, 5])
def test_the_number_of_faces_is_checked(count):
    with pytest.raises(UsageError, match="number of faces"):
        EncoderSettings(faces=count)


def test_the_largest_faces_that_stay_have_rectangles():
    """Whichever is found as the larger one in a single frame, and whoever passes by."""
    found = []
    for step in range(10):
        left = Face(200 + step, 200, 80, 100 + 12 * (step % 2))
        right = Face(620, 220, 80, 106)
        small = Face(1000, 500, 40, 61)
        passing = [Face(900, 80, 90, 130)] if step in (3, 4) else []
        found.append([right, *passing, small, left] if step % 3 else [left, right])
    two = choose_rectangles(found, 1280, 720, most=2)
    assert len(two) == 2
    middles = sorted(each.left + each.width / 2 for each in two)
    assert middles == pytest.approx([245, 660], abs=20)
    three = choose_rectangles(found, 1280, 720, most=4)
    assert len(three) == 3
    assert three[2].width < three[1].width
    only = [choose_rectangle(found, 1280, 720)]
    assert choose_rectangles(found, 1280, 720, most=1) == only
    alone = [[max(each, key=lambda face: face.height)] for each in found[::3]]
    assert choose_rectangles(alone, 1280, 720, most=4) == [choose_rectangle(alone, 1280, 720)]


@pytest.mark.parametrize(("apart", "count"), [(300, 2), (140, 2), (110, 1)])
def test_faces_close_together_share_the_room_or_the_smaller_one_gives_way(apart, count):
    found = [[Face(500, 300, 80, 100), Face(500 + apart, 300, 75, 94)]] * 5
    squares = choose_rectangles(found, 1280, 720, most=2)
    assert len(squares) == count
    usual = choose_rectangle(found, 1280, 720)
    assert (squares[0] == usual) == (apart != 140)
    # Who is further off steps in.
    third = Face(1000, 300, 70, 88)
    squares = choose_rectangles([[*found[0], third]] * 5, 1280, 720, most=2)
    assert len(squares) == 2
    assert (squares[1].right > 1035) == (count == 1)


@settings(deadline=None)
@given(FACES, st.sampled_from([(1280, 720), (720, 1280), (64, 64), (512, 64)]), st.integers(1, 4))
def test_several_rectangles_lie_in_the_picture_and_overlap_where_they_fade(found, size, most):
    squares = choose_rectangles(found, *size, most=most)
    assert len(squares) <= most
    assert bool(squares) == bool(choose_rectangle(found, *size))
    for square in squares:
        assert square.lies_in(*size)
        assert square.width == square.height >= 16
    for one, other in combinations(squares, 2):
        across = min(one.right, other.right) - max(one.left, other.left)
        down = min(one.bottom, other.bottom) - max(one.top, other.top)
        assert min(across, down) <= 0.14 * (one.width + other.width)


HELD = replace(VIDEO, canvas=(640, 360))
PARTS = Group(
    0,
    3,
    False,
    (KeyFrame(1, b"key"),),
    b"codes",
    rectangle=Rectangle(400, 120, 240, 240),
    further=(
        FurtherRectangle(Rectangle(0, 0, 64, 80), b"more"),
        FurtherRectangle(Rectangle(8, 16, 64, 80), b""),
    ),
)


def test_groups_of_several_rectangles_round_trip():
    assert list(BitstreamReader(file_of(HELD, PARTS))) == [PARTS]
    assert len(PARTS.to_bytes()) == len(replace(PARTS, further=()).to_bytes()) + 1 + 2 * 5 + 4


def test_cut_groups_of_several_rectangles_are_refused():
    data = replace(PARTS, motion=b"").to_bytes()
    for length in range(len(data)):
        with pytest.raises(TruncatedDataError):
            Group.from_bytes(data[:length])


def test_further_rectangles_need_a_first_one_and_generated_pictures():
    with pytest.raises(InvalidDataError, match="no first one"):
        Group.from_bytes(replace(PARTS, rectangle=None).to_bytes())
    data = bytearray(Group(0, 3, False, (), b"", video=b"stream").to_bytes())
    data[0] |= 64
    with pytest.raises(InvalidDataError, match="coded as video"):
        Group.from_bytes(bytes(data))


@pytest.mark.parametrize("count", [0, 4])
def test_their_number_has_bounds(count):
    data = replace(PARTS, further=PARTS.further[:1] * count).to_bytes()
    if not count:
        whole = replace(PARTS, further=()).to_bytes()
        assert data == whole
        data = bytes([whole[0] | 64]) + whole[1:-5] + b"\0" + b"codes"
    with pytest.raises(InvalidDataError, match="number of further rectangles"):
        Group.from_bytes(data)


def test_further_rectangles_outside_of_the_canvas_are_refused():
    outside = FurtherRectangle(Rectangle(600, 0, 64, 64), b"")
    with pytest.raises(InvalidDataError, match="does not lie in the picture"):
        list(BitstreamReader(unchecked_file_of(HELD, replace(PARTS, further=(outside,)))))


@pytest.mark.parametrize("damage", [b"", b"\xff" * 40])
def test_a_damaged_run_of_a_further_rectangle_is_an_error_or_a_picture(both, damage):
    """Never anything else, and the number of frames stays."""
    (group,) = groups(both)
    (second,) = group.further
    data = rewritten(both, replace(group, further=(replace(second, motion=damage),)))
    with contextlib.suppress(InvalidDataError):
        assert len(shown(data)) == FRAMES
