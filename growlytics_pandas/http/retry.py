"""What a response means and when to retry: pure decisions, with clock and randomness passed in.

The rules that the API does not document are here: only JSON with ``success`` exactly true is a success. A request whose
response is lost, empty or truncated is sent again, which is safe because repeating an upsert with the same body changes
nothing. `may_have_arrived` distinguishes rejected requests from unanswered ones.
"""

import html
import re
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC
from email.utils import parsedate_to_datetime
from enum import Enum
from typing import Any, Final

import orjson

from growlytics_pandas.contract import ENDPOINT_STATUSES, KEY_STATUSES, NOT_STORED_STATUSES, RETRY_STATUSES
from growlytics_pandas.http.protocol import OK, PLAIN_SUCCESS, RequestFault, Response, one_line

SUCCESS_STATUSES: Final = range(200, 300)
RETRY_FAULTS: Final = frozenset(
    {RequestFault.CONNECT, RequestFault.TIMEOUT, RequestFault.BROKEN, RequestFault.STALE, RequestFault.FILES}
)
WORD_KEYS: Final = (
    "message",
    "error",
    "errors",
    "detail",
    "description",
    "reason",
    "msg",
)  # keys of messages in JSON errors
MAX_TEXT_BYTES: Final = 1 << 14  # of a page, enough to find its message
JITTER_SHARE: Final = 0.1  # of a Retry-After, so that rows are not all retried at the same instant

_NOT_TEXT: Final = re.compile(r"<(script|style|head)\b.*?</\1>|<!--.*?-->|<[^>]*>", re.IGNORECASE | re.DOTALL)
_PAGE: Final = "a web page, as of a proxy or a login portal, not an answer of the service"
_SECONDS: Final = re.compile(r"\d{1,9}(\.\d{1,9})?", re.ASCII)


class Verdict(Enum):
    """What a response means for its row or for the run."""

    ACCEPTED = "accepted"
    RETRY = "try again"
    REJECTED = "this row was refused"
    WRONG_KEY = "the key was refused"
    WRONG_ENDPOINT = "the URL is wrong, or a proxy intercepts requests"


def classify(response: Response) -> Verdict:
    """Return the verdict for `response`.

    Parameters
    ----------
    response : Response
        One finished request.

    Returns
    -------
    Verdict
        ``WRONG_KEY`` and ``WRONG_ENDPOINT`` concern every row, so they end the run.
    """
    if response.fault is None:
        if response.status == OK and response.body in PLAIN_SUCCESS:
            return Verdict.ACCEPTED
        if response.status in SUCCESS_STATUSES:
            return _classify_body(response.body)
        return _classify_status(response.status)
    if response.fault is RequestFault.TLS:
        return Verdict.WRONG_ENDPOINT
    if response.fault is RequestFault.TOO_LARGE:
        return _classify_status(response.status)
    return Verdict.RETRY if response.fault in RETRY_FAULTS else Verdict.REJECTED


def may_have_arrived(response: Response) -> bool:
    """Return whether the row may have been stored although `response` does not confirm it.

    Only a rejection proves that it was not stored: an error status that implies it, or a 2xx with a complete body other
    than success. A lost response, an unreadable 2xx, an error during processing and an unanswered earlier copy prove
    nothing. A row with one such response ends as `unknown` or `accepted`, whatever its other responses are.
    """
    if response.repeats:
        return True
    if response.fault is RequestFault.TOO_LARGE:
        return response.status not in NOT_STORED_STATUSES
    if response.fault is not None:
        return response.was_sent
    if response.status in SUCCESS_STATUSES:
        return _classify_body(response.body) is Verdict.RETRY
    return response.status not in NOT_STORED_STATUSES


def is_free(response: Response) -> bool:
    """Return whether to retry at once without counting it: the server had closed an idle connection, which is normal.

    `RetryPolicy.stale_retries` limits how often in a row.
    """
    return response.fault is RequestFault.STALE


