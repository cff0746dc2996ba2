"""What an Arazzo document's values, bodies and criteria come to, given the context that they look at.

Everything here raises ExpressionError, PathError or RegexError (all ContractErrors) for what is malformed,
too costly or not supported: XPath is not. A criterion that raises has not held (1.1: Evaluation Errors).
"""

from __future__ import annotations

import copy
import json

from harness.contract.criteria import compile_criterion
from harness.contract.documents import tokens_of
from harness.contract.expressions import Context, ExpressionError, fill, parse, resolve, text_of, value_of
from harness.contract.jsonpath import Steps, nodes_of, values_of
from harness.contract.model import JSON
from harness.contract.model.workflows import Criterion, Language, Replacement, Selector, StepBody, Value
from harness.contract.regexes import found_in

GOESSNER = "draft-goessner-dispatch-jsonpath-00"


def meets(criterion: Criterion, context: Context) -> bool:
    """Whether a criterion holds (1.1: Condition Evaluation)."""
    language = criterion.language
    if language.name == "simple":
        return compile_criterion(criterion.condition)(context)
    supported(language)
    if not criterion.context:
        found = f"the criterion '{criterion.condition}' of type {language.name} has no context"
        raise ExpressionError("", found, "context: and the expression that it looks at")
    subject = value_of(parse(criterion.context, dotted=True), context)
    condition = fill(criterion.condition, context, dotted=True)
    if subject is None:
        return False
    if language.name == "regex":
        return found_in(condition, text_of(subject))
    return bool(nodes_of(condition, subject, lenient=language.version == GOESSNER))


def worth(value: Value, context: Context) -> JSON:
    """A parameter's, payload's or output's value: expressions, texts and selectors in it evaluated."""
    if isinstance(value, Selector):
        return _selected(value, context)
    if isinstance(value, dict):
        return {key: worth(each, context) for key, each in value.items()}
    if isinstance(value, list):
        return [worth(each, context) for each in value]
    return resolve(value, context, dotted=True)


def _selected(selector: Selector, context: Context) -> JSON:
    """The value that a selector names: None without one, a list if a JSONPath names several."""
    supported(selector.language)
    subject = value_of(parse(selector.context, dotted=True), context)
    path = fill(selector.selector, context, dotted=True)
    if selector.language.name == "jsonpointer":
        return value_of(parse(f"$response.body#{path}"), Context(response_body=subject))
    found = values_of(path, subject, lenient=selector.language.version == GOESSNER)
    return found if len(found) > 1 else next(iter(found), None)


def supported(language: Language) -> None:
    """Raises ExpressionError for XPath."""
    if language.name == "xpath":
        expected = "JSONPath, a JSON pointer or a regular expression"
        raise ExpressionError("", "XPath is not supported: messages here are JSON", expected)


def payload_of(body: StepBody, context: Context) -> JSON:
    """What a step sends, its replacements made."""
    payload = worth(body.payload, context)
    if body.replacements and isinstance(payload, str):
        payload = _parsed(payload)
    if body.replacements:
        payload = copy.deepcopy(payload)
    for replacement in body.replacements:
        payload = _replaced(payload, replacement, worth(replacement.value, context))
    return payload


def _parsed(text: str) -> JSON:
    try:
        return json.loads(text)
    except (ValueError, RecursionError) as error:
        found = "a payload with replacements is text that is not JSON"
        raise ExpressionError("", found, "JSON, or a payload without replacements") from error


def _replaced(payload: JSON, replacement: Replacement, value: JSON) -> JSON:
    supported(replacement.language)
    target, language = replacement.target, replacement.language
    if language.name == "jsonpointer":
        places: list[Steps] = [tuple(tokens_of(target))]
    else:
        places = [steps for steps, _ in nodes_of(target, payload, lenient=language.version == GOESSNER)]
    for steps in places:
        if not steps:
            payload = value
        elif not _put(payload, steps, value):
            raise ExpressionError(
                "", f"the replacement's target '{target}' is not in the payload", "a place in it"
            )
    return payload


def _put(payload: JSON, steps: Steps, value: JSON) -> bool:
    """Whether there was a place; a mapping takes a new key, and a list ``-`` for its end (RFC 6901)."""
    for step in steps[:-1]:
        if isinstance(payload, dict) and step in payload:
            payload = payload[str(step)]
        elif isinstance(payload, list) and _index(step, len(payload)) is not None:
            payload = payload[int(step)]
        else:
            return False
    last = steps[-1]
    if isinstance(payload, dict):
        payload[str(last)] = value
    elif isinstance(payload, list) and last == "-":
        payload.append(value)
    elif isinstance(payload, list) and _index(last, len(payload)) is not None:
        payload[int(last)] = value
    else:
        return False
    return True


def _index(step: str | int, length: int) -> int | None:
    digits = str(step)
    return int(digits) if digits.isdecimal() and digits.isascii() and int(digits) < length else None
