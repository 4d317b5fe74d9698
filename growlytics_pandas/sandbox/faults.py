"""Simulated faults of network and service, by share and seed."""

import math
import random
from collections import Counter
from collections.abc import Callable, Mapping
from contextlib import suppress
from dataclasses import dataclass, field, fields
from numbers import Integral, Real
from typing import Any, Final

from growlytics_pandas._text import argument
from growlytics_pandas.errors import InvalidArgumentError

FAULT_STATUSES: Final = range(300, 600)
_STATUS: Final = "status."
_SHARES: Final = ("reset_before", "reset_after", "hang", "truncate", "html", "success_false")
BURST_SHARE: Final = 0.1
"""Size of the rate limit's bucket as a share of one second's requests, at least one request."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Faults:
    """The faults to simulate, and how often.

    Shares are fractions (0 to 1) of the customer requests that arrive, in total at most 1: a request has at most one
    fault. The same seed gives the same sequence of faults in order of arrival.

    Parameters
    ----------
    seed : int
        Determines the sequence.
    latency : float or (float, float)
        Seconds before each response, or a (low, high) pair.
    rate_limit : float, optional
        Requests per second; above it, 429 with ``Retry-After: 1``.
    status : mapping of int to float
        HTTP status -> share; nothing is written. 429 and 503 have `Retry-After`, alternately in seconds and as an HTTP
        date.
    retry_after : int
        Whole seconds for that header.
    reset_before, reset_after : float
        Share of requests whose connection is reset before, or after, the customer is written.
    hang : float
        Share of requests that are never answered.
    hang_writes : bool
        Whether these requests are written.
    truncate : float
        Share of requests that are written but whose response is truncated: alternately shorter than its
        `Content-Length`, or half the JSON.
    html : float
        Share of requests answered with status 200 and an HTML page; nothing is written.
    success_false : float
        Share of requests answered with status 200 and ``"success": false``; nothing is written.
    redirect : str, optional
        A URL to which every request is redirected with 302; nothing is written.

    Raises
    ------
    InvalidArgumentError
        A value is not a number or out of range, or the shares add up to more than 1.

    Examples
    --------
    >>> from growlytics_pandas.sandbox import Faults
    >>> faults = Faults(seed=7, latency=(0.01, 0.05), status={500: 0.02, 429: 0.05}, reset_after=0.01)
    """

    seed: int = 0
    latency: float | tuple[float, float] = 0.0
    rate_limit: float | None = None
    status: Mapping[int, float] = field(default_factory=dict)
    retry_after: int = 1
    reset_before: float = 0.0
    reset_after: float = 0.0
    hang: float = 0.0
    hang_writes: bool = False
    truncate: float = 0.0
    html: float = 0.0
    success_false: float = 0.0
    redirect: str | None = None

    def __post_init__(self) -> None:
        for name, is_valid, allowed in _ALLOWED:
            found = getattr(self, name)
            if not is_valid(found):
                raise _wrong(name, found, allowed)
        for name, share in self.shares():
            if not (_is_amount(share) and share <= 1):
                raise _wrong(name, share, "a share between 0 and 1")
        total = math.fsum(share for _, share in self.shares())
        if total > 1:
            raise InvalidArgumentError(
                f"{argument('faults')}: found shares of {total:g} in total; it must be at most 1 in total."
            )

    def latency_range(self) -> tuple[float, float]:
        """Return the minimum and maximum latency in seconds."""
        return self.latency if isinstance(self.latency, tuple) else (self.latency, self.latency)

    def shares(self) -> list[tuple[str, float]]:
        """Return each fault with a share: its name in `Sandbox.faulted` and in `parse_faults`, and the share."""
        by_status = [(f"{_STATUS}{status}", share) for status, share in self.status.items()]
        return by_status + [(name, getattr(self, name)) for name in _SHARES]


@dataclass(frozen=True, slots=True)
class Play:
    """The faults of one request."""

    name: str = ""
    """As in `Sandbox.faulted`; empty if it has none."""
    turn: int = 0
    """Number of earlier faults with this name, for faults that alternate."""
    latency_seconds: float = 0.0

    @property
    def status(self) -> int:
        """The HTTP status to answer; 0 if it is another fault."""
        return int(self.name.removeprefix(_STATUS)) if self.name.startswith(_STATUS) else 0


class FaultDeck:
    """Chooses the fault of each arriving request and counts them. `clock` returns monotonic seconds."""

    def __init__(self, faults: Faults, clock: Callable[[], float]) -> None:
        self.played: Counter[str] = Counter()
        self._faults = faults
        self._clock = clock
        self._shares = faults.shares()
        # Two generators, so that latency does not change which requests have faults.
        self._fates = random.Random(faults.seed)  # noqa: S311 - a test's dice
        self._latencies = random.Random(faults.seed)  # noqa: S311 - likewise
        self._burst = max(1.0, (faults.rate_limit or 0.0) * BURST_SHARE)
        self._tokens = self._burst
        self._refilled_at = clock()

    def deal(self) -> Play:
        """Return the faults of the next request."""
        name = self._draw()
        if self._faults.redirect is not None:
            name = "redirect"
        elif not self._take_token():
            name = "rate_limit"
        turn = self.played[name]
        if name:
            self.played[name] += 1
        return Play(name, turn, self._latencies.uniform(*self._faults.latency_range()))

    def _draw(self) -> str:
        point = self._fates.random()
        for name, share in self._shares:
            if point < share:
                return name
            point -= share
        return ""

    def _take_token(self) -> bool:
        if self._faults.rate_limit is None:
            return True
        now = self._clock()
        self._tokens = min(self._burst, self._tokens + (now - self._refilled_at) * self._faults.rate_limit)
        self._refilled_at = now
        has_token = self._tokens >= 1
        self._tokens -= has_token
        return has_token


def parse_faults(text: str) -> Faults:
    """Read faults from one line: ``name=value``, separated by commas, with the names of `Faults`.

    ``status.503=0.02`` is the share of one HTTP status, ``latency=0.01..0.05`` a range.

    Raises
    ------
    InvalidArgumentError
        A name or value is not valid for `Faults`.

    Examples
    --------
    >>> from growlytics_pandas.sandbox import parse_faults
    >>> parse_faults("seed=7, latency=0.01..0.05, status.503=0.02").status
    {503: 0.02}
    """
    options: dict[str, Any] = {}
    status: dict[Any, Any] = {}
    names = [known.name for known in fields(Faults) if known.name != "status"]
    for part in filter(None, map(str.strip, text.split(","))):
        name, _, value = map(str.strip, part.partition("="))
        if name.startswith(_STATUS):
            status[_read(name.removeprefix(_STATUS))] = _read(value)
        elif name in names:
            low, dots, high = value.partition("..") if name == "latency" else (value, "", "")
            options[name] = (_read(low), _read(high)) if dots else _read(value)
        else:
            known = f"{', '.join(names)} or {_STATUS}<code>, each as name=value"
            raise InvalidArgumentError(f"{argument('faults')}: found {name}; it must be {known}.")
    return Faults(status=status, **options)


def _read(text: str) -> float | bool | str:
    """Return a number, a truth value, or the text itself, which `Faults` accepts or refuses."""
    for kind in (int, float):
        with suppress(ValueError):
            return kind(text)
    return {"true": True, "false": False}.get(text, text)


def _is_amount(found: Any) -> bool:
    return isinstance(found, Real) and 0 <= float(found) < math.inf


def _is_latency(found: Any) -> bool:
    pair = found if isinstance(found, tuple) else (found, found)
    return len(pair) == 2 and all(map(_is_amount, pair)) and pair[0] <= pair[1]  # noqa: PLR2004


def _has_statuses(found: Any) -> bool:
    return isinstance(found, Mapping) and all(isinstance(each, Integral) and each in FAULT_STATUSES for each in found)


def _is_url(found: Any) -> bool:
    # A line break in the URL would end the Location header.
    return isinstance(found, str) and found.isascii() and found.isprintable() and found.startswith(_SCHEMES)


_SCHEMES: Final = ("http://", "https://")
_ALLOWED: Final[tuple[tuple[str, Callable[[Any], bool], str], ...]] = (
    ("seed", lambda found: isinstance(found, Integral), "a whole number"),
    ("latency", _is_latency, "seconds, 0 or more, or a (low, high) pair of them"),
    ("rate_limit", lambda found: found is None or (_is_amount(found) and found > 0), "requests per second, or None"),
    ("status", _has_statuses, "HTTP statuses 300 to 599, each with its share, such as {503: 0.1}"),
    ("retry_after", lambda found: _is_amount(found) and found % 1 == 0, "whole seconds, 0 or more"),
    ("hang_writes", lambda found: isinstance(found, bool), "True or False"),
    ("redirect", lambda found: found is None or _is_url(found), "an http or https URL, or None"),
)
"""Options of `Faults` other than shares: whether a value is valid, and what is allowed."""


def _wrong(name: str, found: object, allowed: str) -> InvalidArgumentError:
    return InvalidArgumentError(f"{name}: found {found!r}; it must be {allowed}.")
