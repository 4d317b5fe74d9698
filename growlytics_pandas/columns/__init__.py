"""The columns of a frame, whatever library it is of."""
