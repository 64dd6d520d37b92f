"""The id that a request carries in its trace header, and how it is found again.

Any header carries RUN-GENERATOR-SEQUENCE as it is; `traceparent` (W3C Trace Context) has room for
128 bits, from which the same three can be read again:

    00-8f2d…(64 bits: hash of the run)…(64 bits: generator and sequence, mixed)…-PARENT-01
"""

import hashlib
import re
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from functools import lru_cache

from scenarios.evidence.exchange import trace_id

TRACEPARENT = "traceparent"

_GENERATOR_BITS, _SEQUENCE_BITS = 24, 40
_BITS_64 = 1 << 64
# odd, and so invertible: samplers look at the last bits, which must not count by ones
_FACTOR = 0x9E3779B97F4A7C15
_INVERSE = pow(_FACTOR, -1, _BITS_64)
# int() would accept signs, spaces and the digits of any script
_NUMBER = re.compile(r"[0-9]{1,15}")
_W3C_ID = re.compile(r"(?:[0-9a-f]{2}-)?([0-9a-f]{32})(?:-[0-9a-f]{16}-[0-9a-f]{2})?")

# The value of a trace header, of a run's id, a generator and a sequence number.
TraceValue = Callable[[str, str, int], str]


def trace_value_of(header: str) -> TraceValue:
    """Return what makes the values of a trace header."""
    return _traceparent if header.lower() == TRACEPARENT else trace_id


def id_in(value: str, header: str) -> str:
    """Return the id in the value of a trace header, as services log it."""
    return value[3:35] if header.lower() == TRACEPARENT else value


@dataclass(frozen=True)
class TraceIds:
    """The trace ids of a run, whose requests carried them in `header`."""

    run_id: str
    header: str
    generators: tuple[str, ...] = ()

    def shown(self, generator: str, sequence: int) -> str:
        """Return the id of a request, by which it is found in rows, logs and traces."""
        return id_in(trace_value_of(self.header)(self.run_id, generator, sequence), self.header)

    def read(self, text: str) -> str:
        """Return an id that a database keeps as RUN-GENERATOR-SEQUENCE, or as it is if foreign.

        An id of `traceparent` may be kept with its hyphens as a UUID, or within the whole header.
        """
        if self.header.lower() != TRACEPARENT:
            return text
        lower = text.lower()
        match = _W3C_ID.fullmatch(lower) or _W3C_ID.fullmatch(lower.replace("-", ""))
        if match is None or match[1][:16] != _hash(self.run_id, 16):
            return text
        mixed = int(match[1][16:], 16) * _INVERSE % _BITS_64
        names = {_hash(name, _GENERATOR_BITS // 4): name for name in self.generators}
        generator = names.get(f"{mixed >> _SEQUENCE_BITS:06x}")
        sequence = mixed & ((1 << _SEQUENCE_BITS) - 1)
        return text if generator is None else trace_id(self.run_id, generator, sequence)

    def request_of(self, trace: str) -> tuple[str, int] | None:
        """Return generator and sequence number of an id, or None if it is none of the run's.

        Nor is one that a database keeps cut off, or with an addition.
        """
        generator, _, sequence = trace.removeprefix(f"{self.run_id}-").rpartition("-")
        is_own = trace.startswith(f"{self.run_id}-") and generator in self.generators
        return (generator, int(sequence)) if is_own and _NUMBER.fullmatch(sequence) else None

    def shown_all(self, ids: Iterable[str]) -> tuple[str, ...]:
        """Return ids of the run, RUN-GENERATOR-SEQUENCE, as services log them."""
        own = f"{self.run_id}-"
        parts = (each.removeprefix(own).rpartition("-") for each in ids)
        return tuple(self.shown(generator, int(sequence)) for generator, _, sequence in parts)


def _traceparent(run_id: str, generator: str, sequence: int) -> str:
    run = _hash(run_id, 16)
    number = int(_hash(generator, _GENERATOR_BITS // 4), 16) << _SEQUENCE_BITS | sequence
    # the parent is the harness: it records no span, and so has one id for all requests
    return f"00-{run}{number * _FACTOR % _BITS_64:016x}-{run}-01"


@lru_cache(maxsize=1000)
def _hash(text: str, digits: int) -> str:
    return hashlib.sha256(text.encode()).hexdigest()[:digits]
