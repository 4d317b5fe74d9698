"""On the scheduler: the rate, concurrency and stop request that all workers of a run share.

It also records which rows of each running part were accepted: if a worker dies, the next worker sends only the rest
of the part. All in memory, one bit per row of the running parts.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any, Final

import numpy as np
from distributed import Scheduler
from distributed.diagnostics.plugin import SchedulerPlugin

HANDLER: Final = "growlytics"
PLUGIN_NAME: Final = "growlytics-coordinator"
SLICE_SECONDS: Final = 0.1  # of the rate, divided among running parts: how much one report may reserve
AHEAD_SECONDS: Final = 0.3  # reserved in advance at most, so that little is lost if a worker dies
MAX_UNREPORTED: Final = (
    500  # requests that a part may start before its last report is answered: the most that are sent twice
)


@dataclass(slots=True)
class Attempt:
    """One worker's attempt at a part."""

    name: int
    number: int
    worker: str
    rows: int
    held: int = 0
    in_flight: int = 0
    snapshot: dict[str, Any] = field(default_factory=dict)
    is_over: bool = False


@dataclass(slots=True)
class RunState:
    """One run of one client."""

    client: str
    max_concurrency: int
    max_rate: float | None
    stop: int = 0
    next_free: float = 0.0
    hold_until: float = 0.0
    attempts: dict[int, Attempt] = field(default_factory=dict)
    n_begun: int = 0
    accepted: dict[int, np.ndarray[Any, np.dtype[np.bool_]]] = field(default_factory=dict)
    resent: list[tuple[int, int, int]] = field(default_factory=list)

    def active(self) -> list[Attempt]:
        """Return the running attempts."""
        return [attempt for attempt in self.attempts.values() if not attempt.is_over]

    def lose(self, attempt: Attempt) -> None:
        """Record that the worker of an attempt is gone."""
        attempt.is_over, attempt.held = True, 0
        again = min(attempt.rows, attempt.in_flight + MAX_UNREPORTED)
        self.resent.append((attempt.number, attempt.rows, again))

    def grant_slots(self, attempt: Attempt, holds: int) -> int:
        """Return how many requests the attempt may have in flight; `holds`: its limit until it gets the reply."""
        others = self.active()
        target = max(1, self.max_concurrency // max(1, len(others)))
        free = self.max_concurrency - sum(other.held for other in others if other is not attempt)
        granted = max(0, min(target, free))
        attempt.held = max(granted, holds)
        return granted

    def reserve(self, now: float, wants: bool) -> tuple[int, float]:
        """Reserve a slice of the rate; return its number of requests and the seconds until it begins."""
        if self.max_rate is None or not wants:
            return 0, 0.0
        start = max(now, self.next_free)
        if start - now > AHEAD_SECONDS:
            return 0, 0.0
        count = max(1, int(self.max_rate * SLICE_SECONDS / max(1, len(self.active()))))
        self.next_free = start + count / self.max_rate
        return count, start - now


class Coordinator(SchedulerPlugin):  # type: ignore[misc]
    """The scheduler plugin. Workers and clients call it through one handler, `HANDLER`."""

    name = PLUGIN_NAME
    idempotent = True

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._runs: dict[str, RunState] = {}

    async def start(self, scheduler: Scheduler) -> None:
        """Register the handler."""
        scheduler.handlers[HANDLER] = self.handle

    def handle(self, verb: str, run: str, payload: dict[str, Any]) -> dict[str, Any]:
        """Answer one call."""
        if verb == "open":
            self._runs[run] = RunState(payload["client"], payload["max_concurrency"], payload["max_rate"])
            return {}
        state = self._runs.get(run)
        if state is None:  # closed, or its client has disconnected
            return {"stop": 2, "slots": 0, "tokens": 0, "delay": 0.0, "hold": 0.0, "accepted": b"", "attempt": 0}
        if verb == "close":
            del self._runs[run]
            return {}
        return {"begin": self._begin, "pace": self._pace, "look": self._look}[verb](state, payload)

    def _begin(self, state: RunState, payload: dict[str, Any]) -> dict[str, Any]:
        """Start a part, or restart it."""
        number, rows = payload["number"], payload["rows"]
        earlier = state.attempts.get(number)
        if earlier is not None and not earlier.is_over:
            state.lose(earlier)
        state.n_begun += 1
        state.attempts[number] = Attempt(state.n_begun, number, payload["worker"], rows)
        known = state.accepted.setdefault(number, np.zeros(rows, dtype=bool))
        reply = self._answer(state, state.attempts[number], holds=0, wants=False)
        return {**reply, "attempt": state.n_begun, "accepted": np.packbits(known).tobytes()}

    def _pace(self, state: RunState, payload: dict[str, Any]) -> dict[str, Any]:
        """Process a report, and grant further requests."""
        number = payload["number"]
        state.accepted.setdefault(number, np.zeros(payload["rows"], dtype=bool))[
            np.frombuffer(payload["accepted"], dtype="int32")
        ] = True
        attempt = state.attempts.get(number)
        if attempt is None or attempt.name != payload["attempt"]:  # another worker has taken over
            return {"stop": 2, "slots": 0, "tokens": 0, "delay": 0.0, "hold": 0.0}
        attempt.in_flight, attempt.snapshot, attempt.is_over = (
            payload["in_flight"],
            payload["snapshot"],
            payload["is_over"],
        )
        if attempt.is_over:
            attempt.held = 0
            return {"stop": state.stop, "slots": 0, "tokens": 0, "delay": 0.0, "hold": 0.0}
        state.hold_until = max(state.hold_until, self._clock() + payload["hold"])
        return self._answer(state, attempt, holds=max(payload["in_flight"], payload["slots"]), wants=payload["wants"])

    def _answer(self, state: RunState, attempt: Attempt, *, holds: int, wants: bool) -> dict[str, Any]:
        now = self._clock()
        tokens, delay = state.reserve(now, wants)
        return {
            "stop": state.stop,
            "slots": state.grant_slots(attempt, holds),
            "tokens": tokens,
            "delay": delay,
            "hold": max(0.0, state.hold_until - now),
        }

    def _look(self, state: RunState, payload: dict[str, Any]) -> dict[str, Any]:
        """Return the progress of the parts; the client sends which it has gathered, and whether to stop."""
        state.stop = max(state.stop, payload["stop"])
        for number in payload["settled"]:
            state.accepted.pop(number, None)
            state.attempts.pop(number, None)
        return {
            "snapshots": [(number, attempt.snapshot) for number, attempt in state.attempts.items() if attempt.snapshot],
            "accepted": {n: np.packbits(state.accepted[n]).tobytes() for n in payload["lost"] if n in state.accepted},
            "resent": state.resent,
        }

    # what the scheduler reports --------------------------------------------------------------------------------------

    def remove_worker(self, scheduler: Scheduler, worker: str, **_: Any) -> None:  # noqa: ARG002 - the hook's form
        """Release the grants of a lost worker."""
        for state in self._runs.values():
            for attempt in state.active():
                if attempt.worker == worker:
                    state.lose(attempt)

    def remove_client(self, scheduler: Scheduler, client: str) -> None:  # noqa: ARG002 - the hook's form
        """Stop the runs of a client that has disconnected: their outcomes would not be gathered."""
        for state in self._runs.values():
            if state.client == client:
                state.stop = max(state.stop, 1)
