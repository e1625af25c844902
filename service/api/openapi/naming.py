"""The names of schemas in the contract, from which generated clients name their types.

A set of words such as the rungs appears in many places. Without a name, a generated client would have an incompatible
type for each place. So each set becomes a component, which all places refer to.
"""

import re
from collections.abc import Mapping
from typing import Any, Final, get_args

from service.api.parameters import DateMatch

Schema = dict[str, Any]

_WORDS: Final[Mapping[str, tuple[str, str]]] = {
    "ActorKind": ("ActorRegistered", "kind"),
    "Answer": ("ProposalAnswered", "answer"),
    "Basis": ("IrritantDocument", "basis"),
    "ChangeReason": ("ChangeDocument", "reason"),
    "Channel": ("AssertedBy", "channel"),
    "DiscussionForm": ("DiscussionReported", "form"),
    "DisputeKind": ("DisputeDocument", "kind"),
    "Hold": ("IrritantDocument", "hold"),
    "HoldKind": ("HoldPlaced", "kind"),
    "InstrumentKind": ("InstrumentExchanged", "kind"),
    "InstrumentState": ("InstrumentStated", "state"),
    "ItemStatus": ("ItemStatusChanged", "status"),
    "Lifecycle": ("IrritantDocument", "lifecycle"),
    "LinkKind": ("LinkageStated", "kind"),
    "OccurredBasis": ("ConcernRaised", "occurred_basis"),
    "ProposalKind": ("ProposalTabled", "kind"),
    "Qualifier": ("DurationDocument", "qualifier"),
    "QuantityQualifier": ("Quantity", "qualifier"),
    "ResolutionExtent": ("ResolutionDeclared", "extent"),
    "Reversible": ("IrritantDocument", "reversible"),
    "RoundPhase": ("RoundDocument", "phase"),
    "Rung": ("IrritantDocument", "status"),
    "SideStance": ("Side", "stance"),
    "Stance": ("PositionStated", "stance"),
    "StepOutcome": ("NextStepClosed", "outcome"),
    "Trend": ("IrritantDocument", "trend"),
}
"""The name of each set of words, with a schema and a field that has it."""
_LISTING: Final = re.compile(r"Listing_(\w+?)(?:Document|Summary)?_")


def named(document: Schema, prefix: str) -> Schema:
    """Return the contract with these names. `prefix`: the beginning of references to components."""
    schemas = document["components"]["schemas"]
    words = {_words(schemas[of]["properties"][member]): name for name, (of, member) in _WORDS.items()}
    words[get_args(get_args(DateMatch)[0])] = "DateMatch"
    renamed: Schema = _renamed(document, words, prefix)
    schemas = renamed["components"]["schemas"]
    schemas |= {name: {"type": "string", "enum": list(of)} for of, name in words.items()}
    for name in schemas:
        schemas[name]["title"] = name
    renamed["components"]["schemas"] = dict(sorted(schemas.items()))
    return renamed


def _renamed(part: Any, words: Mapping[tuple[str, ...], str], prefix: str) -> Any:
    match part:
        case {"enum": [*_], **rest} if name := words.get(_words(part)):
            return {"$ref": prefix + name, **{key: value for key, value in rest.items() if key != "type"}}
        case dict():
            return {_LISTING.sub(r"\1Listing", key): _renamed(value, words, prefix) for key, value in part.items()}
        case list():
            return [_renamed(one, words, prefix) for one in part]
        case str():
            return _LISTING.sub(r"\1Listing", part)
        case _:
            return part


def _words(schema: Schema) -> tuple[str, ...]:
    options = (schema, *schema.get("anyOf", ()))
    return tuple(next((option["enum"] for option in options if "enum" in option), ()))
