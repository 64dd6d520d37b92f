from array import array

from scenarios.language import tables
from scenarios.language.tables import DecodedRows, csv_decoder


def test_a_row_is_decoded_once_and_a_pass_over_all_rows_keeps_none() -> None:
    decoded: list[bytes] = []

    def decode(record: bytes) -> dict[str, str]:
        decoded.append(record)
        return {"id": record.decode()}

    rows = DecodedRows(b"aabbcc", array("Q", [0, 2, 4]), decode)
    assert [row["id"] for row in rows] == ["aa", "bb", "cc"]
    assert [rows[1]["id"], rows[1]["id"], rows[2]["id"]] == ["bb", "bb", "cc"]
    assert decoded == [b"aa", b"bb", b"cc", b"bb", b"cc"]
    assert rows[:2] == [{"id": "aa"}, {"id": "bb"}]


def test_a_record_is_decoded_alike_with_and_without_quotes() -> None:
    decode = csv_decoder(["a", "b"])
    assert decode(b"1, x\r\n") == decode(b'"1"," x"\r\n') == {"a": "1", "b": " x"}


def test_rows_beyond_those_that_are_kept_are_decoded_again() -> None:
    count = tables._MAX_DECODED + 2
    rows = DecodedRows(b"x" * count, array("Q", range(count)), lambda _: {"id": "x"})
    first, last = rows[0], rows[count - 2]
    for index in range(count):
        assert rows[index]
    assert rows[0] is first
    assert rows[count - 2] is last
    assert rows[count - 1] is not rows[count - 1]
