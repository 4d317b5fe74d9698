"""The concurrency controller against simulated servers: limits are found and kept, and nothing else slows a run."""

import math

import pytest
from support.simulated_servers import (
    FAILURE,
    PUSHBACK,
    Down,
    FixedWindow,
    Noisy,
    NoLimit,
    Overloaded,
    Run,
    TokenBucket,
    Unlucky,
)

from growlytics_pandas.http.concurrency import ConcurrencyController, ResponseStats

RATES = [20, 100, pytest.param(500, marks=pytest.mark.slow)]


@pytest.mark.parametrize("retry_after", [None, 1.0])
@pytest.mark.parametrize("server", [TokenBucket, FixedWindow])
@pytest.mark.parametrize("latency", [0.005, 0.05, 0.2])
@pytest.mark.parametrize("rate", RATES)
def test_rate_limit_is_detected_and_held(rate, latency, server, retry_after):
    run = Run(server(rate), latency, 70, retry_after=retry_after, max_concurrency=256)
    assert run.accepted_per_second(10, 70) >= 0.9 * rate
    assert run.refused_share(10, 70) < 0.02
    assert run.refused_share(0, 10) < 0.25


@pytest.mark.parametrize(("rate", "burst"), [(20, 500), (20, 2000), (100, 1000)])
@pytest.mark.parametrize("latency", [0.005, 0.02, 0.1])
def test_limit_with_a_burst_is_detected_soon(latency, rate, burst):
    run = Run(TokenBucket(rate, burst), latency, 45, max_concurrency=64)
    end = next(at for at, kind in run.answers if kind)
    assert run.accepted_per_second(end + 10, end + 30) >= 0.9 * rate
    assert run.refused_share(end + 5, end + 30) < 0.1
    assert sum(kind is not None for at, kind in run.answers) < 1000


@pytest.mark.parametrize("server", [TokenBucket, FixedWindow])
def test_changing_limit_is_followed_both_ways(server):
    run = Run(server(400), 0.05, 130, changes=[(40, 200), (80, 10**9)], max_concurrency=64)
    assert run.accepted_per_second(20, 40) >= 0.9 * 400
    assert run.accepted_per_second(50, 80) >= 0.9 * 200
    assert run.refused_share(50, 80) < 0.02
    assert run.accepted_per_second(120, 130) >= 0.98 * 64 / 0.05


@pytest.mark.parametrize(("concurrency", "latency"), [(64, 0.05), (256, 0.05), (64, 0.005), (1, 0.05)])
def test_full_window_is_used_within_a_second(concurrency, latency):
    run = Run(NoLimit(), latency, 6, max_concurrency=concurrency)
    assert run.accepted_per_second(1, 6) >= 0.98 * concurrency / latency
    assert run.most_in_flight == concurrency


def test_run_starts_with_few_requests():
    assert ConcurrencyController(max_concurrency=256).allowance(0.0, 0) == 8
    assert ConcurrencyController(max_concurrency=3).allowance(0.0, 0) == 3


@pytest.mark.parametrize("kind", [PUSHBACK, FAILURE])
def test_one_percent_refusals_do_not_slow_a_run(kind):
    run = Run(Unlucky(0.01, kind), 0.02, 20, max_concurrency=64, retry_after=1.0)
    assert run.accepted_per_second(2, 20) >= 0.95 * 64 / 0.02
    assert not run.controller.breaker.is_outage


def test_burst_of_refusals_cuts_the_window_once():
    controller = ConcurrencyController(max_concurrency=64, start=64)
    controller.record_started(0.0, controller.allowance(0.0, 0))
    controller.record_stats(0.1, ResponseStats(good=14, seconds=1.4))
    for _ in range(50):
        controller.record_stats(0.1, ResponseStats(failures=1))
    assert 0.5 * 64 <= controller.concurrency < 64


@pytest.mark.parametrize("rate", [0.5, 3, 20, 1000])
def test_max_rate_holds_in_every_second(rate):
    run = Run(NoLimit(), 0.01, 20, max_concurrency=64, max_rate=rate)
    most = max(sum(1 for at in run.starts if start <= at < start + 1) for start in [s / 7 for s in range(130)])
    assert most <= max(1, math.ceil(1.05 * rate))
    assert len(run.starts) >= 0.95 * 20 * rate


def test_max_rate_holds_after_a_limit_is_lifted():
    run = Run(TokenBucket(50), 0.02, 60, changes=[(15, 10**9)], max_concurrency=64, max_rate=100)
    assert run.accepted_per_second(5, 15) >= 0.9 * 50
    assert 0.95 * 100 <= run.accepted_per_second(45, 60) <= 1.05 * 100


