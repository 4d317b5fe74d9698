"""What an answer means, and when to ask again: pure decisions, with clock and randomness passed in.

The rules of "Not documented anywhere: our decision" stand here: only JSON with ``success`` exactly true is success. An
answer that is lost, empty or cut short is asked for again, which is safe because an upsert with the same body changes
nothing the second time. `may_have_arrived` tells apart what was refused from what merely stayed unanswered.
"""

import html
import math
import re
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC
from email.utils import parsedate_to_datetime
from enum import Enum
from typing import Any, Final

import orjson

from growlytics_pandas.contract import ENDPOINT_STATUSES, KEY_STATUSES, RETRY_STATUSES
from growlytics_pandas.http.protocol import OK, PLAIN_SUCCESS, Response, TransportError, one_line

SUCCESS_STATUSES: Final = range(200, 300)
PROXY_KEY_STATUS: Final = 407  # a proxy wants a password: what stands before the service, so the same for every row
REFUSAL_STATUSES: Final = frozenset(
    {*range(300, 500), 501, 503, 505, 511}
)  # nothing was stored; other 5xx leave it open
RETRY_FAULTS: Final = frozenset(
    {TransportError.CONNECT, TransportError.TIMEOUT, TransportError.BROKEN, TransportError.STALE, TransportError.FILES}
)
WORD_KEYS: Final = ("message", "error", "errors", "detail", "description", "reason", "msg")  # where JSON errors speak
MAX_TEXT_BYTES: Final = 1 << 14  # of a page, enough to find its words
JITTER_SHARE: Final = 0.1  # of a Retry-After, so that the rows do not all return in one instant

_NOT_TEXT: Final = re.compile(r"<(script|style|head)\b.*?</\1>|<!--.*?-->|<[^>]*>", re.IGNORECASE | re.DOTALL)
_SECONDS: Final = re.compile(r"\d{1,9}(\.\d{1,9})?", re.ASCII)


class Verdict(Enum):
    """What an answer means for its row, or for the run."""

    ACCEPTED = "accepted"
    RETRY = "try again"
    REJECTED = "this row was refused"
    WRONG_KEY = "the key was refused"
    WRONG_ENDPOINT = "the URL is wrong, or something stands before it"


def judge(reply: Response) -> Verdict:
    """Return what `reply` means.

    Parameters
    ----------
    reply : Response
        One finished request.

    Returns
    -------
    Verdict
        ``WRONG_KEY`` and ``WRONG_ENDPOINT`` concern every row, so they end the run.
    """
    if reply.fault is None:
        if reply.status == OK and reply.body in PLAIN_SUCCESS:
            return Verdict.ACCEPTED
        if reply.status in SUCCESS_STATUSES:
            return _judge_body(reply.body)
        return _judge_status(reply.status)
    if reply.fault is TransportError.TLS:
        return Verdict.WRONG_ENDPOINT
    if reply.fault is TransportError.TOO_LARGE:
        return _judge_status(reply.status)
    return Verdict.RETRY if reply.fault in RETRY_FAULTS else Verdict.REJECTED


def may_have_arrived(reply: Response) -> bool:
    """Return whether the row may have been stored although `reply` does not say so.

    Only a refusal proves that it was not: a status that says so, or a 2xx whose whole body is another answer. A lost
    answer, a 2xx that cannot be read, an error in the middle of the work and an earlier copy that met with nothing
    prove nothing. A row with one such reply is `unknown` or `accepted` in the end, whatever its other replies are.
    """
    if reply.repeats:
        return True
    if reply.fault is TransportError.TOO_LARGE:
        return reply.status not in REFUSAL_STATUSES
    if reply.fault is not None:
        return reply.was_sent
    if reply.status in SUCCESS_STATUSES:
        return _judge_body(reply.body) is Verdict.RETRY
    return reply.status not in REFUSAL_STATUSES


def is_free(reply: Response) -> bool:
    """Return whether the next try comes at once and uncounted: an idle connection had been closed, a normal event.

    `RetryPolicy.stale_retries` bounds how often in a row.
    """
    return reply.fault is TransportError.STALE


def describe(reply: Response) -> str:
    """Return the server's own words, or the fault's: one line of at most 300 visible characters.

    Examples
    --------
    >>> describe(Response(0, 422, b'{"success":false,"message":"id is too long"}', 0.1))
    'HTTP 422: id is too long'
    """
    if reply.fault is not None:
        status = f"HTTP {reply.status}: " if reply.status else ""
        return _shown(f"{status}{reply.fault.value}" + (f": {reply.detail}" if reply.detail else ""), reply)
    words = _words(reply.body)
    if reply.location:
        words = f"redirects to {reply.location.partition('?')[0]}" + (f"; {words}" if words else "")
    return _shown(f"HTTP {reply.status}: {words or 'an empty answer'}", reply)


def describe_location(reply: Response) -> str:
    """Return where an answer redirects to, as one line; '' where it does not."""
    return _shown(reply.location or "", reply)


def parse_retry_after(text: str | None, wall_clock: float) -> float | None:
    r"""Return the seconds that a ``Retry-After`` header asks for, as a number or an HTTP date; None if it says nothing.

    Parameters
    ----------
    text : str, optional
        The header's value; one a line where there are several, of which the longest wait counts.
    wall_clock : float
        Now, in seconds since 1970.

    Examples
    --------
    >>> parse_retry_after("5\n7\nsoon", 0.0)
    7.0
    """
    waits = [_parse_wait(line.strip(), wall_clock) for line in (text or "").split("\n")]
    return max((wait for wait in waits if wait is not None), default=None)


