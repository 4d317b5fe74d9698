"""The requests made for each row: all of them in the book, and how many count when it comes to giving up."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable

from growlytics_pandas._status import Status
from growlytics_pandas.http.protocol import Response
from growlytics_pandas.http.retry import describe, is_free, may_have_arrived
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
