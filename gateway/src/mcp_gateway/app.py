"""The only place that builds things: configuration in, one ASGI application out.

`/mcp` and `/servers/<name>/mcp` go straight to the edge; metadata, health and the console to
Starlette.
"""

import asyncio
import contextlib
from collections.abc import AsyncIterator
from dataclasses import dataclass, field
from pathlib import Path

from joserfc import jwk
from redis.asyncio import Redis
from redis.asyncio.retry import Retry
from redis.backoff import NoBackoff
from starlette.types import ASGIApp, Receive, Scope, Send

from mcp_gateway.answers.inspection import Inspection
from mcp_gateway.audit.checkpoints import job as checkpointing
from mcp_gateway.audit.ledger import Ledger
from mcp_gateway.audit.payload import Vault
from mcp_gateway.audit.room import Room, opened
from mcp_gateway.call import AGGREGATE
from mcp_gateway.carry import Carry
from mcp_gateway.configuration import addresses, production, settings
from mcp_gateway.configuration.settings import Config, ConfigError, Server, Settings
from mcp_gateway.console.app import Console
from mcp_gateway.definitions import catalogue
from mcp_gateway.definitions.drift import Drift
from mcp_gateway.door.edge import Edge
from mcp_gateway.door.floods import Floods
from mcp_gateway.door.health import Health
from mcp_gateway.door.lifespan import lifespan
from mcp_gateway.door.pages import readable
from mcp_gateway.door.routes import application
from mcp_gateway.door.turned_away import TurnedAway
from mcp_gateway.identity.authenticate import Authenticate
from mcp_gateway.identity.exchange import Exchange
from mcp_gateway.limits.throttle import ValkeyThrottle
from mcp_gateway.limits.valkey import Valkey
from mcp_gateway.listing import discovery
from mcp_gateway.listing.aside import Aside
from mcp_gateway.listing.listening import Listening
from mcp_gateway.listing.lists import Cursors
from mcp_gateway.pipeline import Pipeline
from mcp_gateway.record import Recorder
from mcp_gateway.rights import policy
from mcp_gateway.rights.policy import Policy
from mcp_gateway.rights.reload import Reload
from mcp_gateway.seal import Seal
from mcp_gateway.steps import Steps
from mcp_gateway.switches.live import Switches
from mcp_gateway.tasks.begin import Begun
from mcp_gateway.tasks.ids import TaskIds
from mcp_gateway.tasks.reads import TaskReads
from mcp_gateway.tasks.requests import Tasks
from mcp_gateway.telemetry.measures import Measures
from mcp_gateway.telemetry.vitals import Vitals
from mcp_gateway.upstream.forward import Forward, Upstream
from mcp_gateway.upstream.outbound import Outbound
from mcp_gateway.upstream.rounds import Rounds
from mcp_shared.tokens import KeySource, fetch_json

LEDGER_SECONDS = 2.0
STORE_SECONDS = 0.25


