"""A form in a notebook: choose, look, dry run, push. It calls the same functions as everything else."""

from growlytics_pandas.form.widget import Form

__all__ = ["Form"]
