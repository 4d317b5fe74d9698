"""A form in a notebook: choose, look, dry run, push. It calls the same functions as everything else."""