@dataclass
class Gateway:
    """One replica, described; `running` opens what it needs and closes it again."""

    settings: Settings
    config: Config
    servers: list[Server]
    policy: Policy
    catalogue: catalogue.Catalogue
    edge: Edge | None = None
    # the edge, as web pages of listed origins may use it
    front: ASGIApp | None = None
    inner: ASGIApp | None = None
    ledger: Ledger | None = None
    room: Room | None = None
    keys: KeySource | None = None
    parts: list[asyncio.Task[None]] = field(default_factory=list)
    leaving: bool = False

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "lifespan":
            await lifespan(self.running, receive, send)
            return
        assert self.front is not None  # noqa: S101  set by running(), before any request
        assert self.edge is not None  # noqa: S101
        assert self.inner is not None  # noqa: S101
        if scope["type"] == "http" and self.edge.endpoint(scope["path"]) is not None:
            await self.front(scope, receive, send)
            return
        await self.inner(scope, receive, send)

    @contextlib.asynccontextmanager
    async def running(self, *, insist_on_durability: bool = True) -> AsyncIterator[None]:
        made, config = self.settings, self.config
        internal = addresses.internal(config.issuer, made.issuer_internal)
        endpoints = [AGGREGATE, *self.catalogue.servers]
        urls = {one: config.public_url + discovery.path_of(one) for one in endpoints}
        measures = Measures(self.catalogue, lambda: self.policy)
        self.keys = KeySource(fetch_json(f"{internal}/protocol/openid-connect/certs"))
        assertion = jwk.import_key((made.keys / "gateway-assertion.pem").read_bytes(), "RSA")
        assertion.ensure_kid()
        async with contextlib.AsyncExitStack() as stack:
            # before the ledger, so closed after it: its last record is covered, too
            job = checkpointing.running(made, config.public_url)
            checkpoints = await stack.enter_async_context(job)
            self.ledger = ledger = await Ledger.open(
                made.ledger_url,
                made.keys / "ledger.pem",
                made.replica,
                timeout=LEDGER_SECONDS,
                insist_on_durability=insist_on_durability,
                appended=measures.appended.record,
            )
            stack.push_async_callback(ledger.aclose)
            client = Outbound()
            stack.push_async_callback(client.aclose)
            # no deadline of its own for each read and write: a trip has one (Valkey)
            redis = Redis.from_url(
                made.redis_url, retry=Retry(NoBackoff(), 0), socket_connect_timeout=0.25,
                socket_timeout=None,
            )  # fmt: skip
            stack.push_async_callback(redis.aclose)
            recorder = Recorder(
                ledger,
                decided=measures.decided,
                vault=Vault.at(made.keys),
                required=made.ledger_mode == "required",
            )
            await recorder.begin()
            self.room = room = await opened(made.ledger_disk, made.ledger_url, recorder)
            exchange = Exchange(
                client=client,
                token_url=f"{internal}/protocol/openid-connect/token",
                issuer=config.issuer,
                key=assertion,
                counted=measures.exchanged,
            )
            sealing = (made.keys / "sealing.key").read_bytes()
            inspection = Inspection(sealing)
            forward = Forward(
                client=client,
                exchange=exchange,
                upstreams={one.name: self._upstream(one) for one in self.servers},
                endpoints=urls,
                answer_bytes=config.limits.answer_bytes,
                inspect=inspection,
                measure=measures.sent,
            )
            authenticate = Authenticate(
                keys=self.keys,
                issuer=config.issuer,
                audiences=urls,
                scopes={one: discovery.scope_of(one) for one in endpoints},
                metadata={one: discovery.metadata_url(config.public_url, one) for one in endpoints},
            )
            switches = Switches(made.ledger_url, authenticate.refuse, self.catalogue.close)
            stack.push_async_callback(switches.aclose)
            await switches.start()
            throttle = ValkeyThrottle(redis, config.limits, lambda: self.policy, switches)
            stack.push_async_callback(throttle.aclose)
            store = Valkey(redis, STORE_SECONDS)
            stack.push_async_callback(store.aclose)
            drift = Drift(self.catalogue, forward, recorder.event)
            Vitals(
                ledger, throttle, forward, self.catalogue, drift, switches, self.keys,
                config.limits.replicas, checkpoints, room,
            ).watch()  # fmt: skip
            steps = Steps(
                throttle=throttle,
                policy=lambda: self.policy,
                catalogue=self.catalogue,
                ensure_compared=drift.ensure_compared,
                record=recorder,
                forward=forward,
            )
            rounds, ids = Rounds(Seal(sealing)), TaskIds(Seal(sealing))
            carry = Carry(steps, rounds, Begun(ids))
            listening = Listening(
                steps.policy, self.catalogue, switches.check, lambda: self.leaving
            )
            self.edge = Edge(
                pipeline=Pipeline(
                    authenticate=authenticate,
                    steps=steps,
                    rounds=rounds,
                    carry=carry,
                    aside=Aside(steps, Cursors(sealing), listening, switches.check),
                    tasks=Tasks(steps, carry, ids, TaskReads(store), inspection),
                    charge=throttle.charge,
                ),
                measures=measures,
                servers=frozenset(self.catalogue.servers),
                body_bytes=config.limits.body_bytes,
                origins=addresses.origins(config),
                hosts=addresses.hosts(config, made.port),
                turned_away=TurnedAway(recorder.event, measures.refused),
                floods=Floods(
                    config.limits.refused_rate, config.limits.trusted_proxies, authenticate.knows
                ),
            )
            stack.push_async_callback(self.edge.aclose)
            self.front = readable(self.edge, config.allowed_origins)
            console = Console(
                public_url=config.public_url,
                issuer=config.issuer,
                issuer_internal=made.issuer_internal,
                key=assertion,
                session_key=(made.keys / "session.key").read_bytes(),
                reader_url=made.ledger_reader_url,
                ledger_public=made.keys / "ledger.pub",
                policy=lambda: self.policy,
                catalogue=self.catalogue,
                event=recorder.event,
                ended=lambda one: switches.ends(one.person, one.subject, one.signed_in),
            )
            await stack.enter_async_context(console.running())
            health = Health(
                ledger, made.ledger_mode == "required", room, self.keys, lambda: self.leaving
            )
            self.inner = application(
                self.config, self.catalogue, health.ready, health.fit, console.app
            )
            reload = Reload(
                servers=self.servers,
                agents=_agents(made.config),
                timeout=config.limits.timeout,
                policy=lambda: self.policy,
                use=self._use,
                insist=lambda found: production.insist_on_clients(made, found),
                catalogue=self.catalogue,
                compare_again=drift.again,
                event=recorder.event,
            )
            watched = [drift.watch(), reload.watch(), *([room.watch()] if room else [])]
            for watching in watched:
                stack.callback(asyncio.create_task(watching).cancel)
            yield

    def leave(self) -> None:
        """From now on health says that others should be asked, and no client listens here."""
        self.leaving = True

    def _use(self, found: Policy) -> None:
        self.policy = found

    def _upstream(self, server: Server) -> Upstream:
        address = self.settings.upstreams.get(server.name, server.resource)
        return Upstream(name=server.name, address=address, resource=server.resource)


def build(made: Settings) -> Gateway:
    """Read every file and compile it; opens nothing.

    Raises:
        ConfigError: which file and key, and what is expected.

    """
    config = settings.load(made.config, made)
    listed = settings.servers(config, made.config)
    missing = [
        str(made.keys / name) for name in production.KEY_FILES if not (made.keys / name).is_file()
    ]
    if missing:
        raise ConfigError(f"GATEWAY_KEYS: missing {', '.join(missing)}; `make up` writes them")
    found = policy.load(listed, _agents(made.config), config.limits.timeout)
    production.insist(made, config, found)
    return Gateway(
        settings=made,
        config=config,
        servers=listed,
        policy=found,
        catalogue=catalogue.load(listed),
    )


def _agents(config: Path) -> Path:
    return config.parent / "agents.yaml"
