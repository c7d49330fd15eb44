"""From what a user names to something that can be read: a path of this machine, or the address of an object on other storage."""

from unmoor.storage.address import Address, AnyPath, Seen
from unmoor.storage.naming import as_argument, located, matches
from unmoor.storage.streams import for_random_access
from unmoor.storage.troubles import said
from unmoor.storage.writing import delete, put

__all__ = [
    "Address",
    "AnyPath",
    "Seen",
    "as_argument",
    "delete",
    "for_random_access",
    "located",
    "matches",
    "put",
    "said",
]
