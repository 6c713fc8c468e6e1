"""Records that are made for every request: immutable to the type checker, cheap to make. Floor 1.

``dataclass(frozen=True)`` sets each field by a call of ``object.__setattr__``: an event with its seventeen
fields took four microseconds to make, a tenth of accepting it. Here the checker alone refuses assignments
(``frozen_default``, PEP 681); at run time a field is set as any attribute is. For what the code of this
package makes and reads; what users get in their hands says for itself whether it may be changed.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TypeVar, dataclass_transform

Record = TypeVar("Record")


@dataclass_transform(frozen_default=True, kw_only_default=True, field_specifiers=(field,))
def record(cls: type[Record]) -> type[Record]:
    """Make *cls* a dataclass with slots and keyword fields, hashable by its values."""
    return dataclass(slots=True, kw_only=True, unsafe_hash=True)(cls)
