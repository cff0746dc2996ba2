"""Do the pages of a list add up to the whole, and do its filters and its total tell the truth?"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field, replace
from math import ceil

from harness.checks.check import Check, Verdicts
from harness.contract.model import JSON, System
from harness.contract.schema import compile_schema, items_of, says
from harness.driving.bench import Bench
from harness.driving.calls import Call, Exchange
from harness.driving.filling import another, one_like
from harness.driving.filters import Filter, filters_of, probes
from harness.driving.listings import (
    Listing,
    Walk,
    identity,
    items_in,
    listings,
    next_call,
    pages,
    required_query,
    total_in,
    walk,
)
from harness.driving.requests import successful
from harness.driving.things import cannot_make
from harness.errors import StateError
from harness.findings import Finding, Result
from harness.target import Claims, Limits, Target

NAME = "paging"
FILL = 6
"""So many items are made in each list."""

FEWEST = 3
"""A list with fewer items has no pages to speak of."""

PAGES, INSERTED = 6, 3
"""How many pages a list is cut into, and between how many of them an item is inserted."""

_BIGGEST = 100
_CURSORS = ("nobody-gave-this-out", "bm9ib2R5LWdhdmUtdGhpcy1vdXQ", "0000nobody")


@dataclass(slots=True)
class _Trial:
    """One list at work. ``call`` asks for all of it; ``held`` and ``filters`` say what holds."""

    bench: Bench
    verdicts: Verdicts
    listing: Listing
    call: Call
    claims: Claims | None
    held: list[str] = field(default_factory=list)
    filters: list[str] = field(default_factory=list)

    @property
    def most(self) -> int:
        """So many pages are read of one list at most."""
        return max(2 * PAGES, self.bench.limits.cases)

    @property
    def paged(self) -> bool:
        return self.listing.cursor is not None and self.listing.following is not None

    def sized(self, wanted: int, **query: JSON) -> Call:
        """The call with pages of this size, or of the nearest that the contract allows."""
        limit = self.listing.limit
        if limit is None:
            return replace(self.call, query={**self.call.query, **query})
        least, most = says(limit.schema, "minimum"), says(limit.schema, "maximum")
        size = min(max(wanted, least or 1), _BIGGEST if most is None else int(most))
        return replace(self.call, query={**self.call.query, **query, limit.name: size})

    def read(self, call: Call) -> Walk:
        return walk(self.bench, self.listing, call, self.claims, self.most)

    def keys(self, items: Sequence[JSON]) -> list[str]:
        return [str(identity(self.bench, self.listing, item)) for item in items]

    def finding(self, title: str, received: str, documented: str, exchange: Exchange) -> Result:
        operation = self.listing.operation
        return self.verdicts.finding(
            operation.id, title, received, documented, operation.place, exchange.curl()
        )

    def untold(self, why: str | StateError, trying: str = "") -> Result:
        return self.verdicts.untold(self.listing.operation.id, why, trying)


def run(system: System, target: Target, limits: Limits) -> Iterator[Result]:
    """Every list that takes a limit or a cursor: its pages, also while it grows, its filters, its cursor.

    Raises HarnessError where the target cannot be reached or reset.
    """
    verdicts = Verdicts(NAME, target.service)
    with Bench(system, target, limits) as bench:
        for listing in listings(bench):
            if listing.limit is None and listing.cursor is None:
                continue
            try:
                prepared = successful(bench, listing.operation)
            except StateError as error:
                yield verdicts.untold(listing.operation.id, error)
                continue
            call = replace(prepared.call, query=required_query(prepared.call))
            trial = _Trial(bench, verdicts, listing, call, prepared.claims)
            sound = True
            for result in _listing(trial):
                sound = sound and not isinstance(result, Finding)
                yield result
            if sound and (trial.held or trial.filters):
                filters = [f"filters {', '.join(trial.filters)}"] if trial.filters else []
                cases = len(trial.held) + len(trial.filters)
                yield verdicts.passed(listing.operation.id, "; ".join([*trial.held, *filters]), cases)


def _listing(trial: _Trial) -> Iterator[Result]:
    why = _fill(trial)
    whole = trial.read(trial.sized(_BIGGEST))
    keys = trial.keys(whole.items)
    if whole.refused is not None:
        yield trial.untold(f"the list was answered {whole.refused.received()}")
    elif not whole.ended and _repeats(trial, whole):
        yield _endless(trial, whole)
    elif not whole.ended:
        yield trial.untold(f"the list has more than {len(keys)} items, too many to read here")
    elif len(set(keys)) < FEWEST:
        yield trial.untold(f"the list cannot be filled: it holds {len(set(keys))} items. {why}".strip())
    else:
        yield from _total(trial, whole)
        yield from _pages(trial, keys)
        yield from _growing(trial, keys)
        for each in filters_of(trial.bench, trial.listing):
            yield from _filter(trial, each, whole.items)
        yield from _cursor(trial)


def _fill(trial: _Trial) -> str:
    """Make some items; why that was not possible, if so."""
    try:
        for turn in range(FILL):
            another(trial.bench, trial.listing, trial.call, turn)
    except StateError as error:
        return error.found
    return ""


def _total(trial: _Trial, read: Walk, what: str = "") -> Iterator[Result]:
    """Every page says the same total, and that is how many there are."""
    counted = len(set(trial.keys(read.items)))
    for exchange in read.exchanges:
        total = total_in(trial.listing, exchange)
        if total is not None and total != counted:
            title = f"The total is not the number of items{what}"
            received = f"{trial.listing.total} {total} of a list of {counted} items"
            yield trial.finding(title, received, f"{trial.listing.total} {counted}", exchange)
            return
    if trial.listing.total is not None and not what:
        trial.held.append(f"total {counted}")


def _pages(trial: _Trial, whole: Sequence[str]) -> Iterator[Result]:
    """Small pages: none larger than asked for, together everything once, and then an end."""
    call = trial.sized(ceil(len(set(whole)) / PAGES))
    read = trial.read(call)
    yield from _within_limit(trial, call, read)
    if not trial.paged:
        return
    shown = trial.keys(read.items)
    if read.refused is not None:
        promised = "a page that the one before leads to"
        yield trial.finding("A page is refused", read.refused.received(), promised, read.refused)
    elif not read.ended:
        yield _endless(trial, read)
    elif len(read.exchanges) < 2:
        yield trial.untold(f"all {len(shown)} items came on one page, so there was none to go on to")
    else:
        clean = True
        for result in (*_astray(trial, whole, shown, read.last), *_total(trial, read, " on every page")):
            clean = False
            yield result
        if clean:
            trial.held.append(f"{len(shown)} items in {len(read.exchanges)} pages")


def _repeats(trial: _Trial, read: Walk) -> bool:
    """Whether the last page that was read showed nothing new."""
    *before, last = [trial.keys(items_in(trial.listing, exchange)) for exchange in read.exchanges]
    return set(last) <= {key for keys in before for key in keys}


def _endless(trial: _Trial, read: Walk) -> Result:
    received = f"{len(read.exchanges)} pages with {len(set(trial.keys(read.items)))} items, and more to come"
    promised = f"nothing at {trial.listing.following} of the last page"
    return trial.finding("The pages never end", received, promised, read.last)


def _within_limit(trial: _Trial, call: Call, read: Walk) -> Iterator[Result]:
    limit = trial.listing.limit
    if limit is None:
        return
    size = call.query[limit.name]
    for exchange in read.exchanges:
        count = len(items_in(trial.listing, exchange))
        if count > size:
            title = "A page holds more items than its limit"
            yield trial.finding(title, f"{count} items", f"at most {size} ({limit.name})", exchange)
            return


def _astray(
    trial: _Trial, whole: Sequence[str], shown: Sequence[str], last: Exchange, when: str = ""
) -> Iterator[Result]:
    """Items that stand on several pages, and items that stand on none."""
    twice = [key for key, count in Counter(shown).items() if count > 1]
    lost = sorted(set(whole) - set(shown))
    if lost:  # on a target that others use, it may be gone
        now = trial.keys(trial.read(trial.sized(_BIGGEST)).items)
        lost = [key for key in lost if key in now]
    if twice:
        title = f"An item stands on several pages{when}"
        yield trial.finding(title, _named(twice), "every item once", last)
    if lost:
        title = f"An item of the list stands on no page{when}"
        yield trial.finding(title, _named(lost), "every item once", last)


def _named(keys: Sequence[str]) -> str:
    """At most three of them, and how many there are."""
    shown = ", ".join(keys[:3])
    return shown if len(keys) <= 3 else f"{len(keys)} items, among them {shown}"


def _growing(trial: _Trial, whole: Sequence[str]) -> Iterator[Result]:
    """The pages again, with items inserted between them: what was there before shows once nevertheless."""
    if not trial.paged:
        return
    listing, shown, inserted = trial.listing, [], set[str]()
    first: JSON = None
    last: Exchange | None = None
    call = trial.sized(ceil(len(set(whole)) / PAGES))
    try:
        for last in pages(trial.bench, listing, call, trial.claims, trial.most + INSERTED):
            items = items_in(listing, last)
            shown += trial.keys(items)
            first = first or (items[0] if items else None)
            if len(inserted) < INSERTED and first is not None:
                inserted.update(trial.keys([one_like(trial.bench, listing, trial.call, first).document]))
        if inserted <= set(whole):
            raise cannot_make(trial.bench, listing.item or "item", "what was made was there before")
    except StateError as error:
        yield trial.untold(error, "inserting items between two pages")
        return
    if last is None or not last.ok or next_call(listing, last.call, last) is not None:
        return  # refused or endless: told already
    clean = True
    for result in _astray(trial, whole, shown, last, " when others are inserted between them"):
        clean = False
        yield result
    if clean:
        trial.held.append(f"the same while {len(inserted - set(whole))} more were inserted")


def _filter(trial: _Trial, filter_: Filter, items: Sequence[JSON]) -> Iterator[Result]:
    """Only what matches, all that matches, and nothing that the whole does not show."""
    name, tried = filter_.parameter.name, 0
    whole = trial.read(trial.sized(_BIGGEST))
    for value in probes(trial.bench, filter_, items):
        read = trial.read(trial.sized(_BIGGEST, **{name: value}))
        if read.refused is not None and not any(filter_.admits(item, value) for item in items):
            continue  # an id that nothing has may be refused
        tried += 1
        problem = _filtered(trial, filter_, value, whole.items, read)
        if problem is not None:
            yield problem
            return
        wrong = list(_total(trial, read, f" that '{name}' lets through"))
        yield from wrong
        if wrong:
            return
    if tried:
        trial.filters.append(name)
    else:
        yield trial.untold(f"no value of '{name}' is known that would tell whether it filters")


def _filtered(
    trial: _Trial, filter_: Filter, value: JSON, items: Sequence[JSON], read: Walk
) -> Result | None:
    name = filter_.parameter.name
    keys, shown = trial.keys(items), trial.keys(read.items)
    wrong = [key for key, item in zip(shown, read.items, strict=True) if filter_.admits(item, value) is False]
    right = [key for key, item in zip(keys, items, strict=True) if filter_.admits(item, value) is True]
    hidden, new = [key for key in right if key not in shown], [key for key in shown if key not in keys]
    if read.refused is not None:
        promised = "the items that have this value"
        return trial.finding(f"The filter '{name}' is refused", read.last.received(), promised, read.last)
    if wrong:
        title, keys = f"The filter '{name}' lets through what does not match", wrong
    elif hidden:
        title, keys = f"The filter '{name}' hides what matches", hidden
    elif new:
        title, keys = f"With the filter '{name}' the list shows what it does not show without", new
    else:
        return None
    compared = f"{filter_.compared} {filter_.relation} the value of '{name}'"
    promised = "part of the unfiltered list" if filter_.compared is None else f"all items whose {compared}"
    return trial.finding(title, _named(keys), promised, read.last)


def _cursor(trial: _Trial) -> Iterator[Result]:
    """A cursor that was never given out is refused, as documented."""
    cursor, operation = trial.listing.cursor, trial.listing.operation
    documented = [status for status in operation.responses if status in {"400", "422", "4XX"}]
    if cursor is None or not trial.paged or not documented or says(cursor.schema, "type") == "integer":
        return
    valid = compile_schema(items_of(cursor.schema) or cursor.schema)
    made_up = next((each for each in _CURSORS if valid.is_valid(each)), None)
    if made_up is None:
        yield trial.untold(f"no text is known that '{cursor.name}' may be and that is no cursor")
        return
    exchange = trial.bench.caller.send(trial.sized(FILL, **{cursor.name: made_up}), trial.claims)
    if 400 <= exchange.status < 500 and operation.response_for(exchange.status) is not None:
        trial.held.append("a cursor of nobody's is refused")
        return
    verb = "is accepted" if exchange.ok else "is not refused as documented"
    title = f"A cursor that was never given out {verb}"
    yield trial.finding(title, exchange.received(), " or ".join(documented), exchange)


CHECK = Check(
    name=NAME,
    run=run,
    needs=frozenset({"state"}),
    sees=(
        "Items that pages show twice or not at all, also when others are inserted meanwhile; pages longer "
        "than their limit or without an end; totals that are not true; filters that let through too much "
        "or too little; cursors that nobody gave out and that are accepted."
    ),
    misses="The order of a list, deletions between its pages, and how long a page is when nobody says.",
)
