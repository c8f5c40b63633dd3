"""Who routes: a policy of the lab by name, or ours with other numbers."""

from dataclasses import replace

from scenarios.lab import policies
from scenarios.lab.centre import LabCentre
from scenarios.lab.own_policies import OURS, OwnSettings, Prices, ours
from scenarios.lab.router import Router
from scenarios.study.errors import StudyError
from scenarios.study.spec import Study, Variant
from scenarios.study.typed import nearest


def check_routes(study: Study) -> None:
    """Raise StudyError for policies that nobody knows, or that are named twice."""
    names = [variant.name for variant in study.variants]
    for name in names:
        if name in policies.POLICIES:
            raise StudyError(f"variant {name!r} is a policy of the lab; expected another name")
    known = (*policies.POLICIES, *names)
    for policy in (*study.policies, study.baseline_policy):
        if policy not in known:
            raise StudyError(f"policy {policy!r} is unknown; {nearest(policy, known)}")
    if study.baseline_policy not in study.policies:
        raise StudyError(
            f"baseline_policy {study.baseline_policy!r} is not among the policies"
            f" {', '.join(study.policies)}; expected one of them: add it"
        )
    if len(set(study.policies)) < len(study.policies):
        raise StudyError(
            f"policies {list(study.policies)} name one twice; expected each once: mend it"
        )
    for variant in study.variants:
        _settings(variant)


def route_of(study: Study, policy: str) -> str | OwnSettings:
    """The settings of the variant of that name, else the name of a policy of the lab."""
    found = [variant for variant in study.variants if variant.name == policy]
    return _settings(found[0]) if found else policy


def new_router(route: str | OwnSettings, centre: LabCentre, seed: int) -> Router:
    """A router for one day."""
    if isinstance(route, str):
        return policies.new_router(route, centre, seed)
    return ours(centre, seed, route)


def _settings(variant: Variant) -> OwnSettings:
    """Our policy's numbers with those that the variant gives."""
    prices = [one.value for one in Prices]
    if variant.prices is not None and variant.prices not in prices:
        found = f"variant {variant.name!r}: prices {variant.prices!r}"
        raise StudyError(f"{found}; {nearest(variant.prices, prices)}")
    usual = OURS
    return replace(
        usual,
        prices=usual.prices if variant.prices is None else Prices(variant.prices),
        head_share=usual.head_share if variant.head_share is None else variant.head_share,
        floor_p=usual.floor_p if variant.floor_p is None else variant.floor_p,
        hold_s=usual.hold_s if variant.hold_s is None else variant.hold_s,
    )
