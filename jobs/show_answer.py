"""What people see when they ask why: sentences first, numbers after them."""

from collections.abc import Iterable
from datetime import datetime
from typing import TYPE_CHECKING, Any

from rich.markup import escape

from jobs.readers import Answer
from jobs.show import NOTHING, console, instant, print_rows, signed, yes
from models.answers import MOST_TOLD
from models.plan import Reason
from models.sentences import length
from models.tables import EXPLANATION

if TYPE_CHECKING:  # loading it loads the engine, which `explain CONTACT` does not need
    from jobs.why_nobody import WhyNobody
    from jobs.why_not import AgentSlots, WhyNot

CLOSED_HOURS = Reason.CLOSED_HOURS.value
DOC_OF_TERM = {column.name: column.doc for column in EXPLANATION.columns}
"""What each column of `explanation` says, for people."""


def print_answer(answer: Answer, hint: str | None) -> None:
    """Why a contact got its decision, and where to read on."""
    console.print(
        f"[bold]{escape(answer.contact_id)}[/bold] at {instant(answer.tick_at)}: {answer.decision}"
    )
    console.print(answer.sentence, markup=False)
    for line in facts_of(answer):
        console.print(line, markup=False)
    if answer.terms:
        total = ("gain", signed(sum(amount for _, amount in answer.terms)))
        print_rows("Terms of the gain", ("", "money"), [*_terms(answer.terms), total])
    if not answer.offers.is_empty():
        events = [_event_of_offer(row) for row in answer.offers.iter_rows(named=True)]
        header = ("offered at", "agent", "event", "at", "knows\nthem", "other\ncontacts")
        print_rows("Its offers", (*header, "bor-\nrowed"), events, narrow=True)
    if hint is not None:
        console.print(hint, markup=False, soft_wrap=True)


def facts_of(answer: Answer) -> list[str]:
    """Tier, requirement, target, chance and context in plain words; what is not known is left
    out.
    """
    row, facts = answer.row, []
    if row.get("tier") is not None:
        facts.append(f"Comes before money counts: tier {row['tier']}.")
    if row.get("step"):
        facts.append(f"Asks for less than at first: step {row['step']}.")
    if row.get("relaxes_at") is not None:
        less = "still less" if row["step"] else "less"
        facts.append(f"Asks for {less} from {_moment(row['relaxes_at'], answer)}.")
    if row.get("breach_at") is not None:
        fate = ", which nobody can prevent any more" if row["unavoidable"] else ""
        facts.append(f"Misses its target at {_moment(row['breach_at'], answer)}{fate}.")
    elif row.get("unavoidable") is not None:  # releases that did not say it knew neither
        never = ", or its queue never opens in time" if row["reason"] == CLOSED_HOURS else ""
        facts.append(f"Is past its target{never}.")
    if answer.next_chance_at is not None:
        chance = f"{row['agent_id']} should be free at {_moment(answer.next_chance_at, answer)}"
        facts.append(f"Its next chance: {chance}.")
    if answer.offer is not None and answer.offer["seen_before"] is not None:
        offer = answer.offer
        had = "had" if offer["seen_before"] else "never had"
        others = offer["num_context"]
        context = f"{others} other contacts" if others != 1 else "1 other contact"
        borrowed = ", and is borrowed from another queue" if offer["is_borrowed"] else ""
        facts.append(
            f"{offer['agent_id']} {had} this customer before, will see {context} of"
            f" theirs{borrowed}."
        )
    return facts


def print_why_nobody(answer: "WhyNobody") -> None:
    """Why a contact waits, which tests keep whom away, and what would change that."""
    console.print(f"[bold]{escape(answer.contact_id)}[/bold] at {instant(answer.tick_at)}")
    console.print(answer.sentence, markup=False)
    if answer.sentence != answer.plan.detail:
        console.print(f"The plan: {answer.plan.detail}", markup=False)
    obstacles = answer.obstacles
    rows = [
        (test.name, f"{test.num_failing:,} of {obstacles.num_agents:,}")
        for test in obstacles.tests
    ]
    print_rows("What keeps agents away", ("", "agents"), rows)
    if len(answer.changes) > MOST_TOLD:
        changes = [(str(change),) for change in answer.changes]
        print_rows("If it had to be served", ("",), changes)
    _print_if_other(as_decided=answer.as_decided)


def print_why_not(answer: "WhyNot") -> None:
    """Why a contact is not with an agent: sentence, who would move, and terms of the pair."""
    console.print(f"[bold]{answer.contact_id}[/bold] at {instant(answer.tick_at)}")
    console.print(answer.sentence)
    console.print(f"The plan: {answer.plan.detail}")
    if len(answer.changes) > MOST_TOLD:
        changes = [(str(change),) for change in answer.changes]
        print_rows(f"If {answer.agent_id} had to take it", ("",), changes)
    if answer.pair is not None:
        terms, total = _terms(answer.pair.terms.items()), ("gain", signed(answer.pair.gain))
        print_rows(f"Terms of the gain with {answer.agent_id}", ("", "money"), [*terms, total])
    _print_if_other(as_decided=answer.as_decided)


def print_slots(answer: "AgentSlots") -> None:
    """What an agent's slots are worth, channel by channel."""
    rows = [
        (
            lane.channel,
            f"{lane.slots}",
            _interval(*lane.one_more),
            "" if lane.one_fewer is None else _interval(*lane.one_fewer),
        )
        for lane in answer.lanes
    ]
    if answer.over_limit:
        told = f"Holds more than they are allowed: {answer.over_limit}."
        console.print(told, markup=False)
    title = f"What slots of {answer.agent_id} are worth at {instant(answer.tick_at)}"
    print_rows(title, ("channel", "slots", "one more gains", "one fewer loses"), rows)
    _print_if_other(as_decided=answer.as_decided)


def _terms(terms: Iterable[tuple[str, float]]) -> list[tuple[str, str]]:
    """Rows of the terms that change anything, as they are shown."""
    rows = [(_named(name), signed(amount)) for name, amount in terms]
    return [row for row in rows if row[1] != NOTHING]


def _named(term: str) -> str:
    """A term with what it means."""
    doc = DOC_OF_TERM[term].rstrip(".")
    return f"{term}: {doc[0].lower()}{doc[1:]}"


def _event_of_offer(row: dict[str, Any]) -> tuple[str, ...]:
    known = [
        "" if row[name] is None else yes(row[name]) for name in ("seen_before", "is_borrowed")
    ]
    others = "" if row["num_context"] is None else f"{row['num_context']}"
    offered, event_at = (f"{row[name]:%m-%d %H:%M:%S}" for name in ("tick_at", "event_at"))
    return (offered, row["agent_id"], row["event"], event_at, known[0], others, known[1])


def _moment(at: datetime, answer: Answer) -> str:
    """An instant, and how far it is from the decision."""
    return f"{instant(at)}, in {length((at - answer.tick_at).total_seconds())}"


def _interval(low: float, high: float) -> str:
    return f"{low:,.2f}" if low == high else f"{low:,.2f} to {high:,.2f}"


def _print_if_other(*, as_decided: bool) -> None:
    if not as_decided:
        console.print("Deciding the batch again gave another plan than the archived one.")
