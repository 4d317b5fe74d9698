"""Output for people: progress, notebook HTML, reports, charts, workbooks. It takes data, never a plan.

::

    events    what a push sends to its listeners; `progress`: the listeners, `panel`: the one for notebooks
    headline  how a push ended: the words, levels and next steps that all displays share
    metrics   facts and samples of a run
    tables    the tables of a page, and frames that show themselves as one
    report    the pages of a plan and of a result
    html      the content of a page as data, and its rendering with `templates/`
    charts    charts of plans and results
    excel     workbooks
"""
