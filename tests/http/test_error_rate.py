"""How a cut of the speed is evaluated and undone: response by response, without a server."""

import pytest
from support.simulated_servers import FAILURE, FixedWindow, Run, Unlucky

from growlytics_pandas.http.concurrency import ConcurrencyController, ResponseStats


def busy(seconds, **options):
    """Return a pacer with a full window of 64 whose answers have so far all been good."""
    pacer = ConcurrencyController(**{"max_concurrency": 64, "start": 64, **options})
    pacer.note_started(0.0, pacer.allowance(0.0, 0))
    pacer.note_answers(seconds, ResponseStats(good=64, seconds=64 * seconds))
    return pacer


def refill(pacer, now, good, failures=0, *, seconds=0.05):
    pacer.note_started(now, pacer.allowance(now, 0))
    pacer.note_answers(now, ResponseStats(good=good, seconds=good * seconds, failures=failures))


def trial_seconds(pacer, now):
    """Return for how long the window stays as it was cut, while everything is answered well."""
    narrow, start = pacer.concurrency, now
    while pacer.concurrency == narrow and now < start + 30.0:
        now += 0.01
        refill(pacer, now, 20, seconds=0.01)
    return now - start


def test_responses_from_before_a_cut_do_not_count():
    pacer = busy(1.0)
    pacer.note_answers(1.0, ResponseStats(failures=64))
    for n in range(1, 12):
        pacer.note_answers(1.0 + n / 10, ResponseStats(good=1, seconds=1.0, failures=9))
    assert pacer.concurrency == round(0.7 * 64)


def test_fast_server_evaluates_a_cut_at_once():
    pacer = busy(0.01)
    pacer.note_answers(0.02, ResponseStats(failures=64))
    assert pacer.concurrency == round(0.7 * 64)
    assert trial_seconds(pacer, 0.02) < 0.2


def test_slow_response_does_not_delay_evaluation():
    pacer = busy(0.01)
    refill(pacer, 0.1, 64, seconds=0.01)
    refill(pacer, 0.2, 1, seconds=5.0)
    pacer.note_answers(0.21, ResponseStats(failures=150))
    assert pacer.concurrency == round(0.7 * 64)
    assert trial_seconds(pacer, 0.21) < 2.0


def test_needless_cut_is_reverted_at_once():
    pacer, now, widths = ConcurrencyController(max_concurrency=64), 0.0, []
    while now < 6.0:
        now += 0.05
        refill(pacer, now, 56, 14 if now > 2.0 else 0)
        widths.append(pacer.concurrency)
    assert set(widths) == {64, round(0.7 * 64), round(0.7 * 0.7 * 64)}
    assert widths[-1] == 64


def test_needless_cut_does_not_stop_doubling():
    run = Run(Unlucky(0.3, FAILURE), 1.0, 30, max_concurrency=64)
    assert run.accepted_per_second(8, 16) >= 0.8 * 0.7 * 64


def test_window_may_shrink_to_one_request():
    pacer = busy(0.05, start=2, max_concurrency=2)
    for n in range(40):
        refill(pacer, 1.5 + n / 20, 1, 5)
    assert pacer.concurrency == 1


@pytest.mark.parametrize("round_trip", [0.01, 1.0])
def test_cut_rate_keeps_the_needed_concurrency(round_trip):
    pacer = busy(round_trip)
    pacer.note_answers(round_trip, ResponseStats(good=6, seconds=6 * round_trip, pushbacks=64))
    assert pacer.allowance(round_trip, 0) <= 1, "a rate was found"
    assert pacer.concurrency == 64


def test_slow_start_does_not_spoil_the_rate():
    run = Run(FixedWindow(60), 0.05, 14, extra=lambda at: 2.0 if at < 0.5 else 0.0, max_concurrency=64)
    assert run.accepted_per_second(4, 14) >= 0.8 * 60


def after_an_outage():
    """Return a pacer that has just had the first good answer after an outage, at 4.0, and more at 4.1."""
    pacer = busy(0.05)
    for n in range(45):
        pacer.note_answers(1.0 + n / 20, ResponseStats(failures=1))
    assert pacer.is_paused
    refill(pacer, 4.0, 1)
    assert not pacer.is_paused
    pacer.note_started(4.05, pacer.allowance(4.05, 0))
    return pacer


def is_rate_found(pacer, now):
    return pacer.allowance(now, 0) < pacer.concurrency


def test_first_sends_after_outage_set_no_rate():
    pacer = after_an_outage()
    pacer.note_answers(4.9, ResponseStats(good=10, seconds=0.5, pushbacks=20))
    assert not is_rate_found(pacer, 4.96), "the rejected requests have given up their places after a round trip"
    pacer.note_answers(5.1, ResponseStats(good=10, seconds=0.5, pushbacks=20))
    assert is_rate_found(pacer, 5.1)


def test_second_stop_after_an_outage_sets_no_rate():
    pacer = after_an_outage()
    pacer.note_answers(4.1, ResponseStats(pushbacks=20))
    assert pacer.is_holding
    refill(pacer, 6.0, 1)
    assert not is_rate_found(pacer, 6.0)


def test_failures_after_an_outage_cut_the_window():
    pacer = after_an_outage()
    for n in range(20):
        refill(pacer, 5.0 + n / 20, 8)
    wide = pacer.concurrency
    refill(pacer, 6.0, 80, 80)
    assert pacer.concurrency < wide
