"""Whether this process has run out of file descriptors: its own trouble, of which no server and no row is to blame."""

import errno
import os
from typing import Final

EXHAUSTED: Final = frozenset({errno.EMFILE, errno.ENFILE})
SPARE: Final = 16  # fewer are as good as none: other requests take and give back some all the time


def are_exhausted(code: int = 0) -> bool:
    """Return whether hardly any further file can be opened.

    Parameters
    ----------
    code : int
        The ``errno`` of what has just failed, where it is known. Name look-ups and TLS libraries keep it to themselves
        (glibc says EBUSY of a name without a descriptor), so a few descriptors are asked for as well: at once, since
        what was missing may have been given back by now.
    """
    if code in EXHAUSTED:
        return True
    opened: list[int] = []
    try:
        while len(opened) < SPARE:
            opened.append(os.open(os.devnull, os.O_RDONLY))
    except OSError as error:
        return error.errno in EXHAUSTED
    finally:
        for each in opened:
            os.close(each)
    return False
