"""Output for people: progress, notebook HTML, reports, charts, workbooks."""
