"""Messages as a server of MySQL's protocol sends them."""

# Without TLS among the capabilities.
GREETING = (
    b"\n10.11.6-MariaDB\x00\x01\x00\x00\x00saltsalt\x00\xfe\xf7\x08\x02\x00\xff\x81\x15"
    + b"\x00" * 10 + b"saltsaltsalt\x00mysql_native_password\x00"
)  # fmt: skip


def message(number: int, content: bytes) -> bytes:
    """Return a message with its length and its number in the exchange."""
    return len(content).to_bytes(3, "little") + bytes([number]) + content
