# recrypt as a service. "make help" lists what can be done.
SHELL      := bash
GO         ?= go
BIN        := bin
VERSION    ?= $(shell git describe --tags --always --dirty 2>/dev/null || echo dev)
WASM       := wasm/dist/recrypt.wasm

.DEFAULT_GOAL := help

.PHONY: help
help: ## list the targets
	@awk -F ':.*## ' '/^[a-z-]+:.*## / {printf "  make %-13s %s\n", $$1, $$2}' $(MAKEFILE_LIST)

.PHONY: demo
demo: build ## play the whole story on real files through a real server; DATABASE=postgres: through two
	@$(GO) run ./host/demo -recrypt $(BIN)/recrypt $(if $(DATABASE),-database $(DATABASE))

.PHONY: test
test: ## run every test, the assembly for arm64 under qemu; installs what is missing where it may
	@.ci/test

.PHONY: test-long
test-long: ## the same with all that takes long: proofs of the arithmetic, the whole suite in every runtime, all bundlers; half an hour
	@.ci/test --long

.PHONY: test-web
test-web: build ## run the SDK's tests in Node, Deno, Bun, workerd, Chromium and Firefox, as far as installed; ARGS='node firefox --only Ed25519'
	@.ci/test-web $(ARGS)

.PHONY: test-wasmtime
test-wasmtime: wasm ## run the module in wasmtime instead of wazero; needs a C compiler and 50 MB from the module proxy
	@cd host/wasmtime && $(GO) run . && $(GO) test .

.PHONY: sdk
sdk: wasm ## build web/sdk/dist, the npm package; prints the size of each entry
	@npm ci --prefix web/sdk --no-audit --no-fund --loglevel=error
	@npm run -s build --prefix web/sdk && npm run -s size --prefix web/sdk

.PHONY: test-bundles
test-bundles: sdk ## build the SDK's examples with their bundlers, run them in Chromium; ARGS='esbuild vite' for some
	@npm ci --prefix web/sdk/examples/check --no-audit --no-fund --loglevel=error
	@node web/sdk/examples/check/check.mjs $(ARGS)

.PHONY: run
run: build ## start a server with its data in ./data, and its page at the address that it prints
	@echo "open the address below in a browser"
	$(BIN)/recrypt serve --data data --blobs data/documents --max-blobs 10000

.PHONY: app
app: wasm ## build the page that recrypt serve shows; needs Node 20.19 with npm
	@.ci/app

.PHONY: test-app
test-app: build ## play the page in Chromium against the real server; ARGS='story -g NAME'
	@cd web/app && npm run -s check && npm test -s -- $(ARGS)

.PHONY: screenshots
screenshots: build ## take pictures of the page, into web/app/screenshots
	@cd web/app && SCREENSHOTS=$(CURDIR)/web/app/screenshots npm test -s

.PHONY: bench-page
bench-page: build ## the page's benchmark beside upstream's npm package, in one page; prints its address, ARGS=--measure: the table
	@web/app/bench/run $(ARGS)

.PHONY: build
build: $(BIN)/recrypt ## build bin/recrypt

.PHONY: $(BIN)/recrypt
$(BIN)/recrypt: wasm
	@.ci/app --if-possible
	@[ -e $(BIN)/recrypt ] || echo "building $(BIN)/recrypt; the first time takes a few minutes (SQLite is compiled) …"
	@mkdir -p $(BIN)
	@CGO_ENABLED=0 $(GO) build -trimpath -ldflags="-s -w -X main.version=$(VERSION)" -o $(BIN)/recrypt ./host/cmd/recrypt

.PHONY: wasm
wasm: ## build wasm/dist/recrypt.wasm, the core as a wasip1 module
	@[ -e $(WASM) ] || echo "building $(WASM) …"
	@$(GO) run ./host/engine/build -o $(WASM)

