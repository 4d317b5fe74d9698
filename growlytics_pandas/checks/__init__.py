"""The checks of a frame before anything is sent: names, ids, values; violations as data, and their text."""
