"""The pacer against simulated servers: time is a number here, so a minute takes milliseconds."""

import heapq
import itertools
import math
import random

import pytest

from growlytics_pandas.pacing import Pacer

PUSHBACK, FAILURE = "429", "500"


class NoLimit:
    def refusal(self, at):
        return None


class TokenBucket:
    def __init__(self, rate):
        self.rate, self.tokens, self.at = rate, rate, 0.0

    def refusal(self, at):
        self.tokens, self.at = min(self.rate, self.tokens + (at - self.at) * self.rate), at
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


class Down:
    """Every answer between two moments is a failure."""

    def __init__(self, start, end):
        self.start, self.end = start, end

    def refusal(self, at):
        return FAILURE if self.start <= at < self.end else None


class Run:
    """One run of an endless source against a server: what started when, and what was answered when."""

    def __init__(self, server, latency, seconds, *, retry_after=None, changes=(), **pacer):
        self.pacer = Pacer(**pacer)
        self.answers, self.starts, self.most_in_flight, self.changes = [], [], 0, list(changes)
        self._flight, self._tie, self._server = [], itertools.count(), server
        now = 0.0
        while now < seconds and not self.pacer.has_given_up(now):
            while self.changes and self.changes[0][0] <= now:
                server.rate = self.changes.pop(0)[1]
            self._land(now, latency, retry_after)
            self._start(now, latency)
            reply_at = self._flight[0][0] if self._flight else math.inf
            now = max(min(reply_at, now + self.pacer.seconds_until_next(now)), now + 1e-4)
        self.ended = now

    def _land(self, now, latency, retry_after):
        kinds = []
        while self._flight and self._flight[0][0] <= now + 1e-9:
            kinds.append(heapq.heappop(self._flight)[2])
        self.answers += [(now, kind) for kind in kinds]
        self.pacer.note_success(now, kinds.count(None), latency)
        for kind in kinds:
            if kind == PUSHBACK:
                self.pacer.note_pushback(now, retry_after)
            elif kind == FAILURE:
                self.pacer.note_failure(now)

    def _start(self, now, latency):
        count = self.pacer.allowance(now, len(self._flight))
        for _ in range(count):
            kind = self._server.refusal(now + latency / 2)
            heapq.heappush(self._flight, (now + latency, next(self._tie), kind))
            self.starts.append(now)
        if count:
            self.pacer.note_started(now, count)
        self.most_in_flight = max(self.most_in_flight, len(self._flight))

    def accepted_per_second(self, start, end):
        return sum(kind is None for at, kind in self.answers if start <= at < end) / (end - start)

    def refused_share(self, start, end):
        kinds = [kind for at, kind in self.answers if start <= at < end]
        return sum(kind is not None for kind in kinds) / len(kinds)


RATES = [20, 100, pytest.param(1000, marks=pytest.mark.slow)]


@pytest.mark.parametrize("retry_after", [None, 1.0])
@pytest.mark.parametrize("server", [TokenBucket, FixedWindow])
@pytest.mark.parametrize("latency", [0.005, 0.05, 0.2])
@pytest.mark.parametrize("rate", RATES)
def test_a_servers_rate_limit_is_found_and_held(rate, latency, server, retry_after):
    run = Run(server(rate), latency, 70, retry_after=retry_after, max_concurrency=256)
    assert run.accepted_per_second(10, 70) >= 0.9 * rate
    assert run.refused_share(10, 70) < 0.02
    assert run.refused_share(0, 10) < 0.25


@pytest.mark.parametrize("server", [TokenBucket, FixedWindow])
def test_a_limit_that_changes_is_followed_down_and_up(server):
    run = Run(server(400), 0.05, 130, changes=[(40, 200), (80, 10**9)], max_concurrency=64)
    assert run.accepted_per_second(20, 40) >= 0.9 * 400
    assert run.accepted_per_second(50, 80) >= 0.9 * 200
    assert run.refused_share(50, 80) < 0.02
    assert run.accepted_per_second(120, 130) >= 0.98 * 64 / 0.05


