"""Name the schemas of the OpenAPI document. Generated clients name their types after them.

A set of words, such as the rungs, appears in many schemas. Without a name, a generated client would have a different
type in each place. So each set becomes one named schema, and all places refer to it.
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
    "Difference": ("ClaimDisputeDocument", "kind"),
    "DiscussionForm": ("DiscussionReported", "form"),
    "DisputeKind": ("DisputeDocument", "kind"),
    "Hold": ("IrritantDocument", "hold"),
    "HoldKind": ("HoldPlaced", "kind"),
    "InstrumentKind": ("InstrumentExchanged", "kind"),
    "InstrumentState": ("InstrumentStated", "state"),
    "ItemStatus": ("ItemStatusChanged", "status"),
    "Lifecycle": ("IrritantDocument", "lifecycle"),
    "LinkKind": ("LinkageStated", "kind"),
    "MemberBy": ("StepDocument", "agreed_in_by"),
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
"""The name of each set of words, and a schema and a field where it appears."""
_LISTING: Final = re.compile(r"Listing_(\w+?)(?:Document|Summary)?_")
"""The name that pydantic gives to `Listing[RoundDocument]`. The contract calls it `RoundListing`."""


def with_named_words(document: Schema, prefix: str) -> Schema:
    """Return the document with named sets of words. `prefix` is how references begin: `#/components/schemas/`."""
    schemas = document["components"]["schemas"]
    words = {_words(schemas[schema]["properties"][field]): name for name, (schema, field) in _WORDS.items()}
    words[get_args(get_args(DateMatch)[0])] = "DateMatch"
    renamed: Schema = _renamed(document, words, prefix)
    schemas = renamed["components"]["schemas"]
    schemas |= {name: {"type": "string", "enum": list(values)} for values, name in words.items()}
    for name in schemas:
        schemas[name]["title"] = name
    renamed["components"]["schemas"] = dict(sorted(schemas.items()))
    return renamed


def _renamed(part: Any, words: Mapping[tuple[str, ...], str], prefix: str) -> Any:
    """Return a part of the document with references to the sets of words, and with short names of lists."""
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
    """Return the set of words that a schema allows, also if it allows null too. Empty if it has no set of words."""
    options = (schema, *schema.get("anyOf", ()))
    return tuple(next((option["enum"] for option in options if "enum" in option), ()))
