"""A form in a notebook: choose columns and options, check them, dry run, push. It calls the public functions."""
