"""Instants ↔ whole microseconds since 1970, UTC, which is how the file holds them."""

from datetime import UTC, datetime, timedelta
from typing import Final

from growlytics_pandas.errors import InvalidArgumentError

EPOCH: Final = datetime(1970, 1, 1, tzinfo=UTC)
MICROSECOND: Final = timedelta(microseconds=1)


def to_microseconds(instant: datetime) -> int:
    """Return the microseconds; an instant without a time zone is refused, for it could be any of 24 hours."""
    if instant.tzinfo is None:
        raise InvalidArgumentError(f"{instant}: it has no time zone; give one, as in datetime.now(UTC)")
    return (instant - EPOCH) // MICROSECOND


def from_microseconds(microseconds: int) -> datetime:
    """Return the instant, in UTC."""
    return EPOCH + microseconds * MICROSECOND


def now() -> int:
    """Return the microseconds of this instant."""
    return to_microseconds(datetime.now(UTC))
