"""What shows itself as a page: in a notebook, and as a report to send."""

from __future__ import annotations

import os
from abc import ABC, abstractmethod
from pathlib import Path

from growlytics_pandas._masking import Masker
from growlytics_pandas.views.html import render_notebook, write_report
from growlytics_pandas.views.page import Page
from growlytics_pandas.views.tables import NOTEBOOK_LIMITS, REPORT_LIMITS, Limits


class HtmlRepr(ABC):
    """A plan or a result, of which there is a page."""

    @abstractmethod
    def _page(self, veil: Masker, limits: Limits) -> Page:
        """Return the page, behind a veil and as long as the limits say."""

    def to_html(self, path: str | os.PathLike[str], *, mask: bool = True) -> Path:
        """Write it as a report: one file that needs no network, to read, print or send.

        Parameters
        ----------
        path : str or path
            Where to; its folder must be there. A file of that name is replaced.
        mask : bool
            Whether to mask ids, names, e-mail addresses and mobile numbers.

        Returns
        -------
        Path
        """
        return write_report(self._page(Masker(mask), REPORT_LIMITS), path)

    def _repr_html_(self) -> str:
        """Summary first, then what needs care; everything escaped, ids and values masked."""
        return render_notebook(self._page(Masker(), NOTEBOOK_LIMITS))
