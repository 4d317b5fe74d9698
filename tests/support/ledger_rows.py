"""Rows with one attribute, in the form that the ledger takes."""

import numpy as np

from growlytics_pandas.ledger.digests import CellColumn


def bodies(texts):
    """Return the argument of `Project.digest` for bodies with these texts."""
    texts = [text.decode() if isinstance(text, bytes) else text for text in texts]
    return [CellColumn("body", "string", texts, np.ones(len(texts), dtype=bool))]
