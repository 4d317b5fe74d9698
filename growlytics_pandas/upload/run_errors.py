"""Errors that end a run early, each with its remedy, and the lines shown while a run waits."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from growlytics_pandas._text import options_text, phrase, plural
from growlytics_pandas.errors import (
    AuthenticationError,
    EndpointError,
    ServiceError,
    ServiceUnavailableError,
    TooManyFailuresError,
)
from growlytics_pandas.http.concurrency import OUTAGE_LIMIT_SECONDS
from growlytics_pandas.http.protocol import Response
from growlytics_pandas.http.retry import Verdict, describe, describe_location

MIN_ROWS_FOR_SHARE: Final = 100  # below this a share of failures is not meaningful


def abort_error(verdict: Verdict, response: Response) -> ServiceError | None:
    """Return the error for a response that would be the same for every row; None for other responses."""
    words = describe(response)
    facts = {"status": response.status or None, "attempts": 1, "server_message": words}
    if verdict is Verdict.WRONG_KEY:
        return AuthenticationError(
            f"the service rejected the API key ({words}). Nothing more was sent. Check GROWLYTICS_API_KEY "
            f"or {phrase('Client(api_key=…)', '--key-file')}: it may be wrong, revoked, or from another project.",
            **facts,
        )
    if verdict is Verdict.WRONG_ENDPOINT:
        target = f" to {describe_location(response)}" if response.location else ""
        facts["server_message"] = f"{words}{target}"
        return EndpointError(
            f"{words}{target}: this is not the customer API. Nothing more was sent. Check GROWLYTICS_BASE_URL or "
            f"{phrase('Client(base_url=…)', '--base-url')}, and whether a proxy or login page intercepts requests.",
            **facts,
        )
    return None


def outage_error(words: str, seconds: float) -> ServiceUnavailableError:
    """Return the error for a service that has stopped responding."""
    return ServiceUnavailableError(
        f"nothing has succeeded for {seconds:.0f} s; the last response: {words}. Rows that may have "
        f"arrived are unknown, the rest failed or unsent{_retry('sends them once the service is back')}.",
        server_message=words,
        retryable=True,
    )


def long_wait_error(words: str, seconds: float) -> ServiceUnavailableError:
    """Return the error for a service that asks for a longer wait than a run allows."""
    return ServiceUnavailableError(
        f"the service asks for a wait of {seconds:,.0f} s ({words}), and a push waits {OUTAGE_LIMIT_SECONDS:.0f} s at "
        "most. Rows that may have arrived are unknown, the rest failed or "
        f"unsent{_retry('sends them after that time')}.",
        server_message=words,
        retryable=True,
    )


def _retry(what: str) -> str:
    """Return how to go on in Python; the command line says it in a line of its own."""
    return phrase(f"; growlytics_pandas.last_result().retry() {what}", "")


def wait_words(words: str, seconds: float) -> str:
    """Return the line shown while a run waits before the next request."""
    return f"Waiting {max(1.0, seconds):,.0f} s before the next request: {words}."


def outage_words(words: str, seconds: float) -> str:
    """Return the line shown while the service does not respond."""
    limit = f"{OUTAGE_LIMIT_SECONDS / 60:.0f} minutes"
    return f"Nothing has succeeded for {seconds:.0f} s: {words}. Retrying for up to {limit}."


def silence_words(requests: int, seconds: float) -> str:
    """Return the line shown while requests in flight get no response."""
    return f"No response for {seconds:.0f} s to {plural(requests, 'request')}; each is given up at its timeout."


def unreachable_error(words: str) -> ServiceUnavailableError:
    """Return the error for a service that was never reached."""
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
    """Return the error for a run that reached `max_failures`."""
    last = f"; the last: {words}" if words else ""
    return TooManyFailuresError(
        f"{failed:,} of {finished:,} rows failed ({options_text(max_failures=limit)}){last}. "
        "The rest is unsent; "
        + phrase(
            "look at growlytics_pandas.last_result().failed before pushing again.",
            "--outcomes PATH shows why.",
        ),
        server_message=words,
    )


def interrupted(counts: Mapping[str, int]) -> str:
    """Return the counts of an interrupted run, and how to resume it."""
    shown = ", ".join(f"{count:,} {status}" for status, count in counts.items() if count)
    return (
        f"{shown}. To resume: growlytics_pandas.last_result().retry() in this process, or push again with "
        "skip_unchanged=True."
    )
