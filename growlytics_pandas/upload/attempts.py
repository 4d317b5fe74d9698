"""The requests made for each row: all of them in the book, and how many count when it comes to giving up.

Also the errors with which a run ends early, and the remedy that each names.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping
from typing import Final

from growlytics_pandas._status import Status
from growlytics_pandas._text import options_text, phrase
from growlytics_pandas.errors import (
    AuthenticationError,
    EndpointError,
    ServiceError,
    ServiceUnavailableError,
    TooManyFailuresError,
)
from growlytics_pandas.http.concurrency import OUTAGE_LIMIT_SECONDS
from growlytics_pandas.http.protocol import Response
from growlytics_pandas.http.retry import Verdict, describe, describe_location, is_free, may_have_arrived
from growlytics_pandas.upload.outcomes import OutcomeBuffer


class Attempts:
    """The tries of one run.

    Attributes
    ----------
    repeated : int
        Requests that the transport made again by itself, since a kept-alive connection broke under them.
    """

    def __init__(self, book: OutcomeBuffer, stale_retries: int) -> None:
        self.repeated = 0
        self._book = book
        self._stale_retries = stale_retries
        self._free: defaultdict[int, int] = defaultdict(int)
        self._repeats: defaultdict[int, int] = defaultdict(int)

    def note(self, reply: Response) -> None:
        """Take note of what a reply leaves open, also where the next try is free or a refusal ends the run."""
        if may_have_arrived(reply):
            self._book.lost.add(reply.token)

    def final_status(self, row: int) -> Status:
        """Return what a row is that was not accepted: one of whose tries any may have arrived is not `failed`."""
        return Status.UNKNOWN if row in self._book.lost else Status.FAILED

    def note_repeats(self, row: int, count: int) -> None:
        """Take note that the transport had made a request before: such tries count no more than free ones."""
        self.repeated += count
        self._repeats[row] += count
        for _ in range(count):
            self._book.count_attempt(row)

    def is_free(self, reply: Response) -> bool:
        """Whether this try does not count: a kept-alive connection had been closed under us."""
        row = reply.token
        if not is_free(reply) or self._free[row] >= self._stale_retries:
            return False
        self._free[row] += 1
        self._book.count_attempt(row)
        return True

    def count(self, row: int) -> int:
        """Count one more try of a row, and return how many there were that count."""
        attempts = self._book.count_attempt(row)
        return attempts - self._free.get(row, 0) - self._repeats.get(row, 0)

    def count_retried(self, rows: Iterable[int]) -> int:
        """Return how many of `rows` were tried again by the run itself."""
        attempts = self._book.attempts
        return sum(attempts[row] - self._repeats.get(row, 0) > 1 for row in rows)

    def words(self, reply: Response) -> str:
        """Return why a try failed; also that an earlier one may have arrived, where this one cannot have."""
        lost = reply.token in self._book.lost and not may_have_arrived(reply)
        return describe(reply) + ("; the answer to an earlier try was lost" if lost else "")


MIN_ROWS_FOR_SHARE: Final = 100  # a share of failures means nothing before


def abort_error(verdict: Verdict, reply: Response) -> ServiceError | None:
    """Return the error of an answer that would be the same for every row; None for any other."""
    words = describe(reply)
    facts = {"status": reply.status or None, "attempts": 1, "server_message": words}
    if verdict is Verdict.WRONG_KEY:
        return AuthenticationError(
            f"{words}: the service refused the API key. Nothing more was sent. Check GROWLYTICS_API_KEY "
            f"or {phrase('Client(api_key=…)', '--key-file')}: it may be wrong, of another project, or revoked.",
            **facts,
        )
    if verdict is Verdict.WRONG_ENDPOINT:
        target = f" to {describe_location(reply)}" if reply.location else ""
        facts["server_message"] = f"{words}{target}"
        return EndpointError(
            f"{words}{target}: this is not the customer API. Nothing more was sent. Check GROWLYTICS_BASE_URL or "
            f"{phrase('Client(base_url=…)', '--base-url')}, and whether a proxy or login page intercepts requests.",
            **facts,
        )
    return None


def outage_error(words: str, seconds: float) -> ServiceUnavailableError:
    """Return the error of a service that has stopped answering."""
    return ServiceUnavailableError(
        f"nothing has succeeded for {seconds:.0f} s; the last answer: {words}. Rows that were tried are failed or "
        f"unknown, the rest unsent{_retry('sends them once the service is back')}.",
        server_message=words,
        retryable=True,
    )


def long_wait_error(words: str, seconds: float) -> ServiceUnavailableError:
    """Return the error of a service that asks for a longer wait than a run allows."""
    return ServiceUnavailableError(
        f"the service asks for a wait of {seconds:,.0f} s ({words}), and a push waits {OUTAGE_LIMIT_SECONDS:.0f} s at "
        f"most. Rows that were tried are failed or unknown, the rest unsent{_retry('sends them after that time')}.",
        server_message=words,
        retryable=True,
    )


def _retry(what: str) -> str:
    """Return how to go on in Python; the command line says it in a line of its own."""
    return phrase(f"; growlytics_pandas.last_result().retry() {what}", "")


def wait_words(words: str, seconds: float) -> str:
    """Return the line that a run shows while it waits before the next request."""
    return f"Waiting {max(1.0, seconds):,.0f} s before the next request: {words}."


def outage_words(words: str, seconds: float) -> str:
    """Return the line that a run shows while the service does not answer."""
    limit = f"{OUTAGE_LIMIT_SECONDS / 60:.0f} minutes"
    return f"Nothing has succeeded for {seconds:.0f} s: {words}. Retrying for up to {limit}."


def unreachable_error(words: str) -> ServiceUnavailableError:
    """Return the error of a service that was never reached at all."""
    return ServiceUnavailableError(
        f"the service was never reached: {words}. Nothing was sent. Check GROWLYTICS_BASE_URL or "
        f"{phrase('Client(base_url=…)', '--base-url')}, "
        f"the network and proxy{_retry('sends it all once the service is reachable')}.",
        server_message=words,
        retryable=True,
    )


def are_too_many(failed: int, finished: int, limit: float | None) -> bool:
    """Return whether `max_failures` is reached: an int is a number of rows, a float a share of them."""
    if limit is None:
        return False
    if isinstance(limit, int):
        return failed >= limit
    return finished >= MIN_ROWS_FOR_SHARE and failed > limit * finished


def too_many_error(failed: int, finished: int, limit: float | None, words: str = "") -> TooManyFailuresError:
    """Return the error of a run that reached `max_failures`."""
    last = f"; the last: {words}" if words else ""
    return TooManyFailuresError(
        f"{failed:,} of {finished:,} rows failed ({options_text(max_failures=limit)}){last}. "
        "The rest is unsent; "
        + phrase("look at growlytics_pandas.last_result().failed before pushing again.", "--outcomes PATH tells why."),
        server_message=words,
    )


def interrupted(counts: Mapping[str, int]) -> str:
    """Return the counts of an interrupted run, and how to resume it."""
    shown = ", ".join(f"{count:,} {status}" for status, count in counts.items() if count)
    return (
        f"{shown}. To resume: growlytics_pandas.last_result().retry() in this process, or push again with "
        "skip_unchanged=True."
    )
