"""The engine: find, read, settle, write. No input or output, no clock, no thread."""
