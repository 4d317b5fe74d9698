"""Ctrl-C at the right moment."""

import signal


class Interrupter:
    """A listener that interrupts the given number of times after the first request, without depending on timing."""

    def __init__(self, times=1, is_time=lambda event: event.counts["accepted"] > 0):
        self.left, self.is_time = times, is_time

    def __call__(self, event):
        if event.kind == "update" and self.left and self.is_time(event):
            self.left -= 1
            signal.raise_signal(signal.SIGINT)
