"""Its two tables, by SQLAlchemy."""

from __future__ import annotations

import os
from datetime import UTC, datetime
from functools import cache
from typing import Any
from uuid import UUID, uuid4

from sqlalchemy import Engine, ForeignKey, create_engine
from sqlalchemy.dialects.postgresql import JSONB
from sqlalchemy.orm import DeclarativeBase, Mapped, Session, mapped_column


class Base(DeclarativeBase):
    """What both tables have in common: nothing."""

    type_annotation_map = {dict[str, Any]: JSONB}  # noqa: RUF012 - as SQLAlchemy asks for it


class Referral(Base):
    """One referral as received."""

    __tablename__ = "referral"

    id: Mapped[UUID] = mapped_column(primary_key=True, default=uuid4)
    reference: Mapped[str] = mapped_column(unique=True)
    body: Mapped[dict[str, Any]]
    state: Mapped[str] = mapped_column(default="accepted", index=True)
    accepted_at: Mapped[datetime] = mapped_column(default=lambda: datetime.now(UTC))
    routed_at: Mapped[datetime | None]


class Delivery(Base):
    """One agency's part of a referral."""

    __tablename__ = "delivery"

    id: Mapped[UUID] = mapped_column(primary_key=True, default=uuid4)
    referral: Mapped[UUID] = mapped_column(ForeignKey("referral.id"), index=True)
    agency: Mapped[str] = mapped_column(index=True)
    state: Mapped[str] = mapped_column(default="sent", index=True)
    outcome: Mapped[str | None]
    answered_at: Mapped[datetime | None]


@cache
def engine() -> Engine:
    """Return this process's engine; first asked for after a fork."""
    return create_engine(os.environ["WEEKEND_DATABASE"], pool_size=8)


def session() -> Session:
    """Open a session whose objects may be read after the commit."""
    return Session(engine(), expire_on_commit=False)