def _parse_wait(text: str, wall_clock: float) -> float | None:
    if _SECONDS.fullmatch(text):
        return float(text)
    try:
        date = parsedate_to_datetime(text)
        moment = (date if date.tzinfo else date.replace(tzinfo=UTC)).timestamp()
    except (ValueError, TypeError, OverflowError, IndexError):
        return None
    return max(0.0, moment - wall_clock)


@dataclass(frozen=True, slots=True)
class RetryPolicy:
    """How often and how soon a row is tried again.

    Parameters
    ----------
    max_attempts : int
        Requests for one row, the first included.
    base_seconds, cap_seconds : float
        The wait is drawn between 0 and ``base · 2^(attempts - 1)``, at most the cap (full jitter).
    stale_retries : int
        Attempts in a row that cost nothing (`is_free`).
    """

    max_attempts: int = 5
    base_seconds: float = 0.5
    cap_seconds: float = 30.0
    stale_retries: int = 3

    def wait(self, attempts: int, reply: Response, uniform: Callable[[], float], wall_clock: float) -> float | None:
        """Return the seconds until the next try, or None to give up.

        Parameters
        ----------
        attempts : int
            Requests made so far that count.
        reply : Response
            The last answer; its ``Retry-After`` is a floor.
        uniform : callable
            Draws from [0, 1).
        wall_clock : float
            Now, in seconds since 1970: ``Retry-After`` may be a date.
        """
        if attempts >= self.max_attempts:
            return None
        drawn = uniform()
        # The exponent is bounded so that a policy of very many attempts cannot overflow.
        backoff = drawn * min(self.cap_seconds, self.base_seconds * 2.0 ** min(attempts - 1, 60))
        asked = parse_retry_after(reply.retry_after, wall_clock)
        if asked is None:
            return backoff
        return max(backoff, asked + drawn * max(self.base_seconds, JITTER_SHARE * asked))


class RetryQuota:
    """How many retries a run may make: so many a success, so that an outage is not multiplied by them.

    An empty budget makes retries wait; it fails no row. Retries that time alone allows trickle in even when nothing
    succeeds. A retry that succeeds costs nothing: once the service is well again, the rows that an outage left waiting
    must not trickle.
    """

    DEPOSIT: Final = 0.5  # retries a success
    RESERVE: Final = 100.0  # retries that a run has from the start
    MOST: Final = 4000.0  # retries saved up: the rows that wait when the fresh ones are over must not trickle
    REFILL_PER_SECOND: Final = 5.0  # retries

    __slots__ = ("_at", "_tokens")

    def __init__(self) -> None:
        self._tokens = self.RESERVE
        self._at = math.inf

    def note_success(self, n: int, n_retried: int = 0) -> None:
        """Take note of `n` rows accepted, `n_retried` of them by a retry."""
        self._tokens = min(self.MOST, self._tokens + self.DEPOSIT * n + n_retried)

    def try_spend(self, now: float) -> bool:
        """Take one retry from the budget; False where it must wait."""
        self._refill(now)
        if self._tokens < 1.0:
            return False
        self._tokens -= 1.0
        return True

    def seconds_until_next(self, now: float) -> float:
        """Return when time alone allows the next retry."""
        self._refill(now)
        return max(0.0, 1.0 - self._tokens) / self.REFILL_PER_SECOND

    def _refill(self, now: float) -> None:
        passed = max(0.0, now - self._at)
        self._at = now
        if self._tokens < self.RESERVE:
            self._tokens = min(self.RESERVE, self._tokens + passed * self.REFILL_PER_SECOND)


def _judge_body(body: bytes) -> Verdict:
    """Judge the body of a 2xx: success, another answer, or an answer that was lost on its way."""
    try:
        answer = orjson.loads(body)
    except orjson.JSONDecodeError:
        # A page comes from a portal or a wrong path, the same each time. Anything else is an answer that was damaged.
        return Verdict.REJECTED if body.lstrip()[:1] == b"<" else Verdict.RETRY
    is_success = isinstance(answer, dict) and answer.get("success") is True
    return Verdict.ACCEPTED if is_success else Verdict.REJECTED


def _judge_status(status: int) -> Verdict:
    if status in RETRY_STATUSES:
        return Verdict.RETRY
    if status in KEY_STATUSES:
        return Verdict.WRONG_KEY
    if status in ENDPOINT_STATUSES or status == PROXY_KEY_STATUS:
        return Verdict.WRONG_ENDPOINT
    return Verdict.REJECTED


def _shown(words: str, reply: Response) -> str:
    """Return foreign words as one line without the key: decoded before it is masked, and masked before it is cut."""
    return one_line(reply.mask(words[:MAX_TEXT_BYTES]))


def _words(body: bytes) -> str:
    try:
        return _words_of_json(orjson.loads(body))
    except orjson.JSONDecodeError:
        text = body[:MAX_TEXT_BYTES].decode(errors="replace")
        return html.unescape(_NOT_TEXT.sub(" ", text)).strip()


def _words_of_json(answer: Any) -> str:
    """Return the message inside a JSON answer; all of it where none is found."""
    if isinstance(answer, str):
        return answer
    if isinstance(answer, list) and answer:
        return _words_of_json(answer[0])
    if isinstance(answer, dict):
        for key in WORD_KEYS:
            if answer.get(key):
                return _words_of_json(answer[key])
    return orjson.dumps(answer).decode()
