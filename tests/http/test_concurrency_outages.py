"""Outages: when they begin, how they are probed, when a run ends and how it resumes."""

import pytest
from support.simulated_servers import FAILURE, PUSHBACK, Down, FixedWindow, Run

from growlytics_pandas.http.concurrency import ConcurrencyController, ResponseStats


def silent(controller, kind, *, until, ask=None):
    """Answer every twentieth of a second with a failure or a refusal, from 0.0 on."""
    for n in range(round(20 * until) + 1):
        answers = ResponseStats(failures=int(kind == FAILURE))
        if kind == PUSHBACK:
            answers.record_pushback(ask)
        controller.record_stats(n / 20, answers)
    return controller


@pytest.mark.parametrize(("count", "is_holding"), [(9, False), (10, True)])
def test_refusals_expected_by_chance_hold_nothing(count, is_holding):
    controller = ConcurrencyController(start=16)
    controller.record_started(0.0, controller.allowance(0.0, 0))
    controller.record_stats(0.1, ResponseStats(pushbacks=count))
    assert controller.breaker.is_holding is is_holding


def test_simultaneous_failures_are_not_an_outage():
    controller = ConcurrencyController()
    controller.record_stats(1000.0, ResponseStats(failures=50))
    assert not controller.breaker.is_outage
    controller.record_stats(1001.0, ResponseStats(failures=1))
    assert not controller.breaker.is_outage
    controller.record_stats(1002.1, ResponseStats(failures=1))
    assert controller.breaker.is_outage
    assert controller.breaker.outage_seconds(1002.1) == pytest.approx(2.1)


def test_ten_failures_over_two_seconds_are_outage():
    controller = ConcurrencyController()
    for n in range(10):
        assert not controller.breaker.is_outage
        controller.record_stats(n / 4, ResponseStats(failures=1))
    assert controller.breaker.is_outage


def test_first_probe_waits_a_second():
    controller = silent(ConcurrencyController(), FAILURE, until=2.05)
    assert controller.breaker.is_outage
    assert controller.breaker.seconds_until_probe(2.1) == pytest.approx(1.0, abs=0.11)
    assert controller.allowance(2.5, 0) == 0


def test_outage_is_given_up_after_its_time():
    controller = silent(ConcurrencyController(outage_limit_seconds=10.0), PUSHBACK, until=3.0)
    assert not controller.breaker.has_given_up(9.9)
    assert controller.breaker.has_given_up(10.1)


def test_short_retry_after_is_kept_and_probed():
    controller = silent(ConcurrencyController(outage_limit_seconds=10.0), PUSHBACK, until=9.6, ask=0.5)
    assert not controller.breaker.has_given_up(10.2)
    controller.record_started(10.2, 1)
    controller.record_stats(10.3, ResponseStats(pushbacks=1))
    assert controller.breaker.has_given_up(10.3)


@pytest.mark.parametrize("length", [0.5, 1.0, 1.5, 1.7, 1.9])
def test_end_of_a_short_stop_is_noticed_soon(length):
    run = Run(Down(5.0, 5.0 + length, kind=PUSHBACK), 0.02, 10, max_concurrency=64)
    assert any(kind is None for at, kind in run.answers if 5.0 + length <= at < 5.0 + length + 1.1)


@pytest.mark.parametrize("latency", [0.02, 0.2])
def test_limit_is_remembered_after_an_outage(latency):
    run = Run(Down(20, 35, FixedWindow(50)), latency, 60, max_concurrency=64)
    back = next(at for at, kind in run.answers if at >= 35 and kind is None)
    assert run.refused_share(back, back + 5) < 0.05
    assert run.accepted_per_second(back, back + 5) >= 0.85 * 50


def test_short_stop_after_an_outage_ends_sooner():
    controller = silent(ConcurrencyController(), FAILURE, until=2.05)
    for now in (10.0, 12.0, 16.0, 24.0):
        assert controller.allowance(now, 0) == 1
        controller.record_started(now, 1)
    controller.record_stats(24.1, ResponseStats(good=1, seconds=0.1))
    assert controller.allowance(24.1, 0) >= 8
    controller.record_started(24.1, 8)
    controller.record_stats(24.2, ResponseStats(good=8, seconds=0.8))
    controller.record_stats(24.3, ResponseStats(pushbacks=16))
    assert controller.breaker.is_holding
    assert controller.allowance(24.5, 0) == 1


@pytest.mark.parametrize("ask", [None, 1.0])
@pytest.mark.parametrize("latency", [0.02, 0.2])
@pytest.mark.parametrize("closed", [0.5, 2.0, 8.0])
def test_run_recovers_after_early_rejections(closed, latency, ask):
    run = Run(Down(0.0, closed, kind=PUSHBACK), latency, closed + 10, retry_after=ask, max_concurrency=64)
    back = next(at for at, kind in run.answers if kind is None)
    assert back - closed <= 4.0
    assert run.accepted_per_second(back + 2, back + 4) >= 0.95 * 64 / latency
    assert sum(kind is not None for at, kind in run.answers) < 30


@pytest.mark.parametrize("latency", [0.02, 0.2])
def test_limit_is_detected_after_early_refusals(latency):
    run = Run(Down(0.0, 2.0, FixedWindow(50), kind=PUSHBACK), latency, 20, max_concurrency=64)
    assert run.accepted_per_second(4, 20) >= 0.85 * 50
    assert sum(kind is not None for at, kind in run.answers) < 150
