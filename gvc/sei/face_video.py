"""Generative Face Video SEI messages (H.274, version 4), as far as motion codes need them."""

from __future__ import annotations

from dataclasses import dataclass

from gvc.errors import UnsupportedError
from gvc.sei.bits import BitReader, BitWriter
from gvc.sei.message import SeiMessage

#: The number of these messages in H.274.
PAYLOAD_TYPE = 223

#: Bits of an element behind the point.
FRACTION_BITS = 4

#: Our matrices: a type that stands for nothing in particular, and that states its size.
_MATRIX_TYPE = 63

#: Bounds of what a file can need.
_MAX_IDENTITY = 63
_MAX_COUNT = 65535
_MAX_WHOLE = 1 << 20

_NOT_OURS = "a Generative Face Video message is of a form that gvc does not write"


@dataclass(frozen=True, slots=True)
class FaceVideoMessage:
    """The motion code of a picture, as a matrix of one row.

    :param identity: gfv_id. :param count: gfv_cnt; 0 is the base picture, the others are generated.
    :param elements: in units of 2^-:data:`FRACTION_BITS`; for the base picture the code itself, for
        the others its change since the message before.
    """

    identity: int
    count: int
    elements: tuple[int, ...]

    def encode(self) -> SeiMessage:
        """The message, syntax element by syntax element."""
        bits = BitWriter()
        bits.golomb(self.identity)  # gfv_id
        bits.golomb(self.count)  # gfv_cnt
        if self.count == 0:
            bits.flag(True)  # gfv_base_picture_flag
            bits.flag(False)  # gfv_nn_present_flag
            bits.flag(False)  # gfv_chroma_key_info_present_flag
        else:
            bits.flag(False)  # gfv_drive_picture_fusion_flag
        bits.flag(False)  # gfv_low_confidence_face_parameter_flag
        bits.flag(False)  # gfv_coordinate_present_flag
        bits.flag(True)  # gfv_matrix_present_flag
        if self.count == 0:
            self._write_form(bits)
        else:
            bits.flag(True)  # gfv_matrix_pred_flag
        for element in self.elements:
            whole, part = divmod(abs(element), 1 << FRACTION_BITS)
            bits.golomb(whole)
            if self.count == 0:
                bits.unsigned(part, FRACTION_BITS)
            else:
                bits.golomb(part)
            if element:
                bits.flag(element < 0)
        return SeiMessage(PAYLOAD_TYPE, bits.to_bytes())

    def _write_form(self, bits: BitWriter) -> None:
        bits.golomb(FRACTION_BITS - 1)  # gfv_matrix_element_precision_factor_minus1
        bits.golomb(0)  # gfv_num_matrix_types_minus1
        bits.unsigned(_MATRIX_TYPE, 6)  # gfv_matrix_type_idx
        bits.golomb(0)  # gfv_num_matrices_minus1
        bits.golomb(len(self.elements) - 1)  # gfv_matrix_width_minus1
        bits.golomb(0)  # gfv_matrix_height_minus1

    @classmethod
    def decode(cls, message: SeiMessage, *, length: int) -> FaceVideoMessage:
        """Read what :meth:`encode` wrote.

        :param length: elements of the matrix.
        :raises InvalidDataError: if it is damaged.
        :raises UnsupportedError: if it is valid, perhaps, but of another form.
        """
        bits = BitReader(message.payload)
        identity = bits.golomb("gfv_id", _MAX_IDENTITY)
        count = bits.golomb("gfv_cnt", _MAX_COUNT)
        # The same flags as above, one after the other.
        expected = "100001" if count == 0 else "00011"
        if any(bits.flag() != (flag == "1") for flag in expected):
            raise UnsupportedError(_NOT_OURS)
        if count == 0:
            _check_form(bits, length)
        elements = tuple(_read_element(bits, base=count == 0) for _ in range(length))
        bits.finish()
        return cls(identity, count, elements)


def _check_form(bits: BitReader, length: int) -> None:
    form = (
        bits.golomb("gfv_matrix_element_precision_factor_minus1", 31),
        bits.golomb("gfv_num_matrix_types_minus1", 63),
        bits.unsigned(6),
        bits.golomb("gfv_num_matrices_minus1", 1023),
        bits.golomb("gfv_matrix_width_minus1", 1023),
        bits.golomb("gfv_matrix_height_minus1", 1023),
    )
    if form != (FRACTION_BITS - 1, 0, _MATRIX_TYPE, 0, length - 1, 0):
        raise UnsupportedError(_NOT_OURS)


def _read_element(bits: BitReader, *, base: bool) -> int:
    whole = bits.golomb("an element of a matrix", _MAX_WHOLE)
    if base:
        part = bits.unsigned(FRACTION_BITS)
    else:
        part = bits.golomb("an element of a matrix", (1 << FRACTION_BITS) - 1)
    element = whole << FRACTION_BITS | part
    return -element if element and bits.flag() else element