def describe(response: Response) -> str:
    """Return the server's message, or the fault's: one line of at most 300 visible characters.

    Examples
    --------
    >>> describe(Response(0, 422, b'{"success":false,"message":"id is too long"}', 0.1))
    'HTTP 422: id is too long'
    """
    if response.fault is not None:
        status = f"HTTP {response.status}: " if response.status else ""
        return _shown(f"{status}{response.fault.value}" + (f": {response.detail}" if response.detail else ""), response)
    words = _words(response.body)
    if response.status in SUCCESS_STATUSES and _is_page(response.body):
        words = _PAGE + (f": {words}" if words else "")
    if response.location:
        words = f"redirects to {response.location.partition('?')[0]}" + (f"; {words}" if words else "")
    return _shown(f"HTTP {response.status}: {words or 'an empty answer'}", response)


def describe_location(response: Response) -> str:
    """Return where a response redirects to, as one line; '' if it does not."""
    return _shown(response.location or "", response)


def parse_retry_after(text: str | None, wall_clock: float) -> float | None:
    r"""Return the seconds that a ``Retry-After`` header (a number or an HTTP date) asks for; None if it is not valid.

    Parameters
    ----------
    text : str, optional
        The header's values, one per line; the longest wait counts.
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
    """How often and how soon a row is retried.

    Parameters
    ----------
    max_attempts : int
        Maximum requests per row, including the first.
    base_seconds, cap_seconds : float
        The wait is drawn uniformly between 0 and ``base · 2^(attempts - 1)``, capped (full jitter).
    stale_retries : int
        Maximum attempts in a row that do not count (`is_free`).
    """

    max_attempts: int = 6
    base_seconds: float = 0.25
    cap_seconds: float = 30.0
    stale_retries: int = 3

    def wait(self, attempts: int, response: Response, uniform: Callable[[], float], wall_clock: float) -> float | None:
        """Return the seconds until the next attempt, or None to give up.

        Parameters
        ----------
        attempts : int
            Counted requests so far.
        response : Response
            The last response; its ``Retry-After`` is a lower bound.
        uniform : callable
            Draws from [0, 1).
        wall_clock : float
            Now, in seconds since 1970: ``Retry-After`` may be a date.
        """
        if attempts >= self.max_attempts:
            return None
        drawn = uniform()
        # The exponent is bounded so that very many attempts cannot overflow.
        backoff = drawn * min(self.cap_seconds, self.base_seconds * 2.0 ** min(attempts - 1, 60))
        asked = parse_retry_after(response.retry_after, wall_clock)
        if asked is None:
            return backoff
        return max(backoff, asked + drawn * max(self.base_seconds, JITTER_SHARE * asked))


def _classify_body(body: bytes) -> Verdict:
    """Classify the body of a 2xx: success, another valid response, or a damaged one."""
    try:
        answer = orjson.loads(body)
    except orjson.JSONDecodeError:
        # HTML comes from a login portal or a wrong path, and repeats. Anything else is a damaged response.
        return Verdict.REJECTED if _is_page(body) else Verdict.RETRY
    is_success = isinstance(answer, dict) and answer.get("success") is True
    return Verdict.ACCEPTED if is_success else Verdict.REJECTED


def _is_page(body: bytes) -> bool:
    return body.lstrip()[:1] == b"<"


def _classify_status(status: int) -> Verdict:
    if status in RETRY_STATUSES:
        return Verdict.RETRY
    if status in KEY_STATUSES:
        return Verdict.WRONG_KEY
    if status in ENDPOINT_STATUSES:
        return Verdict.WRONG_ENDPOINT
    return Verdict.REJECTED


def _shown(words: str, response: Response) -> str:
    """Return a server's text as one line without the key: decoded, then redacted, then truncated."""
    return one_line(response.mask(words[:MAX_TEXT_BYTES]))


def _words(body: bytes) -> str:
    try:
        return _words_of_json(orjson.loads(body))
    except orjson.JSONDecodeError:
        text = body[:MAX_TEXT_BYTES].decode(errors="replace")
        return html.unescape(_NOT_TEXT.sub(" ", text)).strip()


def _words_of_json(answer: Any) -> str:
    """Return the message in a JSON response; the whole response if it has none."""
    if isinstance(answer, str):
        return answer
    if isinstance(answer, list) and answer:
        return _words_of_json(answer[0])
    if isinstance(answer, dict):
        for key in WORD_KEYS:
            if answer.get(key):
                return _words_of_json(answer[key])
    return orjson.dumps(answer).decode()
