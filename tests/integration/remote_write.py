"""Write samples to a Prometheus by its remote-write protocol 1.0: protobuf in Snappy blocks."""

import struct
from collections.abc import Iterable, Mapping
from dataclasses import dataclass

import httpx

from tests.integration.protobuf import double, message, number, text, varint

_HEADERS = {
    "Content-Encoding": "snappy",
    "Content-Type": "application/x-protobuf",
    "X-Prometheus-Remote-Write-Version": "0.1.0",
}
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
    return b"".join(message(1, _series(each)) for each in samples)


def snappy_block(content: bytes) -> bytes:
    """Encode bytes as a Snappy block of literals only: nothing is compressed."""
    pieces = (content[at : at + _LITERAL_BYTES] for at in range(0, len(content), _LITERAL_BYTES))
    return varint(len(content)) + b"".join(
        struct.pack("<BH", 61 << 2, len(piece) - 1) + piece for piece in pieces
    )


def _series(sample: WrittenSample) -> bytes:
    labels = (
        message(1, text(1, name) + text(2, value)) for name, value in sorted(sample.labels.items())
    )
    written = double(1, sample.value) + number(2, round(sample.at * 1000))
    return b"".join(labels) + message(2, written)
