"""A value that needs escapes, and a document with its placeholder."""

from __future__ import annotations

import json

ADA = 'Ada "Q" Núñez\n\\'
PAIRS = {"<PERSON_1>": ADA}
DOCUMENT = json.dumps({"name": "<PERSON_1>", "cc": ["<PERSON_1>", 1.5]})
