"""What people see: progress, notebook pages, reports, charts, workbooks."""
