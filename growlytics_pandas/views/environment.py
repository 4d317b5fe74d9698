"""Where this process shows things: a notebook kernel, a terminal, a log. Nothing is imported that is not there yet."""

import importlib.util
import sys
import threading
from typing import Any


def has_notebook() -> bool:
    """Whether there is a kernel whose front end shows rich output, and this thread may write to it.

    Whether anyone looks cannot be known here: a headless run has a kernel too. Spyder's console shows text only.
    """
    if "spyder_kernels" in sys.modules or threading.current_thread() is not threading.main_thread():
        return False
    shell = _shell()
    return getattr(shell, "kernel", None) is not None or "google.colab" in str(type(shell))


def has_widgets() -> bool:
    """Whether ipywidgets is installed for this kernel; a front end may lack its half all the same."""
    return importlib.util.find_spec("ipywidgets") is not None


def is_terminal() -> bool:
    """Whether a person sees what is written to standard error as it is written."""
    return sys.stderr is not None and sys.stderr.isatty()


def _shell() -> Any:
    """Return the IPython shell, None outside of one. A kernel has imported IPython long before us."""
    get_ipython = getattr(sys.modules.get("IPython"), "get_ipython", None)
    return get_ipython() if get_ipython is not None else None
