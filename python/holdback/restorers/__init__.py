"""The restorers, each with one pair of verbs: ``feed`` takes what came in, ``flush`` ends the stream."""
