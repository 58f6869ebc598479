"""Objects of any kind: how the members of a chunk are read, and how a changed copy is made.

A chunk is a tree of dicts, lists and pydantic objects. It is read through ``members`` and never changed;
``with_edits`` makes a new chunk of the same kind that differs only at the edited paths. Nodes along those
paths are copied, everything else is shared with the chunk that came: the cost is that of the paths.

A model's members are read where pydantic keeps them and a copy is assembled from the same parts, with no
validation: attribute access and validation cost more than all the restoring of an ordinary chunk.
"""

from __future__ import annotations

import contextlib
import copy
from collections.abc import Mapping, Sequence
from typing import Any

from pydantic import BaseModel

Path = tuple[str | int, ...]
"""Where a value stands: the names and indices from the root of a chunk."""

Edit = tuple[Path, Any]
"""A path, and the value that goes there."""


def as_chunk(item: Any) -> Any:
    """What a protocol can read of a stream's item: a dict or a pydantic object; None if there is nothing.

    Another object with ``model_dump()`` is its dump, another mapping its dict. Bytes, strings and all else
    are not read.
    """
    if isinstance(item, (dict, BaseModel)):
        return item
    if callable(dump := getattr(item, "model_dump", None)) and not isinstance(item, type):
        item = dump()
    return dict(item) if isinstance(item, Mapping) else None


def dumped(model: BaseModel) -> Any:
    """What ``model_dump()`` returns, without pydantic's warnings: they quote the value that surprised it."""
    try:
        return model.model_dump(warnings=False)
    except TypeError:  # a method of the model's own, which takes no such thing
        return model.model_dump()


def members(node: Any) -> Mapping[str, Any] | None:
    """The named members of a node, to be read only; None if it is not a node with names."""
    if type(node) is dict:
        return node
    if node is None:
        return None
    try:  # asking for what only a model has is far cheaper than isinstance with pydantic's metaclass
        extra: dict[str, Any] | None = node.__pydantic_extra__
    except AttributeError:
        return node if isinstance(node, Mapping) else None
    fields: dict[str, Any] = node.__dict__
    if not extra:
        return fields
    return fields | extra if fields else extra


def with_edits(chunk: Any, edits: Sequence[Edit], taken: Sequence[Path] = ()) -> Any:
    """A copy of ``chunk`` with the edits made, and without the elements of arrays that are ``taken`` out.

    A node that is missing or None on the way becomes a dict.
    """
    root = _copy(chunk)
    if len(edits) == 1 and not taken:  # the ordinary case: every node on the way is copied once
        [(path, value)] = edits
        node = root
        for name in path[:-1]:
            kind = type(node)
            inner = node[name] if kind is dict and name in node else get(node, name)
            inner = inner.copy() if type(inner) is dict else _copy(inner)
            if kind is dict:
                node[name] = inner
            else:
                _set(node, name, inner)
            node = inner
        _set(node, path[-1], value)
        return root
    ours = {id(root)}  # the nodes made here, all reachable from the root: an id cannot be another's
    for path, value in edits:
        _set(_own(root, path[:-1], ours), path[-1], value)
    for path in sorted(taken, reverse=True):  # from the back, so that positions stay right
        del _own(root, path[:-1], ours)[path[-1]]
    return root


def _own(root: Any, path: Path, ours: set[int]) -> Any:
    """The node at ``path``, copied with those on the way unless that was done before."""
    node = root
    for name in path:
        inner = get(node, name)
        if id(inner) not in ours:
            inner = _copy(inner)
            ours.add(id(inner))
            _set(node, name, inner)
        node = inner
    return node


def like(model: type[BaseModel], chunk: dict[str, Any]) -> Any:
    """``chunk`` as an object of the class ``model``, validated if it can be."""
    with contextlib.suppress(TypeError, ValueError):
        return model.model_validate(chunk)
    return model.model_construct(**chunk)


def _copy(node: Any) -> Any:
    """A copy of one node, so new that it can be changed."""
    kind = type(node)
    if kind is dict:
        return node.copy()
    if kind is list:
        return node[:]
    if node is None:
        return {}
    try:
        extra, private = node.__pydantic_extra__, node.__pydantic_private__
    except AttributeError:
        if isinstance(node, dict):
            return copy.copy(node)
        return dict(node) if isinstance(node, Mapping) else list(node)
    new = object.__new__(kind)
    assign = object.__setattr__  # the model's own would validate, or refuse
    assign(new, "__dict__", node.__dict__.copy())
    assign(new, "__pydantic_extra__", None if extra is None else extra.copy())
    assign(new, "__pydantic_fields_set__", node.__pydantic_fields_set__.copy())
    assign(new, "__pydantic_private__", None if private is None else private.copy())
    return new


def get(node: Any, name: Any) -> Any:
    """A member or an element of a node; None if it has none of that name."""
    kind = type(node)
    if kind is dict:
        return node.get(name)
    if kind is list:
        return node[name] if name < len(node) else None
    extra: dict[str, Any] | None = getattr(node, "__pydantic_extra__", None)
    if extra and name in extra:
        return extra[name]
    return (members(node) or {}).get(name)


def _set(node: Any, name: Any, value: Any) -> None:
    """Set a member of a node that ``_copy`` made."""
    kind = type(node)
    if kind is dict or (kind is list and name < len(node)) or isinstance(node, dict):
        node[name] = value
    elif kind is list:
        node.append(value)
    else:
        extra = node.__pydantic_extra__
        is_extra = extra is not None and (name in extra or name not in kind.__pydantic_fields__)
        (extra if is_extra else node.__dict__)[name] = value
        node.__pydantic_fields_set__.add(name)
