"""The reference twin: the matcher, the stream buffer, their JSON units and the byte scan in pure Python.

It is the specification. The Rust core mirrors these files one to one and is tested against them.
"""

from holdback._pure.forms import Forms
from holdback._pure.keyed import keyed_placeholders
from holdback._pure.matcher import TrieMatcher
from holdback._pure.stream import StreamBuffer

__all__ = ["Forms", "StreamBuffer", "TrieMatcher", "keyed_placeholders"]
