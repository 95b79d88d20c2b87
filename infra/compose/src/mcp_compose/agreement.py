"""Whether the stack in containers is the native one: services, commands, settings, secrets, order.

Every difference is one line. The ones that are meant have a reason in mapping.toml; a reason about
nothing is a difference, too.
"""

import json
from collections.abc import Iterator, Mapping

from mcp_compose.addresses import Inside
from mcp_compose.file import DONE, Compose, Service
from mcp_compose.handed import SECRET
from mcp_local.plan import Part
from mcp_local.stack_toml import Setup

# of every process natively, by its starter; the image sets or needs none of them
STARTERS = frozenset({"PORT", "MCP_PORT"})
# where a process listens: natively on loopback, here under the name it has on one network
LISTENS = frozenset({"GATEWAY_HOST", "MCP_HOST"})


def differences(filler: Inside, compose: Compose) -> list[str]:
    return [
        *_services(filler, compose),
        *(line for part in filler.plan.parts for line in _part(part, filler, compose)),
        *_reasons(filler, compose),
    ]


def setup_name(part: Part, filler: Inside) -> str:
    return filler.mapping.of(part).setup or f"{part.name}-setup"


def _services(filler: Inside, compose: Compose) -> Iterator[str]:
    """One side only."""
    expected = set(filler.mapping.only_here)
    for part in filler.plan.parts:
        expected |= set(filler.mapping.of(part).names(part))
        if part.setup and not _own_file(part, filler):
            expected.add(setup_name(part, filler))
    here = set(compose.services)
    yield from (f"{name}: natively there, and no service here" for name in sorted(expected - here))
    yield from (f"{name}: a service here, and no part natively" for name in sorted(here - expected))


def _own_file(part: Part, filler: Inside) -> bool:
    """What the proxy is set up with natively is a file here."""
    return bool(part.fronts and filler.mapping.of(part).itself)


def _part(part: Part, filler: Inside, compose: Compose) -> Iterator[str]:
    counterpart = filler.mapping.of(part)
    for name in counterpart.names(part):
        if counterpart.itself is None and name in compose.services:
            yield from _process(part, compose.services[name], filler, counterpart.more)
        yield from _order(part, name, filler, compose)
    if part.setup and not _own_file(part, filler):
        name = setup_name(part, filler)
        if len(part.setup) > 1:
            yield f"{part.name}: {len(part.setup)} steps natively; {name} can be one"
        if name in compose.services:
            yield from _prepared(part, part.setup[0], compose.services[name], filler)


def _process(
    part: Part, service: Service, filler: Inside, more: Mapping[str, str]
) -> Iterator[str]:
    yield from _command(part.command, part, service, filler)
    asked = {**filler.plan.defaults, **part.env}
    yield from _settings(asked, part, service, filler)
    extra = (set(service.environment) | _variables(service)) - asked.keys() - STARTERS
    yield from (f"{service.name}: {key} is set here alone" for key in sorted(extra - more.keys()))
    health = service.said.get("healthcheck", {}).get("test", [])
    if part.health and health[-2:] != ["-m", "in_image.healthy"]:
        yield f"{service.name}: does not ask for its health as the image does"


def _prepared(part: Part, step: Setup, service: Service, filler: Inside) -> Iterator[str]:
    yield from _command(step.command, part, service, filler)
    yield from _settings(step.env, part, service, filler)
    known = {**filler.plan.defaults, **part.env, **step.env}
    given = set(service.environment) | _variables(service)
    yield from (f"{service.name}: {key} is set here alone" for key in sorted(given - known.keys()))
    # a step may get less of its part's settings than natively, where each gets all; never others
    told = {key: known[key] for key in given & known.keys()}
    yield from _settings(told, part, service, filler)
    if not step.env and not given:
        yield f"{service.name}: gets no setting at all"


def _variables(service: Service) -> set[str]:
    return {name for name in service.secrets if name.isupper()}


def _command(words: tuple[str, ...], part: Part, service: Service, filler: Inside) -> Iterator[str]:
    wanted = filler.command(words, part)
    if ["python", *service.command] != wanted:
        yield f"{service.name}: runs {service.command}, natively {wanted[1:]}"


def _settings(
    asked: Mapping[str, str], part: Part, service: Service, filler: Inside
) -> Iterator[str]:
    for key, text in asked.items():
        if SECRET.search(text):
            if key in service.environment:
                yield f"{service.name}: {key} holds a secret and is in the environment"
            if key not in service.secrets:
                yield f"{service.name}: {key} is missing among its secrets"
            continue
        found, wanted = service.environment.get(key), filler.fill(text, part)
        if found is None:
            yield f"{service.name}: {key} is missing"
        elif key in LISTENS:
            if found not in service.aliases():
                yield f"{service.name}: {key} is {found}, a name it has on no network"
        elif not _same(found, wanted):
            yield f"{service.name}: {key} is {found!r}, natively {wanted!r}"


def _same(found: str, wanted: str) -> bool:
    """As text, or as JSON where both are: an object has no order."""
    try:
        return bool(json.loads(found) == json.loads(wanted))
    except ValueError:
        return found == wanted


def _order(part: Part, name: str, filler: Inside, compose: Compose) -> Iterator[str]:
    """What natively comes first comes first here."""
    if name not in compose.services:
        return
    earlier = compose.before(name)
    for need in part.needs:
        needed = filler.plan.part(need)
        wanted = [*filler.mapping.of(needed).names(needed)[:1]]
        wanted += [setup_name(needed, filler)] if needed.setup else []
        for one in wanted:
            if one not in earlier:
                yield f"{name}: does not wait for {one}, natively for {need}"
    own = setup_name(part, filler)
    if part.setup and not _own_file(part, filler) and compose.services[name].needs.get(own) != DONE:
        yield f"{name}: does not wait until {own} is done"


def _reasons(filler: Inside, compose: Compose) -> Iterator[str]:
    """Lines of mapping.toml about nothing."""
    parts = {part.name: part for part in filler.plan.parts}
    for name, counterpart in filler.mapping.parts.items():
        if name not in parts:
            yield f"mapping.toml: parts.{name}: there is no such part"
            continue
        for key in counterpart.more:
            services = [compose.services.get(one) for one in counterpart.names(parts[name])]
            if not any(one and key in one.environment for one in services):
                yield f"mapping.toml: parts.{name}.more: {key} is not set here either"
            if key in parts[name].env:
                yield f"mapping.toml: parts.{name}.more: {key} is set natively, too"
    listed = set(compose.said.get("secrets", {}))
    handed = {name for one in compose.services.values() for name in one.secrets}
    yield from (f"secrets: {name} is given to no service" for name in sorted(listed - handed))
    yield from (
        f"mapping.toml: shared: {text} is in no command"
        for text in filler.mapping.shared
        if not any(text in word for part in filler.plan.parts for word in part.texts())
    )
