"""What is wrong with a frame, and which options would settle it."""