def test_waits_only_where_time_helps():
    controller = ConcurrencyController(max_concurrency=2)
    controller.record_started(0.0, controller.allowance(0.0, 0))
    assert controller.allowance(0.0, 2) == 0
    assert controller.seconds_until_next(0.0) == math.inf
    limited = ConcurrencyController(max_rate=2.0)
    limited.record_started(0.0, limited.allowance(0.0, 0))
    assert limited.allowance(0.0, 1) == 0
    assert limited.seconds_until_next(0.0) == pytest.approx(0.5)
    assert limited.allowance(0.5, 0) == 1


def test_outage_is_probed_and_its_end_noticed():
    run = Run(Down(5, 45), 0.02, 80, max_concurrency=64)
    during = [at for at in run.starts if 9 <= at < 45]
    assert 2 <= len(during) <= 8
    assert run.accepted_per_second(62, 80) >= 0.95 * 64 / 0.02
    assert run.controller.breaker.outage_seconds(80.0) == 0.0


@pytest.mark.parametrize("end", [7.5, 9, 25])
@pytest.mark.parametrize("latency", [0.02, 0.2])
def test_run_recovers_its_speed_after_an_outage(latency, end):
    run = Run(Down(5, end), latency, end + 20, max_concurrency=64)
    back = next(at for at, kind in run.answers if at >= end and kind is None)
    soon = back + 8 * latency
    assert run.accepted_per_second(soon, soon + 2) >= 0.9 * 64 / latency


def test_a_long_outage_ends_the_run():
    run = Run(Down(0, 10**9), 0.02, 1000, max_concurrency=64, outage_limit_seconds=60.0)
    assert 60 <= run.ended <= 76
    assert run.controller.breaker.is_outage
    assert run.controller.breaker.outage_seconds(run.ended) >= 60.0


def test_retry_after_is_not_given_up_early():
    controller = ConcurrencyController(outage_limit_seconds=60.0)
    for n in range(40):
        controller.record_stats(n * 0.1, ResponseStats(pushbacks=1, retry_after_seconds=200.0))
    assert controller.breaker.is_outage
    assert controller.allowance(150.0, 0) == 0
    assert not controller.breaker.has_given_up(195.0)
    assert controller.allowance(210.0, 0) == 1
    controller.record_started(210.0, 1)
    assert not controller.breaker.has_given_up(210.0)
    controller.record_stats(210.1, ResponseStats(pushbacks=1, retry_after_seconds=200.0))
    assert controller.breaker.has_given_up(210.1)


def test_outage_needs_seconds_of_failures():
    controller = ConcurrencyController()
    for n in range(50):
        controller.record_stats(1000.0 + n * 0.03, ResponseStats(failures=1))
    assert not controller.breaker.is_outage
    controller.record_stats(1002.5, ResponseStats(failures=1))
    assert controller.breaker.is_outage


def test_one_bad_row_is_not_an_outage():
    controller = ConcurrencyController()
    for n in range(200):
        controller.record_stats(n * 0.1, ResponseStats(failures=1))
        if n % 5 == 0:
            controller.record_stats(n * 0.1, ResponseStats(good=1, seconds=0.05))
    assert not controller.breaker.is_outage
    assert controller.breaker.outage_seconds(20.0) == 0.0


@pytest.mark.parametrize("latency", [0.001, 0.005, 0.05])
@pytest.mark.parametrize("share", [0.05, 0.1, 0.2])
def test_random_refusals_do_not_slow_the_run(share, latency):
    run = Run(Noisy(share), latency, 8, max_concurrency=4, retry_after=1.0)
    assert run.accepted_per_second(5, 8) >= 0.7 * (1 - share) * 4 / latency
    assert run.accepted_per_second(0, 5) >= 0.5 * (1 - share) * 4 / latency


@pytest.mark.parametrize("share", [0.05, 0.1, 0.2])
def test_late_refusals_slow_the_run_only_briefly(share):
    run = Run(Noisy(share, start=5.0), 0.005, 12, max_concurrency=4, retry_after=1.0)
    assert run.accepted_per_second(8, 12) >= 0.7 * (1 - share) * 4 / 0.005


@pytest.mark.parametrize("server", [TokenBucket, FixedWindow])
@pytest.mark.parametrize("latency", [0.005, 0.05])
def test_limit_is_detected_behind_refusals(latency, server):
    run = Run(Noisy(0.05, server(100)), latency, 70, retry_after=1.0, max_concurrency=64)
    assert run.accepted_per_second(10, 70) >= 0.85 * 100
    assert run.refused_share(10, 70) < 0.05 + 0.03


