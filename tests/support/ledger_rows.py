"""Rows as the ledger sees them, with one attribute."""

import numpy as np

from growlytics_pandas.ledger.digests import CellColumn


def bodies(texts):
    """Return what stands for bodies with these texts in `Project.digest`."""
    texts = [text.decode() if isinstance(text, bytes) else text for text in texts]
    return [CellColumn("body", "string", texts, np.ones(len(texts), dtype=bool))]
