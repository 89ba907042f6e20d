"""What Schemathesis cannot know of this API."""

import itertools
import json
import os
import uuid

import schemathesis

OWN_ID = os.environ["OWN_ID"]
# Ids of what is there, by the beginning of the path.
KNOWN = {prefix: itertools.cycle(ids) for prefix, ids in json.loads(os.environ["KNOWN_IDS"]).items() if ids}
MEDIA = "/v1/media/{id}"
turn = itertools.count()
sparing = itertools.count()
# The document's examples, which can be taken once only.
EXAMPLES = {"username": "ana", "email": "ana@example.com", "externalId": "shop-17", "sku": "RB-250"}


def is_own_account(case):
    """What may end the caller's own session would end the run."""
    changes_somebody = case.path.startswith("/v1/users/{id}") and case.method.upper() != "GET"
    return changes_somebody and (case.path_parameters or {}).get("id") == OWN_ID


def is_right_on_arrival(case):
    """Wrong as generated, but not as it arrives: HTTP strips white space around a header, an empty field of a form is absent."""
    headers = [value for value in (case.headers or {}).values() if isinstance(value, str)]
    form = case.body if case.media_type == "multipart/form-data" and isinstance(case.body, dict) else {}
    return any(value in ("", [], None) for value in form.values()) or any(value != value.strip() for value in headers)


@schemathesis.hook
def filter_case(context, case):
    negative = case.meta is not None and case.meta.generation.mode.value == "negative"
    return not is_own_account(case) and not (negative and is_right_on_arrival(case))


def is_wrong_elsewhere(case):
    """Whether something besides the headers is wrong on purpose."""
    return any(part.mode.value == "negative" for place, part in case.meta.components.items() if place.value != "header")


def uses_up(case):
    """What a committed or removed import can do no more, others want to be done with it."""
    gone = case.method.upper() == "DELETE" or case.path.endswith("/commit")
    return gone and ("imports/" in case.path or "jobs/" in case.path)


@schemathesis.hook
def map_case(context, case):
    if case.meta is None:
        return case
    often = next(turn) % 3 != 0
    positive = case.meta.generation.mode.value == "positive"
    # No generated ETag is ever the present one, and its 412 comes before all else.
    if often and (positive or is_wrong_elsewhere(case)):
        (case.headers or {}).pop("If-Match", None)
    if not positive:
        return case
    # A key is for one request: the tool would use the same one for many, which is refused with 422.
    if "Idempotency-Key" in (case.headers or {}):
        case.headers["Idempotency-Key"] = str(uuid.uuid4())
    if often and isinstance(case.body, dict):
        fresh = {name: f"{uuid.uuid4().hex}{value[3:]}" for name, value in EXAMPLES.items() if case.body.get(name) == value}
        media = {name: next(KNOWN[MEDIA]) for name in ("photoMediaId", "mediaId") if case.body.get(name)}
        phone = {"phone": f"+2547{uuid.uuid4().int % 10**8:08}"} if case.body.get("phone") else {}
        case.body = {**case.body, **fresh, **media, **phone}
    # A mapping that fits the file is not to be guessed.
    if often and case.path.endswith(("imports/{id}", "imports/{id}/commit")) and isinstance(case.body, dict):
        case.body = {"onMatch": "skip"}
    # In stateful runs the ids come from former answers.
    known = often and not (uses_up(case) and next(sparing) % 6 != 0)
    if known and case.meta.phase.name.value in ("coverage", "fuzzing"):
        for prefix, ids in KNOWN.items():
            for name in ("id", "key"):
                if case.path.startswith(prefix) and name in (case.path_parameters or {}):
                    case.path_parameters[name] = next(ids)
                    # Another key, and a signature that nobody can guess.
                    for other in ("idBy", "expires", "signature"):
                        (case.query or {}).pop(other, None)
    return case


@schemathesis.hook
def filter_failure(context, failure, case, response):
    """The tool cannot judge a form with a file: it takes right ones for wrong. JSON bodies are judged as ever."""
    is_form = (case.media_type or "").startswith("multipart/")
    photo = case.path in ("/v1/customers/{key}/photo", "/v1/products/{key}/photo")
    accepted = response.status_code in (201, 202) or (response.status_code == 200 and photo)
    return not (is_form and accepted and type(failure).__name__ == "AcceptedNegativeData")