def test_later_limit_shows_behind_refusals():
    run = Run(Noisy(0.05, TokenBucket(10**9)), 0.01, 40, changes=[(10, 200)], max_concurrency=8)
    assert run.accepted_per_second(5, 10) >= 0.9 * 0.95 * 8 / 0.01
    assert run.accepted_per_second(20, 40) >= 0.85 * 200
    assert run.refused_share(20, 40) < 0.05 + 0.03


def test_retry_after_of_one_row_holds_no_other():
    controller = ConcurrencyController(start=8)
    controller.record_started(0.0, controller.allowance(0.0, 0))
    controller.record_stats(0.1, ResponseStats(good=3, seconds=0.3))
    controller.record_stats(0.2, ResponseStats(pushbacks=1, retry_after_seconds=60.0))
    assert controller.allowance(0.2, 4) >= 4


def test_retry_after_is_kept_if_all_is_refused():
    controller = ConcurrencyController(start=16)
    controller.record_started(0.0, controller.allowance(0.0, 0))
    assert controller.breaker.seconds_until_probe(0.0) == 0.0
    answers = ResponseStats(pushbacks=14)
    answers.record_pushback(3.0)
    answers.record_pushback(None)
    controller.record_stats(0.1, answers)
    assert controller.breaker.seconds_until_probe(3.0) == pytest.approx(0.1)
    assert controller.allowance(3.0, 0) == 0
    assert controller.seconds_until_next(3.0) == pytest.approx(0.1)
    assert controller.allowance(3.1, 0) == 1
    controller.record_started(3.1, 1)
    controller.record_stats(3.15, ResponseStats(good=1, seconds=0.05))
    assert controller.breaker.seconds_until_probe(3.15) == 0.0


def test_too_many_failures_narrow_the_window():
    run = Run(Overloaded(16), 0.05, 20, max_concurrency=64)
    assert run.refused_share(5, 20) < 0.1
    assert run.accepted_per_second(5, 20) >= 0.6 * 16 / 0.05


@pytest.mark.parametrize("latency", [0.05, 0.2])
@pytest.mark.parametrize("most", [10, 20, 50])
def test_concurrency_limit_is_detected_early(most, latency):
    """A limit on requests at once is detected in the first seconds."""
    run = Run(Overloaded(most, PUSHBACK), latency, 20, max_concurrency=64)
    assert run.accepted_per_second(0, 20) >= 0.85 * most / latency
    assert run.refused_share(0, 20) < 0.07


@pytest.mark.parametrize("latency", [0.05, 0.2])
@pytest.mark.parametrize("share", [0.05, 0.1, 0.2])
def test_random_refusals_keep_a_wide_window(share, latency):
    run = Run(Unlucky(share, PUSHBACK), latency, 30, max_concurrency=64)
    assert run.accepted_per_second(0, 30) >= 0.9 * (1 - share) * 64 / latency


@pytest.mark.parametrize("share", [0.05, 0.25])
def test_small_run_completes_despite_refusals(share):
    run = Run(Noisy(share), 0.001, 3, retry_after=1.0)
    assert run.accepted_per_second(0, 3) * 3 >= 300


@pytest.mark.parametrize(("concurrency", "rate"), [(8, 60), (1, 20)])
def test_slow_responses_do_not_raise_the_rate(concurrency, rate):
    run = Run(FixedWindow(rate), 0.01, 60, extra=lambda at: 1.0 if 20 <= at < 45 else 0.0, max_concurrency=concurrency)
    assert run.accepted_per_second(10, 20) >= 0.85 * rate
    assert run.refused_share(46, 48) < 0.05


def test_full_window_waits_for_a_response():
    controller = ConcurrencyController(max_concurrency=4, max_rate=1000.0)
    for n in range(4):
        assert controller.allowance(n / 100, n) >= 1
        controller.record_started(n / 100, 1)
    assert controller.allowance(0.04, 4) == 0
    assert controller.seconds_until_next(0.04) == math.inf


def test_window_grows_before_a_response_arrives():
    controller = ConcurrencyController(max_concurrency=64)
    controller.record_started(0.0, controller.allowance(0.0, 0))
    assert controller.allowance(0.5, 8) == 0
    controller.record_stats(1.0, ResponseStats(good=8, seconds=8.0))
    assert controller.concurrency == 16


def test_idle_run_does_not_raise_the_rate():
    controller = Run(FixedWindow(60), 0.05, 20, max_concurrency=64).controller
    for now in range(20, 60):
        assert controller.allowance(now, 64) == 0
    started = 0
    for n in range(100):
        count = controller.allowance(60 + n / 100, 0)
        controller.record_started(60 + n / 100, count)
        started += count
    assert started <= 70
