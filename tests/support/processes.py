"""What servers in processes of their own need: a port, and LiteLLM's switches for a machine without a network."""

from __future__ import annotations

import socket

_LOCAL = ("MODEL_COST_MAP", "ANTHROPIC_BETA_HEADERS", "BLOG_POSTS", "POLICY_TEMPLATES", "AUTOROUTER_PRESETS")


def free_port() -> int:
    with socket.socket() as sock:
        sock.bind(("127.0.0.1", 0))
        port: int = sock.getsockname()[1]
        return port


def litellm_environment(key: str) -> dict[str, str]:
    """The variables of a LiteLLM proxy that fetches nothing and shows no pages; ``key`` is its master key."""
    return {
        **{f"LITELLM_LOCAL_{name}": "True" for name in _LOCAL},
        "LITELLM_MASTER_KEY": key,
        "LITELLM_MODE": "PRODUCTION",
        "DISABLE_ADMIN_UI": "True",
        "NO_DOCS": "True",
    }
