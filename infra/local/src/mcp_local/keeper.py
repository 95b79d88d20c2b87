"""Keeps one part alive: waits for what it needs, prepares, starts, watches, restarts."""

import asyncio
import signal
import time
from collections.abc import Awaitable, Callable
from dataclasses import dataclass

from mcp_local import backoff, child, environment, health, logfile, own
from mcp_local.board import Board, PartState, Status
from mcp_local.child import Child, Launch
from mcp_local.fill import Filler
from mcp_local.health import Health
from mcp_local.plan import Part
from mcp_local.prepare import CANNOT_PREPARE, prepare

START_SECONDS = 60.0  # the first healthy answer; PostgreSQL's recovery after kill -9 is included
ASKED = (0, -signal.SIGTERM, -signal.SIGINT)  # exit codes of what was told to end
SILENT_SECONDS = 30.0  # alive but answering nothing for so long: it hangs, and is restarted
WATCH_SECONDS = 2.0  # between two health checks of a healthy part
SETUP_PATIENCE = 2  # failed preparations before `make up` stops waiting


@dataclass
class Keeper:
    part: Part
    filler: Filler
    board: Board
    ready: asyncio.Event
    needs: list[asyncio.Event]
    on_ready: Callable[[], None]
    running: Child | None = None
    stopping: bool = False
    deaths: int = 0
    well_since: float | None = None

    @property
    def state(self) -> PartState:
        return self.board.parts[self.part.name]

    def say(self, status: Status, detail: str = "") -> None:
        state = self.state
        if (state.status, state.detail) != (status, detail):
            if state.status != status:
                state.since = time.time()
            state.status, state.detail = status, detail
            self.board.save()

    async def keep(self) -> None:
        """Runs until cancelled, or returns when there is no process to keep."""
        for need in self.needs:
            await need.wait()
        await self._prepare_until_done()
        if own.external(self.part, self.filler):
            await self._watch_external()
        if own.idle(self.part):
            self._became_ready("prepared", f"idle: the environment has {self.part.unless}")
            return
        if not self.part.command and self.part.kind not in ("postgres", "valkey"):
            self._became_ready("prepared")
            return
        while not self.stopping:
            await self._live_once()

    async def stop(self) -> None:
        self.stopping = True
        if self.running:
            await child.stop(self.running)
        self.state.pid = self.state.created = None
        self.say("stopped")

    async def _prepare_until_done(self) -> None:
        attempt = 0
        while True:
            try:
                await prepare(self.part, self.filler, self._report, self._started)
            except CANNOT_PREPARE as error:
                attempt += 1
                last = logfile.tail(self.filler.place.logs / f"{self.part.name}.log")
                if attempt >= SETUP_PATIENCE:
                    self.state.trouble = [str(error), *last]
                wait = backoff.delay(attempt + 2)
                self.say("restarting", f"{error}; again in {wait:.0f} s")
                await asyncio.sleep(wait)
            else:
                # a finished preparation is nobody's process: its pid may soon be someone else's
                self.running = None
                self.state.pid = self.state.created = None
                return

    def _report(self, detail: str) -> None:
        self.say("preparing", detail)

    async def _live_once(self) -> None:
        self.say("starting")
        try:
            process = await self._started(await self._launch())
        except (OSError, RuntimeError) as error:
            await self._after_death(f"could not be started: {error}", [str(error)])
            return
        self.well_since = None
        ending = await self._watch(process)
        child.end_group(process.pid)
        if not self.stopping:
            self.state.restarts += 1
            if ending is None and self._ended_as_asked(process):  # no death to be counted
                self.say("restarting", "ended as it was asked to")
                await asyncio.sleep(backoff.FIRST)
                return
            await self._after_death(ending or process.ending(), process.last_words())

    def _ended_as_asked(self, process: Child) -> bool:
        return self.well_since is not None and process.process.returncode in ASKED

    async def _launch(self) -> Launch:
        env = environment.of_process(self.part, self.filler)
        match self.part.kind:
            case "postgres":
                return await asyncio.to_thread(own.postgres_launch, self.part, self.filler, env)
            case "valkey":
                return own.valkey_launch(self.part, self.filler, env)
        return Launch(
            command=self.filler.command(self.part.command, self.part),
            env=env,
            folder=self.filler.place.root,
            log=self.filler.place.logs / f"{self.part.name}.log",
        )

    async def _started(self, launch: Launch) -> Child:
        process = await child.start(launch)
        self.running = process
        self.state.pid, self.state.created = process.pid, process.created
        self.board.save()
        return process

    async def _watch(self, process: Child) -> str | None:
        """Returns when the process is over; with a reason when it had to be ended."""
        last_answer = time.monotonic()
        pause = 0.05
        while await child.exit_within(process, pause) is None:
            found = await self.probe()
            now = time.monotonic()
            if found is not Health.SILENT:
                last_answer = now
            if found is Health.WELL:
                self.well_since = self.well_since or now
                self._became_ready("healthy")
                pause = WATCH_SECONDS
            elif self.well_since is not None:
                self.say("unwell", "answers badly" if found is Health.UNWELL else "no answer")
                pause = 0.5
            else:
                pause = min(pause * 1.3, 0.2)
            starting = self.part.patience or START_SECONDS
            patience = starting if self.well_since is None else SILENT_SECONDS
            if now - last_answer > patience:
                await child.stop(process)
                return f"gave no answer for {patience:.0f} s and was ended"
        return None

    async def _watch_external(self) -> None:
        while True:
            found = await self.probe()
            if found is Health.WELL:
                self._became_ready("healthy", "not ours: from the environment")
            else:
                self.state.trouble = ["The server named in the environment does not answer."]
                self.say("unwell", f"{found.value}: from the environment")
            await asyncio.sleep(WATCH_SECONDS)

    async def _after_death(self, ending: str, last_words: list[str]) -> None:
        ran_well = time.monotonic() - self.well_since if self.well_since is not None else 0.0
        self.deaths = backoff.deaths_in_a_row(self.deaths, ran_well)
        if self.deaths >= backoff.PATIENCE:
            self.state.trouble = [f"{ending}, {self.deaths} times", *last_words]
        wait = backoff.delay(self.deaths)
        self.say("restarting", f"{ending}; again in {wait:.1f} s")
        await asyncio.sleep(wait)

    async def probe(self) -> Health:
        probes: dict[str, Callable[[], Awaitable[Health]]] = {
            "postgres": lambda: health.postgres(self.filler.postgres),
            "valkey": lambda: health.valkey(self.filler.redis),
        }
        if probe := probes.get(self.part.kind):
            return await probe()
        if self.part.health is None:
            return Health.WELL
        return await health.http(self.filler.ports[self.part.name], self.part.health)

    def _became_ready(self, status: Status, detail: str = "") -> None:
        self.state.trouble = []
        self.say(status, detail)
        if not self.ready.is_set():
            self.ready.set()
            self.on_ready()
