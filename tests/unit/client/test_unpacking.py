"""What is unpacked stays within its bound (P12)."""

import pytest

from client.unpacking import Budget, SpentError, UnpackError, unpacked
from tests.batches import CODECS, GZIP, packed, zeros

MEBIBYTE = 1024 * 1024
every_codec = pytest.mark.parametrize("codec", CODECS)


@every_codec
@pytest.mark.parametrize("size", [0, 1, MEBIBYTE - 1, MEBIBYTE])
def test_what_fits_is_unpacked(codec: str, size: int) -> None:
    data = packed(codec, zeros(size))

    assert unpacked(CODECS[codec], data, bytes_max=MEBIBYTE) == bytes(size)


@every_codec
@pytest.mark.parametrize("size", [MEBIBYTE + 1, 64 * MEBIBYTE])
def test_what_is_more_is_not(codec: str, size: int) -> None:
    data = packed(codec, zeros(size))

    with pytest.raises(UnpackError, match=str(MEBIBYTE)):
        unpacked(CODECS[codec], data, bytes_max=MEBIBYTE)


@every_codec
def test_what_is_cut_off_is_not_taken_for_all(codec: str) -> None:
    data = packed(codec, [b"some text that does not repeat: 1234567890 abcdefghijklmnop"])

    with pytest.raises(UnpackError):
        unpacked(CODECS[codec], data[:-9], bytes_max=MEBIBYTE)


@every_codec
@pytest.mark.parametrize("garbage", [b"\xff" * 100, b"garbage", bytes(20)])
def test_garbage_is_an_error_of_ours(codec: str, garbage: bytes) -> None:
    data = packed(codec, [b"text"])[:12] + garbage

    with pytest.raises(UnpackError):
        unpacked(CODECS[codec], data, bytes_max=MEBIBYTE)


def test_several_gzip_members_are_one() -> None:
    data = packed("gzip", [b"one, "]) + packed("gzip", [b"two"])

    assert unpacked(GZIP, data, bytes_max=8) == b"one, two"
    with pytest.raises(UnpackError):
        unpacked(GZIP, data, bytes_max=7)


def test_an_unknown_codec_is_an_error_of_ours() -> None:
    with pytest.raises(UnpackError, match="unknown"):
        unpacked(7, b"", bytes_max=MEBIBYTE)


def test_many_together_stay_within_a_budget() -> None:
    budget = Budget(MEBIBYTE)
    half, most = packed("zstd", zeros(MEBIBYTE // 2)), packed("zstd", zeros(MEBIBYTE))

    budget.unpacked(CODECS["zstd"], half, bytes_max=MEBIBYTE)
    with pytest.raises(SpentError):  # it may fit into a whole one
        budget.unpacked(CODECS["zstd"], most, bytes_max=MEBIBYTE)

    assert budget.left == 0
    assert Budget(MEBIBYTE).unpacked(CODECS["zstd"], most, bytes_max=MEBIBYTE) == bytes(MEBIBYTE)
