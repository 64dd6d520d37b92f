"""The probes of a watch: one file per service, `evidence/probes/SERVICE.jsonl`.

Each line is one probe, `[sent, done, error]`, in epoch seconds. Every line reaches the operating
system at once, so a killed watch loses none.
"""

from contextlib import closing, suppress
from dataclasses import dataclass
from pathlib import Path

import msgspec

from scenarios.evidence.files import plain_name, read_lines

# A service that takes longer is down: its callers would have given up.
TIMEOUT_S = 1.0


@dataclass(frozen=True, slots=True)
class Probe:
    """One request for a service's health: when, in epoch seconds, and the error, or ""."""

    sent_at: float
    done_at: float
    error: str = ""


def probes_path(folder: Path, name: str) -> Path:
    """Return the file of a service's probes in a folder of evidence."""
    return folder / "probes" / f"{plain_name(name)}.jsonl"


def read_probes(path: Path) -> list[Probe]:
    """Read the probes of a service in order of time; a torn line is left out."""
    decoder = msgspec.json.Decoder(tuple[float, float, str])
    probes = []
    try:
        with closing(read_lines(path)) as lines:
            for line in lines:
                with suppress(msgspec.DecodeError, UnicodeDecodeError):
                    probes.append(Probe(*decoder.decode(line)))
    except (OSError, ValueError):
        # what was read before is good
        pass
    return sorted(probes, key=lambda probe: probe.sent_at)
