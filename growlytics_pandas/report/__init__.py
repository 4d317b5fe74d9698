"""Plans and results as pages: what a notebook shows, and reports to send to a colleague."""

from growlytics_pandas.report.care import gather_care
from growlytics_pandas.report.pages import plan_page, result_page
from growlytics_pandas.report.rendering import render_notebook, write_report
from growlytics_pandas.report.shown import Shown
from growlytics_pandas.report.tables import NOTEBOOK_LIMITS, REPORT_LIMITS, Care, Limits

__all__ = [
    "NOTEBOOK_LIMITS",
    "REPORT_LIMITS",
    "Care",
    "Limits",
    "Shown",
    "gather_care",
    "plan_page",
    "render_notebook",
    "result_page",
    "write_report",
]