@pytest.mark.parametrize(("concurrency", "latency"), [(64, 0.05), (256, 0.05), (64, 0.005), (1, 0.05)])
def test_without_a_limit_the_whole_window_is_used_within_a_second(concurrency, latency):
    run = Run(NoLimit(), latency, 6, max_concurrency=concurrency)
    assert run.accepted_per_second(1, 6) >= 0.98 * concurrency / latency
    assert run.most_in_flight == concurrency


def test_a_run_begins_politely():
    assert Pacer(max_concurrency=256).allowance(0.0, 0) == 8
    assert Pacer(max_concurrency=3).allowance(0.0, 0) == 3


@pytest.mark.parametrize("kind", [PUSHBACK, FAILURE])
def test_one_refusal_in_a_hundred_does_not_slow_the_run(kind):
    run = Run(Unlucky(0.01, kind), 0.02, 20, max_concurrency=64, retry_after=1.0)
    assert run.accepted_per_second(2, 20) >= 0.95 * 64 / 0.02
    assert not run.pacer.is_paused


def test_a_burst_of_refusals_from_one_window_cuts_it_once():
    pacer = Pacer(max_concurrency=64, start=64)
    pacer.note_started(0.0, pacer.allowance(0.0, 0))
    pacer.note_success(0.1, 14, 0.1)
    for _ in range(50):
        pacer.note_failure(0.1)
    assert 0.5 * 64 <= pacer.concurrency < 64


@pytest.mark.parametrize("rate", [0.5, 3, 20, 1000])
def test_max_rate_holds_in_every_second(rate):
    run = Run(NoLimit(), 0.01, 20, max_concurrency=64, max_rate=rate)
    most = max(sum(1 for at in run.starts if start <= at < start + 1) for start in [s / 7 for s in range(130)])
    assert most <= max(1, math.ceil(1.05 * rate))
    assert len(run.starts) >= 0.95 * 20 * rate


def test_time_is_waited_for_only_where_time_helps():
    pacer = Pacer(max_concurrency=2)
    pacer.note_started(0.0, pacer.allowance(0.0, 0))
    assert pacer.allowance(0.0, 2) == 0
    assert pacer.seconds_until_next(0.0) == math.inf
    limited = Pacer(max_rate=2.0)
    limited.note_started(0.0, limited.allowance(0.0, 0))
    assert limited.allowance(0.0, 1) == 0
    assert limited.seconds_until_next(0.0) == pytest.approx(0.5)
    assert limited.allowance(0.5, 0) == 1


def test_an_outage_sends_single_probes_and_its_end_is_noticed():
    run = Run(Down(5, 45), 0.02, 80, max_concurrency=64)
    during = [at for at in run.starts if 9 <= at < 45]
    assert 2 <= len(during) <= 8
    assert run.accepted_per_second(62, 80) >= 0.95 * 64 / 0.02
    assert run.pacer.outage_seconds(80.0) == 0.0


def test_a_long_outage_ends_the_run():
    run = Run(Down(0, 10**9), 0.02, 1000, max_concurrency=64, outage_limit_seconds=60.0)
    assert 60 <= run.ended <= 76
    assert run.pacer.is_paused
    assert run.pacer.outage_seconds(run.ended) >= 60.0


def test_a_wait_that_the_server_asked_for_is_no_reason_to_give_up_before_its_end():
    pacer = Pacer(outage_limit_seconds=60.0)
    for n in range(40):
        pacer.note_pushback(n * 0.1, 200.0)
    assert pacer.is_paused
    assert pacer.allowance(150.0, 0) == 0
    assert not pacer.has_given_up(195.0)
    assert pacer.allowance(210.0, 0) == 1
    pacer.note_started(210.0, 1)
    assert not pacer.has_given_up(210.0)
    pacer.note_pushback(210.1, 200.0)
    assert pacer.has_given_up(210.1)


def test_one_bad_row_among_good_ones_is_no_outage():
    pacer = Pacer()
    for n in range(200):
        pacer.note_failure(n * 0.1)
        if n % 5 == 0:
            pacer.note_success(n * 0.1, 1, 0.05)
    assert not pacer.is_paused
    assert pacer.outage_seconds(20.0) == 0.0
