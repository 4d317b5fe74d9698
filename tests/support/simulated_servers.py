"""Simulated servers with simulated time, and runs against them: a minute takes milliseconds."""

import heapq
import itertools
import math
import random

from growlytics_pandas.http.concurrency import ConcurrencyController, ResponseStats

PUSHBACK, FAILURE = "429", "500"


class NoLimit:
    def refusal(self, at):
        return None


class TokenBucket:
    def __init__(self, rate, burst=None):
        self.rate, self.burst, self.tokens, self.at = rate, burst, burst or rate, 0.0

    def refusal(self, at):
        self.tokens, self.at = min(self.burst or self.rate, self.tokens + (at - self.at) * self.rate), at
        if self.tokens < 1:
            return PUSHBACK
        self.tokens -= 1
        return None


class FixedWindow:
    def __init__(self, rate):
        self.rate, self.second, self.count = rate, -1, 0

    def refusal(self, at):
        if int(at) != self.second:
            self.second, self.count = int(at), 0
        self.count += 1
        return PUSHBACK if self.count > self.rate else None


class Unlucky:
    def __init__(self, share, kind):
        self.share, self.kind, self.random = share, kind, random.Random(7)

    def refusal(self, at):
        return self.kind if self.random.random() < self.share else None


class Noisy:
    """Rejects some requests at random, at any rate, before they reach `inner`."""

    def __init__(self, share, inner=None, start=0.0):
        self.share, self.inner, self.start, self.random = share, inner or NoLimit(), start, random.Random(11)

    def refusal(self, at):
        if at >= self.start and self.random.random() < self.share:
            return PUSHBACK if self.random.random() < 0.6 else FAILURE
        return self.inner.refusal(at)


class Overloaded:
    """Breaks connections beyond a maximum number, or answers with another given kind."""

    def __init__(self, most, kind=FAILURE):
        self.most, self.kind, self.flight = most, kind, []

    def refusal(self, at):
        return self.kind if len(self.flight) >= self.most else None


class Down:
    """Every response between two moments is a failure, or of another given kind."""

    def __init__(self, start, end, inner=None, kind=FAILURE):
        self.start, self.end, self.inner, self.kind = start, end, inner or NoLimit(), kind

    def refusal(self, at):
        return self.kind if self.start <= at < self.end else self.inner.refusal(at)


class Run:
    """One run of an endless source against a server: the times of requests and responses.

    `latency` is seconds; `extra` is a function that returns the additional latency at a time.
    """

    def __init__(self, server, latency, seconds, *, extra=None, retry_after=None, changes=(), **controller):
        self.controller = ConcurrencyController(**controller)
        self.answers, self.starts, self.most_in_flight, self.changes = [], [], 0, list(changes)
        self._flight, self._tie, self._server = [], itertools.count(), server
        if isinstance(server, Overloaded):
            server.flight = self._flight
        now = 0.0
        while now < seconds and not self.controller.breaker.has_given_up(now):
            while self.changes and self.changes[0][0] <= now:
                server.rate = self.changes.pop(0)[1]
            self._land(now, retry_after)
            self._start(now, latency, extra)
            reply_at = self._flight[0][0] if self._flight else math.inf
            now = max(min(reply_at, now + self.controller.seconds_until_next(now)), now + 1e-4)
        self.ended = now

    def _land(self, now, retry_after):
        kinds, seconds = [], 0.0
        while self._flight and self._flight[0][0] <= now + 1e-9:
            _, _, kind, took = heapq.heappop(self._flight)
            kinds.append(kind)
            seconds += took if kind is None else 0.0
        self.answers += [(now, kind) for kind in kinds]
        if kinds:
            answers = ResponseStats(kinds.count(None), seconds, failures=kinds.count(FAILURE))
            for _ in range(kinds.count(PUSHBACK)):
                answers.record_pushback(retry_after)
            self.controller.record_stats(now, answers)

    def _start(self, now, latency, extra):
        count = self.controller.allowance(now, len(self._flight))
        for _ in range(count):
            took, kind = latency + (extra(now) if extra else 0.0), self._server.refusal(now + latency / 2)
            heapq.heappush(self._flight, (now + took, next(self._tie), kind, took))
            self.starts.append(now)
        if count:
            self.controller.record_started(now, count)
        self.most_in_flight = max(self.most_in_flight, len(self._flight))

    def accepted_per_second(self, start, end):
        return sum(kind is None for at, kind in self.answers if start <= at < end) / (end - start)

    def refused_share(self, start, end):
        kinds = [kind for at, kind in self.answers if start <= at < end]
        return sum(kind is not None for kind in kinds) / len(kinds)
