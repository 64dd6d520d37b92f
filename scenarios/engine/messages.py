"""The messages between a master and its workers, each checked before anything is done with it.

The other side has the key, but may be broken or hostile: a name is no path, a size has a limit, and
a worker learns which environment is meant, never what to read.
"""

import json
from typing import Annotated, Any, Self, TypeVar

from pydantic import (
    BaseModel,
    ConfigDict,
    Field,
    Strict,
    StringConstraints,
    ValidationError,
    model_validator,
)

from scenarios.evidence.amounts import AMOUNT_BYTES
from scenarios.evidence.exchanges import ROW
from scenarios.evidence.generator_health import HEALTH_BYTES
from scenarios.evidence.recording import Stop, StopReason
from scenarios.evidence.stream_times import STREAM_BYTES
from scenarios.evidence.transfer import (
    MAX_AMOUNTS,
    MAX_HEALTH_PER_BATCH,
    MAX_NOTES_BYTES,
    MAX_ROWS,
    MAX_STREAMS,
)

_MAX_SCENARIO = 2_000_000
CHUNK_BYTES = 1_000_000  # of a file, in one message
_NUMBER_BYTES = 4
MAX_SECRET, MAX_SECRETS = 20_000, 1_000
_MAX_VARIABLE = 200_000  # Linux allows 128 KiB for one

FileName = Annotated[str, StringConstraints(pattern=r"^[A-Za-z0-9_][A-Za-z0-9_.-]{0,99}$")]
Short = Annotated[str, StringConstraints(max_length=500)]
Count = Annotated[int, Field(ge=0, le=2**32)]
Amount = Annotated[float, Field(ge=0, le=1e9, allow_inf_nan=False)]


VariableValue = Annotated[str, StringConstraints(max_length=_MAX_VARIABLE)]


class MessageError(Exception):
    """A message that has not the form of its type; the message names the field."""


class _Message(BaseModel):
    model_config = ConfigDict(strict=True, extra="forbid", frozen=True)


class FileChunk(_Message):
    """A part of a file that the scenario names, by its name there."""

    name: Short
    offset: Count
    content: Annotated[bytes, Field(max_length=CHUNK_BYTES)]


class Assignment(_Message):
    """A worker's part of a load; the environment is named by the digest of its file.

    `files` has the SHA-256 of each file that the scenario names, by its name there. Their content
    came before, and stays in memory: a worker reads and writes no file of a name that comes from
    elsewhere. `variables` are those that the scenario names: a worker reads none of its own for a
    scenario that comes from elsewhere, since it could name any.
    """

    scenario: Annotated[str, StringConstraints(max_length=_MAX_SCENARIO)]
    environment_sha256: Short
    files: dict[Short, Short]
    variables: Annotated[dict[Short, VariableValue], Field(repr=False)]
    profile: Short
    run_id: Short
    tenant: Short
    users: Count
    iterations: Count
    rate_per_s: Amount
    duration_s: Amount
    generator: FileName
    index: Count
    of: Annotated[int, Field(ge=1, le=10_000)]
    earlier: list[Count]


class SharedVariables(_Message):
    """What the set-up of a run saved, as a JSON object."""

    variables: Annotated[str, StringConstraints(max_length=_MAX_SCENARIO)]

    def read(self) -> dict[str, Any]:
        """Return the variables. Raises MessageError."""
        try:
            variables = json.loads(self.variables)
        except ValueError as error:
            raise MessageError(f"variables: {error}") from error
        if not isinstance(variables, dict):
            raise MessageError("variables: not an object")
        return variables


class AssignmentReply(_Message):
    """A problem, or "", and the name of the worker's folder: among those of its recordings."""

    problem: Annotated[str, StringConstraints(max_length=20_000)]
    folder: FileName | Annotated[str, StringConstraints(max_length=0)]


class BatchMessage(_Message):
    """A part of a recording, and the numbers of iterations that have ended and were dropped."""

    batch: Annotated[int, Field(ge=1)]
    numbers: Annotated[bytes, Field(max_length=MAX_ROWS * _NUMBER_BYTES)]
    rows: Annotated[bytes, Field(max_length=MAX_ROWS * ROW.itemsize)]
    notes: Annotated[bytes, Field(max_length=MAX_NOTES_BYTES)]
    amounts: Annotated[bytes, Field(max_length=MAX_AMOUNTS * AMOUNT_BYTES)]
    streams: Annotated[bytes, Field(max_length=MAX_STREAMS * STREAM_BYTES)]
    health: Annotated[bytes, Field(max_length=MAX_HEALTH_PER_BATCH * HEALTH_BYTES)]
    ended: Count
    dropped: Count = 0
    is_last: bool = False

    @model_validator(mode="after")
    def _has_a_row_for_each_number(self) -> Self:
        count, rest = divmod(len(self.numbers), _NUMBER_BYTES)
        if rest or len(self.rows) != count * ROW.itemsize:
            raise ValueError("rows and numbers differ in length")
        for content, row_bytes, words in (
            (self.amounts, AMOUNT_BYTES, "amounts are"),
            (self.streams, STREAM_BYTES, "streams are"),
            (self.health, HEALTH_BYTES, "health is"),
        ):
            if len(content) % row_bytes:
                raise ValueError(f"its {words} no whole rows")
        return self


class Confirmation(_Message):
    """The number of the last batch that the master has."""

    batch: Count


class LearnedMessage(_Message):
    """The secrets that responses brought to a worker, which the master's logs must not have."""

    secrets: Annotated[
        list[Annotated[str, StringConstraints(max_length=MAX_SECRET)]],
        Field(max_length=MAX_SECRETS, repr=False),
    ]


class StopMessage(_Message):
    """Why a load has to stop."""

    reason: Annotated[StopReason, Strict(False)]
    message: Short

    def to_stop(self) -> Stop:
        """Return the early end of the load."""
        return Stop(self.reason, self.message)


MessageT = TypeVar("MessageT", bound=_Message)


def read_message(model: type[MessageT], data: Any) -> MessageT:
    """Return a message as its type. Raises MessageError."""
    try:
        return model.model_validate(data)
    except ValidationError as error:
        first = error.errors(include_url=False, include_input=False)[0]
        place = ".".join(map(str, first["loc"])) or model.__name__
        raise MessageError(f"{place}: {first['msg']}") from error