.PHONY: size
size: wasm ## print the module's sizes, its SHA-256, and how it starts and opens a document in wazero, Node and Chromium; ARGS='-runs 9'
	@printf '%d bytes, %d gzipped, sha256 %s\n' "$$(wc -c <$(WASM))" "$$(gzip -9c $(WASM) | wc -c)" \
		"$$( (sha256sum $(WASM) 2>/dev/null || shasum -a 256 $(WASM)) | cut -d' ' -f1)"
	@$(GO) run ./host/engine/startup -module $(WASM) $(ARGS)

.PHONY: bench
bench: wasm ## time every operation on every engine, beside upstream's npm package and others; ten minutes, ARGS=--help
	@$(GO) run ./host/bench $(ARGS)

.PHONY: bench-load
bench-load: build ## measure the service under load: rates, latencies, overload, growth; half an hour, ARGS=--quick
	@$(GO) build -o $(BIN)/load ./host/bench/load && $(BIN)/load $(ARGS)

.PHONY: bench-layers
bench-layers: wasm ## time the layers: field, tower, groups, pairing, scheme, engines; output for benchstat
	@$(GO) test -run '^$$' -bench . $(ARGS) ./wasm/recrypt/... ./host/engine ./host/cobblestone

.PHONY: bench-web
bench-web: build ## measure encrypting and decrypting a file of 1 GiB in Chromium and Node; ARGS='--size 256 --runs 1 --write'
	@npm ci --prefix web/sdk --no-audit --no-fund --loglevel=error
	@npm ci --prefix web/sdk/test/bench/bulk --no-audit --no-fund --loglevel=error
	@npm run -s build --prefix web/sdk && cd web/sdk && npx tsc -p test/tsconfig.json && node dist/test/bench/bulk/main.js $(ARGS)

.PHONY: fuzz
fuzz: wasm ## fuzz: 10 million executions of parsers, 10 minutes of each other target; resumes; TARGET=FuzzX picks one
	@.ci/fuzz

.PHONY: interop
interop: wasm ## exchange values with upstream's npm package, both ways; ARGS='--count 200 --seed TEXT'
	@web/sdk/test/interop/run $(ARGS)

.PHONY: constant-time
constant-time: wasm ## show that no course and no time depends on a secret; up to an hour, ARGS=-help
	@cd wasm/recrypt/consttimetest/trace && npm ci --no-audit --no-fund --loglevel=error
	@$(GO) run ./wasm/recrypt/consttimetest $(ARGS)

.PHONY: statespace
statespace: ## search what can become of grants, revocations and rotations, until 100,000 states are found; an hour
	@$(GO) test -v -timeout 12h -run TestStates ./host/statespace -states 100000 $(ARGS)

.PHONY: failover
failover: $(BIN)/recrypt ## kill servers, primary and standby of one PostgreSQL under load, many times; ARGS='-rounds 20 -owners 4'
	@REQUIRE_POSTGRES=1 RECRYPT_BINARY=$(BIN)/recrypt $(GO) test -v -count=1 -timeout 6h -run TestFailOver ./host/hosttest $(if $(ARGS),$(ARGS),-rounds 10 -owners 4)

.PHONY: prove-fields
prove-fields: ## test the field arithmetic exhaustively, both forms of limbs, natively and in WebAssembly (an hour)
	@.ci/prove-fields

.PHONY: generate
generate: ## make the generated code again
	$(GO) generate ./wasm/... ./host/...

.PHONY: fmt
fmt: ## format the code
	gofmt -w host wasm web/app/app.go web/sdk/test

.PHONY: check
check: wasm ## generated, formatted, tidy, vetted (also purego, 29-bit limbs, arm64): leaves a clean tree
	@.ci/check

.PHONY: clean
clean: ## remove what was built
	rm -rf $(BIN) $(WASM) web/sdk/dist web/edge/dist wasm/recrypt/consttimetest/trace/node_modules
	@find web -name node_modules -type d -prune -exec rm -rf {} +
	@find web/app/dist -mindepth 1 ! -name placeholder.html -delete
