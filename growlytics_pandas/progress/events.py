"""What a push tells its listeners while it runs."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Literal


@dataclass(frozen=True, slots=True)
class ProgressEvent:
    """How far a push is. A listener gets one ``start``, some ``update`` (a few a second) and one ``end``.

    `counts` is status → rows, of which `unsent` are those still to come; together they are `total`.
    """

    kind: Literal["start", "update", "end"]
    total: int
    counts: Mapping[str, int]
    elapsed_seconds: float
    rows_per_second: float
    retries: int
    concurrency: int
    in_flight: int
    failures: tuple[str, ...] = ()
    message: str = ""


Listener = Callable[[ProgressEvent], None]
