"""From a plan to a result: the schema and checks of a frame, request bodies, sending, outcomes."""
