"""Types of Bedrock's answers, made from the service model that botocore has: for the walk over types."""

from __future__ import annotations

import importlib
from typing import Any, TypedDict


def __getattr__(name: str) -> Any:
    """The type of a shape of the service."""
    if name.startswith("__"):
        raise AttributeError(name)
    loader = importlib.import_module("botocore.loaders").Loader()
    model = importlib.import_module("botocore.model").ServiceModel(
        loader.load_service_model("bedrock-runtime", "service-2")
    )
    return _type(model.shape_for(name), ())


def _type(shape: Any, above: tuple[str, ...]) -> Any:
    """A type for the walk. A shape inside itself is left out."""
    kind = shape.type_name
    if kind == "structure":
        if getattr(shape, "is_document_type", False):
            return dict[str, Any]
        if shape.name in above:
            return int
        members = {name: _type(inner, (*above, shape.name)) for name, inner in shape.members.items()}
        make: Any = TypedDict
        return make(shape.name, members, total=False)
    if kind == "list":
        return list[_type(shape.member, above)]  # type: ignore[misc]
    if kind == "map":
        return dict[str, _type(shape.value, above)]  # type: ignore[misc]
    if kind == "string":
        return int if shape.metadata.get("enum") else str
    return int
