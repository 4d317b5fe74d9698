"""A form in a notebook: choose columns and options, check them, dry run, push. It calls the public functions."""

from growlytics_pandas.form.widget import Form

__all__ = ["Form"]
