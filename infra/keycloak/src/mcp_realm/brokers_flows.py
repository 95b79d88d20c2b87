"""What Keycloak does around a sign-in at the company's own identity provider.

Pure: no clock, no network, no state. The built-in flow for a first sign-in lets people choose a
user name and link accounts; ours makes an account or refuses. Afterwards, at each sign-in, a person
whose groups the upstream left out is told so, instead of being let in with no rights.
"""

from typing import Any

FIRST = "company first sign-in"
AFTER = "company sign-in"
AFTER_OVERAGE = "company sign-in groups left out"
OVERAGE = "groups-left-out"
OVERAGE_ROLE = {
    "name": OVERAGE,
    "description": "Marks a sign-in whose groups the company's issuer left out; gives nothing.",
    "composite": False,
}
# otherwise whoever has no address at the company is asked for one, and may type anybody's
NO_QUESTIONS = {
    "alias": "VERIFY_PROFILE",
    "name": "Verify Profile",
    "providerId": "VERIFY_PROFILE",
    "enabled": False,
    "defaultAction": False,
    "priority": 100,
    "config": {},
}
TAKEN = "company account exists"
LEFT_OUT = "company groups left out"
WHY_TAKEN = (
    "An account of this name or e-mail address exists here already, and is not joined to yours "
    "by name alone. An administrator has to decide whose it is."
)
WHY_LEFT_OUT = (
    "You are in too many groups for your company to list them at sign-in, so your rights are not "
    "known here. An administrator has to assign groups or roles to this application."
)

Representation = dict[str, Any]


def flows() -> list[Representation]:
    return [
        _flow(
            FIRST,
            "An account of its own for each person of the company; no account is ever joined.",
            _step("idp-create-user-if-unique", "ALTERNATIVE", 10),
            _step("deny-access-authenticator", "ALTERNATIVE", 20, TAKEN),
        ),
        _flow(
            AFTER,
            "After each sign-in at the company.",
            {
                "flowAlias": AFTER_OVERAGE,
                "requirement": "CONDITIONAL",
                "priority": 10,
                "authenticatorFlow": True,
                "userSetupAllowed": False,
            },
            # a flow in which nothing was asked is a failed one
            _step("allow-access-authenticator", "REQUIRED", 20),
        ),
        _flow(
            AFTER_OVERAGE,
            "The company left the person's groups out of the token.",
            _step("conditional-user-role", "REQUIRED", 10, OVERAGE),
            _step("deny-access-authenticator", "REQUIRED", 20, LEFT_OUT),
            top=False,
        ),
    ]


def configs() -> list[Representation]:
    return [
        {"alias": TAKEN, "config": {"denyErrorMessage": WHY_TAKEN}},
        {"alias": OVERAGE, "config": {"condUserRole": OVERAGE, "negate": "false"}},
        {"alias": LEFT_OUT, "config": {"denyErrorMessage": WHY_LEFT_OUT}},
    ]


def _flow(alias: str, description: str, *steps: Representation, top: bool = True) -> Representation:
    return {
        "alias": alias,
        "description": description,
        "providerId": "basic-flow",
        "topLevel": top,
        "builtIn": False,
        "authenticationExecutions": list(steps),
    }


def _step(
    authenticator: str, requirement: str, priority: int, config: str | None = None
) -> Representation:
    return {
        "authenticator": authenticator,
        **({"authenticatorConfig": config} if config else {}),
        "requirement": requirement,
        "priority": priority,
        "authenticatorFlow": False,
        "userSetupAllowed": False,
    }
