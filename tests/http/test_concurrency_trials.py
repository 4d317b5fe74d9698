"""How a cut of the speed is evaluated and undone: response by response, without a server."""

import pytest
from support.simulated_servers import FAILURE, FixedWindow, Run, Unlucky

from growlytics_pandas.http.concurrency import ConcurrencyController, ResponseStats


def busy(seconds, **options):
    """Return a controller with a full window of 64 whose answers have so far all been good."""
    controller = ConcurrencyController(**{"max_concurrency": 64, "start": 64, **options})
    controller.record_started(0.0, controller.allowance(0.0, 0))
    controller.record_stats(seconds, ResponseStats(good=64, seconds=64 * seconds))
    return controller


def refill(controller, now, good, failures=0, *, seconds=0.05):
    controller.record_started(now, controller.allowance(now, 0))
    controller.record_stats(now, ResponseStats(good=good, seconds=good * seconds, failures=failures))


def trial_seconds(controller, now):
    """Return for how long the window stays as it was cut, while everything is answered well."""
    narrow, start = controller.concurrency, now
    while controller.concurrency == narrow and now < start + 30.0:
        now += 0.01
        refill(controller, now, 20, seconds=0.01)
    return now - start


def test_responses_from_before_a_cut_do_not_count():
    controller = busy(1.0)
    controller.record_stats(1.0, ResponseStats(failures=64))
    for n in range(1, 12):
        controller.record_stats(1.0 + n / 10, ResponseStats(good=1, seconds=1.0, failures=9))
    assert controller.concurrency == round(0.7 * 64)


def test_fast_server_evaluates_a_cut_at_once():
    controller = busy(0.01)
    controller.record_stats(0.02, ResponseStats(failures=64))
    assert controller.concurrency == round(0.7 * 64)
    assert trial_seconds(controller, 0.02) < 0.2


def test_slow_response_does_not_delay_evaluation():
    controller = busy(0.01)
    refill(controller, 0.1, 64, seconds=0.01)
    refill(controller, 0.2, 1, seconds=5.0)
    controller.record_stats(0.21, ResponseStats(failures=150))
    assert controller.concurrency == round(0.7 * 64)
    assert trial_seconds(controller, 0.21) < 2.0


def test_needless_cut_is_reverted_at_once():
    controller, now, widths = ConcurrencyController(max_concurrency=64), 0.0, []
    while now < 6.0:
        now += 0.05
        refill(controller, now, 56, 14 if now > 2.0 else 0)
        widths.append(controller.concurrency)
    assert set(widths) == {64, round(0.7 * 64), round(0.7 * 0.7 * 64)}
    assert widths[-1] == 64


def test_needless_cut_does_not_stop_doubling():
    run = Run(Unlucky(0.3, FAILURE), 1.0, 30, max_concurrency=64)
    assert run.accepted_per_second(8, 16) >= 0.8 * 0.7 * 64


def test_window_may_shrink_to_one_request():
    controller = busy(0.05, start=2, max_concurrency=2)
    for n in range(40):
        refill(controller, 1.5 + n / 20, 1, 5)
    assert controller.concurrency == 1


@pytest.mark.parametrize("round_trip", [0.01, 1.0])
def test_cut_rate_keeps_the_needed_concurrency(round_trip):
    controller = busy(round_trip)
    controller.record_stats(round_trip, ResponseStats(good=6, seconds=6 * round_trip, pushbacks=64))
    assert controller.allowance(round_trip, 0) <= 1, "a rate was found"
    assert controller.concurrency == 64


def test_slow_start_does_not_spoil_the_rate():
    run = Run(FixedWindow(60), 0.05, 14, extra=lambda at: 2.0 if at < 0.5 else 0.0, max_concurrency=64)
    assert run.accepted_per_second(4, 14) >= 0.8 * 60


def after_an_outage():
    """Return a controller that has just had the first good answer after an outage, at 4.0, and more at 4.1."""
    controller = busy(0.05)
    for n in range(45):
        controller.record_stats(1.0 + n / 20, ResponseStats(failures=1))
    assert controller.breaker.is_outage
    refill(controller, 4.0, 1)
    assert not controller.breaker.is_outage
    controller.record_started(4.05, controller.allowance(4.05, 0))
    return controller


def is_rate_found(controller, now):
    return controller.allowance(now, 0) < controller.concurrency


def test_first_sends_after_outage_set_no_rate():
    controller = after_an_outage()
    controller.record_stats(4.9, ResponseStats(good=10, seconds=0.5, pushbacks=20))
    assert not is_rate_found(controller, 4.96), "the rejected requests have given up their places after a round trip"
    controller.record_stats(5.1, ResponseStats(good=10, seconds=0.5, pushbacks=20))
    assert is_rate_found(controller, 5.1)


def test_second_stop_after_an_outage_sets_no_rate():
    controller = after_an_outage()
    controller.record_stats(4.1, ResponseStats(pushbacks=20))
    assert controller.breaker.is_holding
    refill(controller, 6.0, 1)
    assert not is_rate_found(controller, 6.0)


def test_failures_after_an_outage_cut_the_window():
    controller = after_an_outage()
    for n in range(20):
        refill(controller, 5.0 + n / 20, 8)
    wide = controller.concurrency
    refill(controller, 6.0, 80, 80)
    assert controller.concurrency < wide
