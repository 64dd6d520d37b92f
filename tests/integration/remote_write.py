"""Write samples to a Prometheus by its remote-write protocol 1.0: protobuf in Snappy blocks."""

import struct
from collections.abc import Iterable, Mapping
from dataclasses import dataclass

import httpx

_HEADERS = {
    "Content-Encoding": "snappy",
    "Content-Type": "application/x-protobuf",
    "X-Prometheus-Remote-Write-Version": "0.1.0",
}
_VARINT, _FIXED64, _BYTES = 0, 1, 2
# The longest literal whose length fits into two bytes.
_LITERAL_BYTES = 65_536


@dataclass(frozen=True)
class WrittenSample:
    """One sample of one series; `labels` has its name as `__name__`, `at` is in epoch seconds."""

    labels: Mapping[str, str]
    at: float
    value: float


def write_samples(url: str, samples: Iterable[WrittenSample]) -> None:
    """Write samples. Raises httpx.HTTPStatusError where the server refuses them."""
    content = snappy_block(write_request(samples))
    httpx.post(f"{url}/api/v1/write", content=content, headers=_HEADERS).raise_for_status()


def write_request(samples: Iterable[WrittenSample]) -> bytes:
    """Encode a `prometheus.WriteRequest` with one series per sample."""
    return b"".join(_field(1, _series(each)) for each in samples)


def snappy_block(content: bytes) -> bytes:
    """Encode bytes as a Snappy block of literals only: nothing is compressed."""
    pieces = (content[at : at + _LITERAL_BYTES] for at in range(0, len(content), _LITERAL_BYTES))
    return _varint(len(content)) + b"".join(
        struct.pack("<BH", 61 << 2, len(piece) - 1) + piece for piece in pieces
    )


def _series(sample: WrittenSample) -> bytes:
    labels = (
        _field(1, _field(1, name.encode()) + _field(2, value.encode()))
        for name, value in sorted(sample.labels.items())
    )
    stamp = _varint(2 << 3 | _VARINT) + _varint(round(sample.at * 1000))
    value = _varint(1 << 3 | _FIXED64) + struct.pack("<d", sample.value)
    return b"".join(labels) + _field(2, value + stamp)


def _field(number: int, content: bytes) -> bytes:
    return _varint(number << 3 | _BYTES) + _varint(len(content)) + content


def _varint(value: int) -> bytes:
    encoded = bytearray()
    while value > 0x7F:
        encoded.append(value & 0x7F | 0x80)
        value >>= 7
    encoded.append(value)
    return bytes(encoded)
