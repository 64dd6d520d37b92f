"""SQL store of Onboarding; every query is restricted to one tenant."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from typing import Any
from uuid import uuid4

from pydantic import ValidationError
from sqlalchemy import (
    JSON,
    Column,
    Connection,
    Index,
    MetaData,
    Row,
    Select,
    String,
    Table,
    Update,
    insert,
    select,
    update,
)

from reference_services.common.api.json_values import UnreadableJson
from reference_services.common.api.trace import TRACE_LENGTH, current_trace_id
from reference_services.common.database import Database, UtcDateTime
from reference_services.onboarding.models import OnboardingSession, SessionBody, Snapshot

# The schema after all revisions in migrations/; a test compares the two.
tables = MetaData()

sessions_table = Table(
    "onboarding_sessions",
    tables,
    Column("session_id", String(36), primary_key=True),
    Column("tenant_id", String(36), nullable=False),
    Column("status", String(32), nullable=False),
    Column("company_domain", String(253), nullable=False),
    Column("user_email", String(254), nullable=False),
    Column("snapshot", JSON(none_as_null=True)),
    Column("batch_key", String(500)),
    Column("card_ids", JSON(none_as_null=True)),
    Column("trace_id", String(TRACE_LENGTH)),
    Column("created_at", UtcDateTime, nullable=False),
    Column("updated_at", UtcDateTime, nullable=False),
    Index("sessions_of_tenant", "tenant_id", "created_at"),
)


@dataclass(frozen=True)
class Submission:
    """The batch to send to Cards; stored, because a retry has to send the same one."""

    snapshot: Snapshot
    batch_key: str


class SessionsStore:
    """Stores onboarding sessions and their submissions."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def create(self, tenant_id: str, body: SessionBody) -> OnboardingSession:
        """Create an open session."""
        now = datetime.now(UTC)
        session = OnboardingSession(
            session_id=str(uuid4()),
            tenant_id=tenant_id,
            status="open",
            company_domain=body.company_domain,
            user_email=body.user_email,
            created_at=now,
            updated_at=now,
        )
        with self._database.write_transaction() as connection:
            row = session.model_dump(exclude={"cards_created_count", "card_ids_error"})
            traced = {"trace_id": current_trace_id()}
            connection.execute(insert(sessions_table), row | traced)
        return session

    def read(self, tenant_id: str, session_id: str) -> OnboardingSession | None:
        """Return the session of the tenant, or None."""
        with self._database.read_transaction() as connection:
            row = connection.execute(_session_of(tenant_id, session_id)).one_or_none()
        return _session(row) if row else None

    def submit(self, session: OnboardingSession, submission: Submission) -> Submission:
        """Store the submission unless the session has one already; return the stored one.

        One that cannot be read is replaced under its key: if Cards has had it, Cards refuses.
        """
        with self._database.write_transaction() as connection:
            row = connection.execute(
                _session_of(session.tenant_id, session.session_id).with_for_update()
            ).one()
            if row.batch_key is not None:
                try:
                    return Submission(Snapshot.model_validate(row.snapshot), row.batch_key)
                except ValidationError:
                    submission = replace(submission, batch_key=row.batch_key)
            _change(
                connection,
                _change_of(session),
                snapshot=submission.snapshot.model_dump(),
                batch_key=submission.batch_key,
            )
        return submission

    def withdraw(self, session: OnboardingSession, submission: Submission) -> None:
        """Delete a submission that Cards rejected, so that the session accepts another one."""
        change = _change_of(session).where(sessions_table.c.batch_key == submission.batch_key)
        with self._database.write_transaction() as connection:
            _change(connection, change, snapshot=None, batch_key=None)

    def complete(self, session: OnboardingSession, card_ids: Sequence[str]) -> bool:
        """Complete the session; return False if an earlier call has done so."""
        change = _change_of(session).where(sessions_table.c.status == "open")
        with self._database.write_transaction() as connection:
            return _change(connection, change, status="completed", card_ids=list(card_ids)) == 1


def _session_of(tenant_id: str, session_id: str) -> Select[tuple[object, ...]]:
    # The only SELECT on sessions, so that none can return another tenant's session.
    return select(sessions_table).where(
        sessions_table.c.tenant_id == tenant_id, sessions_table.c.session_id == session_id
    )


def _change_of(session: OnboardingSession) -> Update:
    return update(sessions_table).where(
        sessions_table.c.tenant_id == session.tenant_id,
        sessions_table.c.session_id == session.session_id,
    )


def _change(connection: Connection, change: Update, **values: Any) -> int:
    return connection.execute(change.values(updated_at=datetime.now(UTC), **values)).rowcount


def _session(row: Row[tuple[object, ...]]) -> OnboardingSession:
    values, error = dict(row._mapping), None
    card_ids = values.pop("card_ids")
    if isinstance(card_ids, UnreadableJson):
        error, card_ids = card_ids.reason, None
    elif card_ids is not None and not _is_list_of_text(card_ids):
        card_ids, error = None, "not a list of ids"
    count = None if card_ids is None else len(card_ids)
    return OnboardingSession(
        **values, card_ids=card_ids, card_ids_error=error, cards_created_count=count
    )


def _is_list_of_text(value: object) -> bool:
    return isinstance(value, list) and all(isinstance(each, str) for each in value)
