"""Whether this process has run out of file descriptors: its own trouble, of which no server and no row is to blame."""

import errno
import os
from typing import Final

EXHAUSTED: Final = frozenset({errno.EMFILE, errno.ENFILE})


def are_exhausted(code: int = 0) -> bool:
    """Return whether no further file can be opened.

    Parameters
    ----------
    code : int
        The ``errno`` of what has just failed, where it is known. Name look-ups and TLS libraries keep it to themselves,
        so a descriptor is asked for as well.
    """
    if code in EXHAUSTED:
        return True
    try:
        os.close(os.open(os.devnull, os.O_RDONLY))
    except OSError as error:
        return error.errno in EXHAUSTED
    return False
