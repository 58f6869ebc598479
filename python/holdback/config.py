"""DeanonymizationConfig: the one switch of a restorer."""

from __future__ import annotations

from pydantic import BaseModel, ConfigDict


class DeanonymizationConfig(BaseModel):
    """Whether answers are restored (``enabled``, by default yes), and how much of them.

    ``reasoning``, by default off, restores also what a provider wants back as it came: Anthropic's thinking and
    compaction, the reasoning of the Responses API. For display only: signed text must go back unmodified.

    Wherever a config is taken, any object with an ``enabled`` attribute does; this class is for callers who
    have none of their own. A setting it does not know is an error, pydantic's: nothing is ignored silently.

    >>> DeanonymizationConfig().enabled
    True
    """

    model_config = ConfigDict(extra="forbid", hide_input_in_errors=True)

    enabled: bool = True
    reasoning: bool = False


def is_enabled(config: object) -> bool:
    """Whether ``config``, which is not None, switches restoring on."""
    try:
        enabled = config.enabled  # type: ignore[attr-defined]
    except AttributeError:
        pass
    else:
        return bool(enabled)
    raise TypeError(f"a config is an object with an `enabled` attribute, not {type(config).__name__}")


def restores_reasoning(config: object) -> bool:
    """Whether ``config`` asks for reasoning to be restored where it is to go back unmodified."""
    return bool(getattr(config, "reasoning", False))
