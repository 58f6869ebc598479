"""The engine: find, read, settle, write. One reading of each event, whatever it comes as."""
