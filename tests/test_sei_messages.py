"""Messages of H.274 about faces, and the units of VVC streams that carry them."""

from __future__ import annotations

import io
import re
from dataclasses import replace

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from gvc.errors import GvcError, InvalidDataError, UnsupportedError
from gvc.sei.bits import BitReader, BitWriter
from gvc.sei.face_video import FaceVideoMessage
from gvc.sei.message import SeiMessage, messages_of, prefix_unit
from gvc.sei.nal import NalUnit, prevent_emulation, read_units, remove_prevention


def bits(*elements: str) -> bytes:
    """Bits as H.274 orders them, and what fills up the last byte."""
    text = "".join(elements).replace(" ", "")
    text += "10000000"[: -len(text) % 8]
    return int(text, 2).to_bytes(len(text) // 8)


#: The syntax elements of H.274, one after the other, as strings of bits.
BASE = bits(
    "1",  # gfv_id ue(v): 0
    "1",  # gfv_cnt ue(v): 0
    "1",  # gfv_base_picture_flag
    "0",  # gfv_nn_present_flag
    "0",  # gfv_chroma_key_info_present_flag
    "0",  # gfv_low_confidence_face_parameter_flag
    "0",  # gfv_coordinate_present_flag
    "1",  # gfv_matrix_present_flag
    "00100",  # gfv_matrix_element_precision_factor_minus1 ue(v): 3
    "1",  # gfv_num_matrix_types_minus1 ue(v): 0
    "111111",  # gfv_matrix_type_idx u(6): 63
    "1",  # gfv_num_matrices_minus1 ue(v): 0
    "011",  # gfv_matrix_width_minus1 ue(v): 2
    "1",  # gfv_matrix_height_minus1 ue(v): 0
    "1 0000",  # 0: integer part ue(v), four bits behind the point, no sign
    "010 1000 0",  # 1.5
    "011 0000 1",  # −2
)
GENERATED = bits(
    "000010010",  # gfv_id: 17
    "011",  # gfv_cnt: 2
    "0",  # gfv_drive_picture_fusion_flag
    "0",  # gfv_low_confidence_face_parameter_flag
    "0",  # gfv_coordinate_present_flag
    "1",  # gfv_matrix_present_flag
    "1",  # gfv_matrix_pred_flag
    "1 1",  # no change: integer part ue(v), what is behind the point ue(v), no sign
    "1 010 0",  # 1/16 more
    "00100 1 1",  # 3 less
)


@pytest.mark.parametrize(
    ("message", "payload"),
    [
        (FaceVideoMessage(0, 0, (0, 24, -32)), BASE),
        (FaceVideoMessage(17, 2, (0, 1, -48)), GENERATED),
    ],
)
def test_face_video_messages_follow_the_standard(message, payload):
    assert message.encode() == SeiMessage(223, payload)
    assert FaceVideoMessage.decode(SeiMessage(223, payload), length=3) == message


@pytest.mark.parametrize(
    ("payload", "error"),
    [
        (BASE[:-1], InvalidDataError),
        (BASE + b"\0", InvalidDataError),
        (BASE[:-1] + bytes([BASE[-1] ^ 1]), InvalidDataError),
        (bytes([BASE[0] ^ 0x10]) + BASE[1:], UnsupportedError),  # a neural network is present
        (b"", GvcError),
    ],
)
def test_other_face_video_messages_are_refused(payload, error):
    with pytest.raises(error):
        FaceVideoMessage.decode(SeiMessage(223, payload), length=3)


def test_sei_units_are_those_of_the_standard():
    message = SeiMessage(223, b"\0\0\1\xaa")
    unit = prefix_unit([message, SeiMessage(5, bytes(255))], temporal_id=0, set_off=True)
    assert unit.to_bytes() == (
        b"\0\0\0\1"  # start code
        b"\x00\xb9"  # nuh_layer_id 0, PREFIX_SEI_NUT (23), nuh_temporal_id_plus1 1
        b"\xdf\x04\0\0\3\1\xaa"  # type 223, four bytes
        b"\x05\xff" + b"\0\0\3" * 127 + b"\0\0\x80"  # type 5, 255 + 0 bytes: zeros
    )
    assert list(messages_of(unit)) == [message, SeiMessage(5, bytes(255))]


@given(st.binary().map(lambda data: data.translate(bytes([0, 1, 2, 3] * 64))))
def test_payloads_never_look_like_start_codes(data):
    prevented = prevent_emulation(data + b"\x80")
    assert not re.search(rb"\0\0[\0-\2]", prevented)
    assert remove_prevention(prevented) == data + b"\x80"
    unit = NalUnit(b"\0\xb9" + prevented)
    stream = io.BytesIO(unit.to_bytes() + replace(unit, set_off=True).to_bytes())
    assert list(read_units(stream)) == [unit, replace(unit, set_off=True)]


@given(st.lists(st.integers(0, 2**32 - 2)))
def test_numbers_come_back(values):
    writer = BitWriter()
    for value in values:
        writer.golomb(value)
        writer.unsigned(value % 32, 5)
    reader = BitReader(writer.to_bytes())
    for value in values:
        assert reader.golomb("a number", 2**32 - 2) == value
        assert reader.unsigned(5) == value % 32
    reader.finish()


@settings(max_examples=300)
@given(st.binary(max_size=60), st.integers(1, 1024))
def test_any_bytes_are_a_message_or_an_error(data, length):
    try:
        message = FaceVideoMessage.decode(SeiMessage(223, data), length=length)
    except GvcError:
        return
    assert message.encode() == SeiMessage(223, data)
