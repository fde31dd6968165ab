.PHONY: build test race lint fuzz bench bench-server mail deploy-test kube-test release-test ci

FUZZTIME ?= 20s

build: ## CoreDNS with fakemx, as ./coredns
	go build -trimpath -ldflags '-s -w' -o coredns ./cmd/coredns

test:
	go test ./...

race:
	go test -race ./...

lint:
	go vet ./...
	go tool -modfile tools/go.mod golangci-lint run ./...
	go tool -modfile tools/actionlint/go.mod actionlint

fuzz: ## each fuzz target for FUZZTIME
	.ci/fuzz $(FUZZTIME)

bench: ## in process; see docs/performance.md for the server
	go test -run '^$$' -bench . -count 6 .

bench-server: ## over real sockets, with peers, scale and soak: an hour on a quiet machine
	go run ./test/bench servers -dnsperf
	go run ./test/bench peers
	go run ./test/bench scale
	go run ./test/bench soak

mail: ## mail servers and bots against fakemx, in a few minutes; as root
	go -C test/mail run . -short

deploy-test: ## image, package, alerts, dashboard, manifests, sinks, the guides of docs/; as root
	test/deploy/ci
	test/deploy/run hidden docs

kube-test: ## the variants on a real Kubernetes node (KUBELAB), as root
	test/deploy/run cluster

release-test: ## goreleaser, dry
	test/deploy/run release

ci:
	CI=true .ci/run
