"""A form in a notebook: choose columns and options, check them, dry run, push. It calls the public functions.

::

    state        what the user has chosen, and the equivalent call
    widget       the form; `controls` and `fields`: what it consists of
    rendering    the HTML below the fields; `snippets`: its small pieces
    in_notebook  its place in JupyterLab
"""
