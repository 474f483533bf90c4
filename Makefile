# The commands of this project; `make help` lists them.

.PHONY: help build test programs race bench evidence spec mutants fuzz lint clean

GO       ?= go
FUZZTIME ?= 10s

help: ## list the commands
	@awk -F ':.*## ' '/^[a-z-]+:.*## / { printf "  make %-10s %s\n", $$1, $$2 }' $(MAKEFILE_LIST)

build: ## build bin/jitney
	$(GO) build -o bin/jitney ./cmd/jitney

test: lint programs ## everything that has to hold before a change is accepted; installs what it needs
	$(GO) test -shuffle=on -timeout 12m ./...
	$(MAKE) --no-print-directory race spec
	$(MAKE) --no-print-directory fuzz FUZZTIME=200x
	$(GO) run ./e2e/mutants -run 'token'
	@echo 'one seeded bug tried of all that make mutants tries; fuzzed 200 times a target, make evidence does it longer'

programs: # a browser, what installs the clients and applications that are relayed, and an ssh to be carried
	@missing=; command -v chromium >/dev/null || missing=chromium; \
	command -v npm >/dev/null || missing="$$missing nodejs npm"; \
	command -v ssh >/dev/null || missing="$$missing openssh-client"; \
	test -x /usr/sbin/sshd || missing="$$missing openssh-server"; \
	test -z "$$missing" || { apt-get update -q && RUNLEVEL=1 apt-get install -qy --no-install-recommends $$missing; }

race: ## the tests again, shortened, with the race detector
	$(GO) test -race -short -shuffle=on -timeout 12m ./...

lint: ## gofmt, go vet, staticcheck
	@unformatted=$$(gofmt -l .); test -z "$$unformatted" || { echo "not gofmt-ed: $$unformatted"; exit 1; }
	$(GO) vet ./...
	$(GO) tool staticcheck ./...

spec: ## the clauses of docs/protocol.md that no code or no test names
	$(GO) run ./e2e/spec

mutants: ## seeded bugs, each of which the tests have to find
	$(GO) run ./e2e/mutants

fuzz: ## every fuzz target for FUZZTIME
	@set -e; for package in $$($(GO) list ./...); do \
		for target in $$($(GO) test -list '^Fuzz' $$package | grep '^Fuzz' || true); do \
			echo "$$package $$target"; \
			$(GO) test -run '^$$' -fuzz "^$$target$$" -fuzztime $(FUZZTIME) -fuzzminimizetime 10x $$package; \
		done; \
	done

bench: ## the figures, each beside the bare limit of the same run (half an hour)
	$(GO) run ./cmd/jitney bench

evidence: ## the long forms of the tests; their output goes to docs/evidence
	bash docs/evidence/run

clean: ## remove what was built
	rm -rf bin
