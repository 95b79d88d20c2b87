# Paths are relative throughout: the folder may have spaces in its name.
.DEFAULT_GOAL := help
PY := .venv/bin/python
UV := .venv/bin/uv
LOCAL := $(PY) -m mcp_local
# make up STACK=compose: in containers instead of native processes
CHOSEN = $(if $(filter compose,$(STACK)),$(PY) -m mcp_compose,$(LOCAL))
empty :=
space := $(empty) $(empty)
ROOMS := $(wildcard shared gateway servers/* infra/* infra/sandbox/* playbook)
SOURCES := $(wildcard $(addsuffix /src,$(ROOMS)))
CODE := $(SOURCES) tests
# in a test run of part of the tests: make test TESTS=tests/gateway
TESTS ?= tests
export UV_PYTHON_DOWNLOADS := never
# make up TLS=1: https in front, until TLS=0
ifeq ($(origin TLS),command line)
export STACK_TLS := $(TLS)
endif
# make up IDP=keycloak: the real one, until IDP=development
ifeq ($(origin IDP),command line)
export STACK_IDP := $(IDP)
endif
# make up REPLICAS=2: two gateways behind a balancer, until REPLICAS=1
ifeq ($(origin REPLICAS),command line)
export STACK_REPLICAS := $(REPLICAS)
endif

# WSL2 puts the machine's name there
ifdef WSL_DISTRO_NAME
ifeq ($(origin NAME),environment)
NAME :=
endif
endif

# what a command cannot do without: said here, with the line of that command on the page of `make`
need = $(foreach name,$(1),$(if $($(name)),,$(error $(name)=… is missing. make $@: $(shell sed -n 's/^$@:.*## //p' Makefile))))

.PHONY: help
help: ## this page
	@echo "Start with \`make up\`, then \`make demo\` and \`make week-1\`."
	@awk -F ':.*## ' '/^# --- /{printf "\n%s\n", substr($$0, 7)} /^[a-z0-9-]+:.*## /{printf "  make %-14s %s\n", $$1, $$2}' Makefile

# --- the stack

.PHONY: up
up: .venv/ready ## start everything and make governed calls (TLS=1, REPLICAS=2, IDP=keycloak, STACK=compose)
	@$(CHOSEN) up

.PHONY: demo
demo: .venv/ready ## the governed calls again, and the question that crosses all servers
	@$(CHOSEN) demo

.PHONY: ps
ps: .venv/ready ## what runs and how it is
	@$(LOCAL) ps

.PHONY: logs
logs: .venv/ready ## the logs (NAME=gateway for one part, FOLLOW=1 to go on)
	@$(LOCAL) logs $(if $(FOLLOW),--follow) $(NAME)

.PHONY: restart
restart: .venv/ready ## start one part anew: NAME=gateway
	$(call need,NAME)@$(LOCAL) restart "$$NAME"

.PHONY: down
down: .venv/ready ## stop everything, keep the data
	@$(CHOSEN) down

.PHONY: clean
clean: .venv/ready ## stop everything, remove data, logs and secrets
	@$(CHOSEN) clean

.PHONY: doctor
doctor: .venv/ready ## what is wrong with this machine or the stack, and what to do
	@$(LOCAL) doctor

.PHONY: connect
connect: .venv/ready ## client configurations to paste
	@$(LOCAL) connect

# --- policy and record

.PHONY: policy
policy: .venv/ready ## who may use which tool
	@$(PY) -m mcp_gateway.rights.why

.PHONY: why
why: .venv/ready ## why a person may or may not: PERSON=ben TOOL=crm_log_note
	$(call need,PERSON TOOL)@$(PY) -m mcp_gateway.rights.why --person "$$PERSON" --tool "$$TOOL"

.PHONY: audit
audit: .venv/ready ## verify the ledger, against its checkpoints outside the database (ARGS="show --person ana", …)
	@$(LOCAL) env gateway {python} -m mcp_gateway.audit $(or $(ARGS),verify)

.PHONY: audit-export audit-tail audit-search audit-verifier
audit-export: .venv/ready ## days of the ledger in a file: FROM=2026-11-01 TO=2026-11-30 (OUT=f.jsonl.gz PAYLOADS=1)
	@$(LOCAL) env gateway {python} -m mcp_gateway.audit export $(if $(FROM),--from "$$FROM") $(if $(TO),--to "$$TO") $(if $(OUT),--out "$$OUT") $(if $(PAYLOADS),--payloads)

audit-tail: .venv/ready ## every record as it comes, for a SIEM (FORMAT=ocsf, OUT=feed.jsonl)
	@$(LOCAL) env gateway {python} -m mcp_gateway.audit tail --cursor .run/feed.cursor --format $(or $(FORMAT),json) $(if $(OUT),--out "$$OUT")

audit-search: .venv/ready ## records: ARGS="--person ana --since 2026-11-01"
	@$(LOCAL) env gateway {python} -m mcp_gateway.audit search $(ARGS)

audit-verifier: .venv/ready ## the verifier of exports as one file that needs Python alone: verify.pyz
	@$(PY) -m mcp_gateway.audit.offline build --out verify.pyz

.PHONY: audit-erase
audit-erase: .venv/ready ## erase a person: PERSON=ana shows what goes, then PROPOSE=1, then APPROVE=number by another
	$(call need,PERSON)@$(LOCAL) env ledger {python} -m mcp_gateway.audit erase --person "$$PERSON" $(if $(PROPOSE),--propose) $(if $(APPROVE),--approve "$$APPROVE")

.PHONY: retire
retire: .venv/ready ## drop exported days: BEFORE=2026-01-01, then PROPOSE=1, then APPROVE=number EXPORTS=folder
	$(call need,BEFORE)@$(LOCAL) env ledger {python} -m mcp_gateway.audit retire --before "$$BEFORE" $(if $(EXPORTS),--exports "$$EXPORTS") $(if $(KEEP_ARGUMENTS),--keep-arguments) $(if $(PROPOSE),--propose) $(if $(APPROVE),--approve "$$APPROVE")

.PHONY: backup
backup: .venv/ready ## all databases, and the keys in another folder: TO=folder KEYS=folder
	@$(LOCAL) backup $(if $(TO),--to "$$TO") $(if $(KEYS),--keys "$$KEYS")

.PHONY: restore
restore: .venv/ready ## databases and keys back, on the record: FROM=folder KEYS=folder CHECKPOINTS=place REPLACE=1
	$(call need,FROM)@$(LOCAL) restore --from "$$FROM" $(if $(KEYS),--keys "$$KEYS") $(if $(CHECKPOINTS),--checkpoints "$$CHECKPOINTS") $(if $(REPLACE),--replace)

.PHONY: settle
settle: .venv/ready ## record that a call's outcome stays unknown, once somebody has looked: CALL=id REASON=…
	$(call need,CALL REASON)@$(LOCAL) env gateway {python} -m mcp_gateway.audit settle --call "$$CALL" --reason "$$REASON"

SWITCHES := $(LOCAL) env gateway {python} -m mcp_gateway.switches
# from the environment, where make puts them: a reason may hold any character
NAMED = $(if $(TOOL),--tool "$$TOOL") $(if $(AGENT),--agent "$$AGENT") $(if $(PERSON),--person "$$PERSON") $(if $(REASON),--reason "$$REASON")

.PHONY: block
block: .venv/ready ## close TOOL=crm_log_note, AGENT=… or PERSON=… (REASON=… FOR=1h)
	@$(SWITCHES) block $(NAMED) $(if $(FOR),--for "$$FOR")

.PHONY: unblock
unblock: .venv/ready ## open it again: TOOL=…, AGENT=… or PERSON=…
	@$(SWITCHES) unblock $(NAMED)

.PHONY: revoke
revoke: .venv/ready ## refuse every token that PERSON=ben has now; a new sign-in works
	$(call need,PERSON)@$(SWITCHES) revoke $(NAMED)

.PHONY: blocks
blocks: .venv/ready ## what is closed now, since when, by whom and why
	@$(SWITCHES) list

# --- identity

.PHONY: identity
identity: .venv/ready ## the identity contract on both issuers (INSIST=1: without Keycloak it fails)
	@$(PY) -m mcp_realm identity $(if $(INSIST),--insist)

.PHONY: realm
realm: .venv/ready ## bring a running Keycloak to what the policies say; asks first (CHECK=1, YES=1, PRUNE=1)
	@$(PY) -m mcp_realm apply $(if $(CHECK),--check) $(if $(YES),--yes) $(if $(PRUNE),--prune)

.PHONY: rehost
rehost: .venv/ready ## move to another public URL: URL=https://… (ISSUER=… KEYCLOAK=1 CHECK=1 YES=1 PRUNE=1)
	$(call need,URL)@$(PY) -m mcp_realm rehost "$$URL" $(if $(ISSUER),--issuer "$$ISSUER") $(if $(KEYCLOAK),--keycloak) $(if $(CHECK),--check) $(if $(YES),--yes) $(if $(PRUNE),--prune)

.PHONY: brokers
brokers: .venv/ready ## your company's own issuer: what to register, who becomes what (APPLY=1, YES=1)
	@$(PY) -m mcp_realm brokers $(if $(APPLY),--apply) $(if $(YES),--yes)

# --- the playbook

WEEK := $(PY) -m mcp_playbook

.PHONY: week-1 week-2 week-3 week-4
week-1: .venv/ready ## one server, its descriptions nailed (URL=… or DEPLOYMENT=… for another deployment)
	@$(WEEK) week 1
week-2: .venv/ready ## observability from day one
	@$(WEEK) week 2
week-3: .venv/ready ## the gateway: identity, rights, limits, record
	@$(WEEK) week 3
week-4: .venv/ready ## controlled expansion
	@$(WEEK) week 4

.PHONY: call
call: .venv/ready ## call a tool as a person: PERSON=ben TOOL=crm_list_deals ARGS='{"limit": 3}'
	$(call need,PERSON TOOL)@$(PY) -m mcp_playbook.call --person "$$PERSON" --tool "$$TOOL" $(if $(ARGS),--args "$$ARGS")

.PHONY: baseline
baseline: .venv/ready ## completion and latency of every tool, measured and kept to compare with
	@$(PY) -m mcp_playbook.baseline

.PHONY: new-server
new-server: .venv/ready ## a server of your own: NAME=billing THING=invoice (KIND=rest, sql or vendor; REMOVE=1)
	$(call need,NAME)@$(PY) -m mcp_playbook.new_server "$$NAME" $(if $(THING),--thing "$$THING") $(if $(KIND),--kind "$$KIND") $(if $(REMOVE),--remove)

.PHONY: newcomer
newcomer: .venv/ready ## from a fresh clone to the first governed call of a new server, in seconds
	@$(PY) -m mcp_playbook.new_server.newcomer

.PHONY: vendor-pins
vendor-pins: .venv/ready ## what a vendor's MCP server offers now, against what was reviewed: NAME=hubspot (ACCEPT=1)
	$(call need,NAME)@$(PY) -m mcp_playbook.vendor_pins "$$NAME" $(if $(ACCEPT),--accept)

.PHONY: vet
vet: .venv/ready ## audit a public MCP server before you trust it: URL_OR_PACKAGE=npm:some-server
	@$(PY) -m mcp_playbook.vet $(if $(URL_OR_PACKAGE),"$$URL_OR_PACKAGE") $(if $(RUN),--run) $(if $(RECORD),--record "$$RECORD") $(if $(SAVE),--save) $(if $(CLONE),--clone "$$CLONE") $(if $(TASKS),--tasks "$$TASKS") $(if $(OUT),--out "$$OUT")

.PHONY: drill
drill: .venv/ready ## cause an incident on a stack of its own and show the recovery: NAME=valkey-down
	@$(PY) -m mcp_playbook.drill $(NAME)

.PHONY: upgrade
upgrade: .venv/ready ## take another version of the kit: TO=v0.2.0 (CHECK=1 only looks; RIGHTS=…, FROM=…)
	@$(PY) -m mcp_playbook.upgrade "$$TO" $(if $(CHECK),--check) $(if $(FROM),--from "$$FROM") $(if $(RIGHTS),--rights "$$RIGHTS")

.PHONY: controls
controls: .venv/ready ## the control map for auditors, made anew from the checks
	@$(WEEK) controls

# --- tool definitions

.PHONY: lint-tools
lint-tools: .venv/ready ## score every tool description against the contract (NAME=crm for one server)
	@$(PY) -m mcp_playbook.lint $(NAME)

.PHONY: select-tools
select-tools: .venv/ready ## whether the right tool is found for what people ask (NAME=crm for one server)
	@$(PY) -m mcp_playbook.selection $(NAME)

.PHONY: tools-lock
tools-lock: .venv/ready ## pin what the listed servers' code serves
	@$(LOCAL) tools-lock

.PHONY: tools-approve
tools-approve: .venv/ready ## pin what a server serves now, on the record: NAME=crm, then SEEN=number REASON=…
	$(call need,NAME)@$(LOCAL) env gateway {python} -m mcp_playbook.approve "$$NAME" $(if $(SEEN),--seen "$$SEEN") $(if $(REASON),--reason "$$REASON")

.PHONY: tools-diff
tools-diff: .venv/ready ## what changed since the last commit (NAME=crm REF=… SOURCE=1 LIVE=1 URL=… JSON=1 ANY=1)
	@$(if $(LIVE),$(LOCAL) env gateway {python},$(PY)) -m mcp_playbook.diff $(NAME) $(if $(REF),--ref "$$REF") $(if $(SOURCE),--code) $(if $(LIVE),--live) $(if $(URL),--url "$$URL") $(if $(JSON),--json) $(if $(ANY),--any)

# --- tests and measurements

.PHONY: test
test: .venv/ready ## every test but the official protocol suite (TESTS=tests/gateway for some)
	@$(PY) -m pytest -q -n auto --ignore=tests/conformance $(TESTS)

.PHONY: conformance
conformance: .venv/ready ## the official protocol suite, both eras, through the gateway
	@$(PY) -m pytest -q tests/conformance

.PHONY: clients
clients: .venv/ready ## real clients against the whole stack: SDKs, Inspector, Claude Code, Codex (by npm)
	@FETCH_CLIENTS=1 $(PY) -m pytest -q tests/clients

.PHONY: sql-layers
sql-layers: .venv/ready ## hostile SQL against each layer of the defence, alone and together (ARGS=--all names what ran)
	@PYTHONPATH=tests $(PY) -m postgres.layers $(ARGS)

.PHONY: eval-repair
eval-repair: .venv/ready ## what an error message is worth: bare, text, structured (KEEP=1 writes the page)
	@$(PY) -m mcp_playbook.repair $(if $(KEEP),--keep) $(if $(JSON),--json)

.PHONY: bench
bench: .venv/ready ## what a call costs, beside nginx and the SDK's server (ARGS=--quick for a minute, ARGS=--profile)
	@PYTHONPATH=tests $(PY) -m bench $(ARGS)

.PHONY: bench-ledger
bench-ledger: .venv/ready ## durable records a second beside the flush, verification, bytes (ARGS=--keep writes the page)
	@PYTHONPATH=tests $(PY) -m bench.ledger $(ARGS)

.PHONY: eval-search
eval-search: .venv/ready ## judged questions: the knowledge base's ranking beside three others (ARGS="--worst 10")
	@PYTHONPATH=tests $(PY) -m search $(ARGS)

.PHONY: bench-search
bench-search: .venv/ready ## search over 100,000 sections, with and without rights: minutes (ARGS="--sections 20000")
	@PYTHONPATH=tests $(PY) -m search.bench $(ARGS)

.PHONY: faults
faults: .venv/ready ## break gateways, Postgres and wires under load; no answer may lack its record (MINUTES=30)
	@PYTHONPATH=tests $(PY) -m faults --minutes $(or $(MINUTES),30) $(ARGS)

# --- the code

.PHONY: check
check: .venv/ready ## format, lint, types, lock
	@$(PY) -m ruff format --check $(CODE)
	@$(PY) -m ruff check $(CODE)
	@$(MAKE) --no-print-directory types
	@$(PY) -m mcp_local.lockcheck

.PHONY: check-infra
check-infra: .venv/ready ## every validator over images, compose, observability, Terraform, workflows (NAME=compose for one)
	@$(PY) -m infra_checks $(NAME)

.PHONY: format
format: .venv/ready ## format the code
	@$(PY) -m ruff format $(CODE)

.PHONY: types
types: .venv/ready ## mypy --strict over sources and tests
	@MYPYPATH=$(subst $(space),:,$(SOURCES)):tests:tests/live/numbers/src $(PY) -m mypy $(SOURCES) tests

.PHONY: lock
lock: .venv/ready ## resolve the dependencies anew into requirements.lock
	$(UV) lock -q
	$(UV) export -q --frozen --all-packages --all-groups --no-emit-workspace --no-annotate --no-header -o requirements.lock

# --- the environment

.PHONY: install
install: .venv/ready ## make .venv (every command does so by itself)

.PHONY: vendor
vendor: .venv/ready ## wheels for a site without an index (PLATFORM=linux-aarch64 PYTHON_VERSION=3.12 OUT=… CHECKS=1)
	@$(PY) -m mcp_local.wheelhouse $(if $(OUT),--out "$$OUT") $(if $(PLATFORM),--platform "$$PLATFORM") $(if $(PYTHON_VERSION),--python "$$PYTHON_VERSION") $(if $(CHECKS),--checks)

# Made again when the lock, a room's own dependencies or the list of servers change.
.venv/ready: requirements.lock infra/local/uv.txt gateway/gateway.yaml $(wildcard $(addsuffix /pyproject.toml,$(ROOMS)))
	@for python in $(PYTHON) python3 python3.13 python3.12 python3.11 python3.14; do \
	  if $$python -c 'import sys; sys.exit(sys.version_info < (3, 11))' 2>/dev/null; then \
	    $$python -I infra/local/src/mcp_local/bootstrap.py || exit 1; \
	    touch .venv/ready; exit 0; \
	  fi; \
	done; \
	echo "Python 3.11 or later is needed, and none of python3, python3.11 to python3.14 is." >&2; \
	echo "Install one, or name it: make PYTHON=/path/to/python3.12 $(MAKECMDGOALS)" >&2; exit 1
