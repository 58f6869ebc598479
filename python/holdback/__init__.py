"""holdback: put the real values back into a streaming LLM answer, exactly and in any chunking.

>>> from holdback import TrieMatcher
>>> stream = TrieMatcher({"<PERSON_1>": "Ada"}).stream()
>>> stream.feed("Hi <PERS"), stream.pending, stream.feed("ON_1>!"), stream.flush()
('Hi ', '<PERS', 'Ada!', '')
"""

from holdback import aio, sync
from holdback._backend import BACKEND, StreamBuffer, TrieMatcher
from holdback.config import DeanonymizationConfig
from holdback.errors import (
    EncodedInput,
    EventTooLarge,
    HoldbackError,
    MappingError,
    PolicyError,
    StreamStateError,
)
from holdback.handler import StreamingHandler
from holdback.mapping import PIIMapping
from holdback.policy import RestorePolicy
from holdback.report import Report
from holdback.restorers.answers import restore_answer
from holdback.restorers.chunks import ChunkRestorer
from holdback.restorers.text import StreamingDeAnonymizer
from holdback.restorers.wire import WireRestorer
from holdback.spellings import spellings
from holdback.sse import create_chunk_dict, create_delta_chunk, format_sse_done, format_sse_event

__version__ = "0.2.0"

__all__ = [
    "BACKEND",
    "ChunkRestorer",
    "DeanonymizationConfig",
    "EncodedInput",
    "EventTooLarge",
    "HoldbackError",
    "MappingError",
    "PIIMapping",
    "PolicyError",
    "Report",
    "RestorePolicy",
    "StreamBuffer",
    "StreamStateError",
    "StreamingDeAnonymizer",
    "StreamingHandler",
    "TrieMatcher",
    "WireRestorer",
    "__version__",
    "aio",
    "create_chunk_dict",
    "create_delta_chunk",
    "format_sse_done",
    "format_sse_event",
    "restore_answer",
    "spellings",
    "sync",
]
