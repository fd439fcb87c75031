# Two commands do all the set-up: `make demo` and `make test`.

PYTHON ?= $(shell command -v python3.11 || command -v python3)
VENV := .venv
BIN := $(VENV)/bin
READY := $(VENV)/.ready
REPORT := results/demo/report.html
BROWSER := build/browser
PEERS := build/peers
CRATE := build/crate
SITE := "import site; print(site.getsitepackages()[0])"
# Tests that end in minutes and need nothing that is installed apart.
MINUTES := not slow and not oracle and not models and not paper and not browser and not portable and not cluster \
	and not faults

.PHONY: demo verify costs crate help test test-fuzz test-pythons test-slow test-oracles test-models test-paper test-portable test-crate \
	test-browser test-cluster test-faults container bench bench-atlas atlas-picture bench-demo \
	bench-scale bench-peers bench-plan rule-graph \
	coverage mutants lint hooks format schema laptop reproduction audit lock clean

demo: $(READY)  ## the default run, end to end, and its report
	$(BIN)/snakemake --cores all
	@test $(REPORT) -nt results/demo/tables/claims.tsv || \
		( mkdir -p build && $(BIN)/snakemake --report build/report.html && mv build/report.html $(REPORT) )
	@echo "Every feature, to browse: results/demo/atlas/index.html"
	@echo "Figures and tables, to read: $(REPORT)"

verify: $(READY)  ## checksums of a run, RUN; or the files in which it differs from another, AGAINST
	@$(BIN)/python -m featurelens.checksums $(or $(RUN),results/demo) $(if $(AGAINST),--against $(AGAINST))

costs: $(READY)  ## memory and time of a run's jobs by rule, beside what they asked for; RUN
	@$(BIN)/python -m featurelens.costs $(or $(RUN),results/demo)

crate: $(CRATE)/.ready  ## RUN as a Workflow Run RO-Crate, RUN.crate.zip
	PYTHONPATH=$(CRATE) $(BIN)/python -m featurelens.crate $(or $(RUN),results/demo) $(or $(RUN),results/demo).crate.zip

test-crate: $(CRATE)/.ready  ## the crate of a run, judged by roc-validator
	PYTHONPATH=$(CRATE) $(BIN)/pytest tests/test_crate.py

$(CRATE)/.ready: $(READY)
	$(BIN)/python -m pip install --quiet --target $(CRATE) rocrate==0.14.2 roc-validator==0.13.0
	@touch $@

help:  ## this list
	@grep -hE '^[a-z-]+:.*##' $(firstword $(MAKEFILE_LIST)) | sed -E 's/^([a-z-]+):.*## (.*)/\1\t\2/' | expand -t 16

test: $(READY)  ## every test that ends in minutes
	OMP_NUM_THREADS=1 $(BIN)/pytest -n 2 --dist loadgroup -m "$(MINUTES)"

test-fuzz: $(READY)  ## 100,000 mutated files against every reader; N sets how many, SEED which
	FUZZ=$(or $(N),100000) OMP_NUM_THREADS=1 $(BIN)/pytest tests/fuzz -m fuzz --hypothesis-seed=$(or $(SEED),0)

test-slow: $(READY)  ## tests that take longer
	OMP_NUM_THREADS=1 $(BIN)/pytest -m "slow and not cluster"

test-oracles: $(READY)  ## tests against libraries that are installed apart
	$(PYTHON) -m venv $(VENV)-oracles
	$(VENV)-oracles/bin/python -m pip install --quiet --requirement requirements.lock \
		sae-lens==6.54.12 goatools==1.6.7
	$(VENV)-oracles/bin/python -m pip install --quiet --no-deps \
		dictionary-learning==0.1.0 eai-sparsify==1.3.3 overcomplete==0.3.0 einops==0.8.2
	$(VENV)-oracles/bin/python -m pip install --quiet --no-deps --editable .
	$(VENV)-oracles/bin/python -m pytest -m oracle

test-models: $(VENV)-models/.ready  ## tests of embedding models that need packages of their own
	OMP_NUM_THREADS=1 $(VENV)-models/bin/python -m pytest -m models

test-paper: $(VENV)-models/.ready  ## config/paper.yaml itself, to its last figure, on made files
	OMP_NUM_THREADS=1 $(VENV)-models/bin/python -m pytest -m paper

# An emulator comes from Debian where there is none and we may install; else its tests say that it is missing.
test-portable: $(READY)  ## the same bytes on six emulated processors and two numbers of cores: hours; SHORT=1 makes no run
	@command -v qemu-x86_64-static qemu-x86_64 > /dev/null || [ "$$(id -u)" != 0 ] \
		|| ! command -v apt-get > /dev/null \
		|| { apt-get -qq update && apt-get -qq install --yes --no-install-recommends qemu-user-static; } > /dev/null \
		|| echo "no emulator could be installed; the tests that need one are skipped"
	OMP_NUM_THREADS=1 $(BIN)/pytest tests/portable $(if $(SHORT),-k piece)

$(VENV)-models/.ready: requirements-models.txt requirements.lock
	$(PYTHON) -m venv $(VENV)-models
	$(VENV)-models/bin/python -m pip install --quiet --requirement requirements-models.txt
	$(VENV)-models/bin/python -m pip install --quiet --no-deps --editable .
	@touch $@

test-browser: $(READY) $(BROWSER)/.ready  ## the atlas in a real browser; SHORT=1 takes a part
	OMP_NUM_THREADS=1 PYTHONPATH=$(BROWSER) $(BIN)/pytest tests/browser -m browser $(if $(SHORT),-k "not atlas.html and not large_atlas")

# A browser comes from Debian where there is none and we may install; else the tests say what is missing.
$(BROWSER)/.ready: $(READY)
	@command -v chromium chromium-browser google-chrome > /dev/null || [ "$$(id -u)" != 0 ] \
		|| ! command -v apt-get > /dev/null \
		|| { apt-get -qq update && apt-get -qq install --yes --no-install-recommends chromium; } > /dev/null \
		|| echo "no browser could be installed; the tests that need one are skipped"
	$(BIN)/python -m pip install --quiet --target $(BROWSER) playwright==1.65.2 axe-playwright-python==0.1.8 \
		plotly==7.1.0
	@touch $@

# Of each Python: the newest packages that pyproject.toml allows, but torch as it is locked.
PYTHONS ?= python3.11 python3.12 python3.13
TESTS ?= tests
build/pythons/%: requirements.lock pyproject.toml
	$* -m venv $@
	$@/bin/python -m pip install --quiet --no-compile $$(grep ^torch== requirements.lock) --editable .[workflow,search,test]
	@touch $@

test-pythons:  ## TESTS under each of PYTHONS (names of interpreters on the PATH), with the newest packages allowed
	$(MAKE) $(addprefix build/pythons/,$(PYTHONS))
	for python in $(PYTHONS); do OMP_NUM_THREADS=1 build/pythons/$$python/bin/python -m pytest -n 2 --dist loadgroup \
		-m "$(MINUTES)" $(TESTS) || failed="$$failed $$python"; done; test -z "$$failed" || { echo "failed:$$failed"; exit 1; }

# Slurm comes from Debian where there is none and we may install; else the tests say what is missing.
SLURM := slurm-wlm munge

test-cluster: $(READY)  ## snakemake --profile slurm on a Slurm of one node, which it starts; SHORT=1 takes a part
	@command -v slurmctld > /dev/null && command -v munged > /dev/null || [ "$$(id -u)" != 0 ] \
		|| ! command -v apt-get > /dev/null \
		|| { timeout 300 apt-get -qq update && DEBIAN_FRONTEND=noninteractive \
			timeout 600 apt-get -qq install --yes --no-install-recommends $(SLURM); } > /dev/null 2>&1 \
		|| echo "Slurm could not be installed; the tests that need it are skipped"
	OMP_NUM_THREADS=1 $(BIN)/pytest tests/cluster -rs -m "cluster$(if $(SHORT), and not slow)"

test-faults: $(READY)  ## runs that are killed (KILLS=200, SEED), full disks and the like; hours on a busy machine
	OMP_NUM_THREADS=1 KILLS=$(or $(KILLS),200) SEED=$(SEED) $(BIN)/pytest tests/faults

# Environments say "-r ../requirements.lock", which Snakemake's recipe does not copy.
container: $(READY)  ## build/Dockerfile, the recipe of an image for jobs; needs conda, see docs/cluster.md
	@mkdir -p build
	$(BIN)/snakemake --containerize > build/Dockerfile.generated
	sed '0,/^RUN/s//COPY requirements.lock \/conda-envs\/requirements.lock\n&/' build/Dockerfile.generated > build/Dockerfile

coverage: $(VENV)-dev/.ready  ## lines that the tests reach, by package
	OMP_NUM_THREADS=1 $(VENV)-dev/bin/python -m pytest -q -n 2 --dist loadgroup \
		-m "$(MINUTES)" --cov=featurelens --cov-report=json:build/coverage.json
	$(VENV)-dev/bin/python -m benchmarks.coverage build/coverage.json

mutants: $(VENV)-dev/.ready  ## mutation testing of stats/ and enrichment/: hours; see tests/mutants.md
	$(VENV)-dev/bin/python -m mutmut run --max-children 2

$(VENV)-dev/.ready: requirements-dev.txt requirements.lock
	$(PYTHON) -m venv $(VENV)-dev
	$(VENV)-dev/bin/python -m pip install --quiet --requirement requirements-dev.txt
	$(VENV)-dev/bin/python -m pip install --quiet --no-deps --editable .
	@touch $@

bench: $(READY)  ## speed against baselines measured in the same run
	$(BIN)/python -m benchmarks.sae_training
	$(BIN)/python -m benchmarks.annotation --scale paper
	$(BIN)/python -m benchmarks.steering
	$(BIN)/python -m benchmarks.simulation_metrics
	OMP_NUM_THREADS=1 $(BIN)/python -m benchmarks.products

bench-scale: $(READY)  ## memory and time of scfeaturelens at 100,000 and 1,000,000 cells; CELLS names others
	OMP_NUM_THREADS=1 $(BIN)/python -m benchmarks.scale $(if $(CELLS),--cells $(CELLS))

bench-peers: $(READY) $(PEERS)/.ready  ## group tests and gene sets beside other packages, one thread each
	OMP_NUM_THREADS=1 $(PEERS)/bin/python -m benchmarks.peers

# It sees the locked packages, and has the peers with what they need beside; the page says which could not be installed.
$(PEERS)/.ready: $(READY)
	$(PYTHON) -m venv $(PEERS)
	echo "import site; site.addsitedir('$$($(BIN)/python -c $(SITE))')" \
		> "$$($(PEERS)/bin/python -c $(SITE))/locked.pth"
	for peer in illico==0.6.0 decoupler==2.2.0 rsfgseapy==0.4.0; do \
		$(PEERS)/bin/python -m pip install --quiet --constraint requirements.lock $$peer || echo "$$peer was not installed"; done
	@touch $@

bench-atlas: $(READY) $(BROWSER)/.ready  ## speed of the atlas beside a plotly page and a table
	PYTHONPATH=$(BROWSER) $(BIN)/python -m benchmarks.atlas

bench-plan: $(READY)  ## what `snakemake -n` takes of thousands of points, beside Snakemake on trivial rules
	$(BIN)/python -m benchmarks.plan

rule-graph: $(READY)  ## docs/rule_graph.png, the rules of config/paper.yaml
	$(BIN)/python -m benchmarks.rule_graph

atlas-picture: $(READY) $(BROWSER)/.ready  ## docs/atlas.png, from the default run
	PYTHONPATH=$(BROWSER) $(BIN)/python -m benchmarks.atlas_picture

bench-demo: $(READY)  ## what the default run takes, by rule, and in relation to BASELINE
	$(BIN)/python -m benchmarks.demo $(if $(BASELINE),--baseline $(BASELINE)) $(if $(RUNS),--runs $(RUNS))

lint: $(READY)  ## what CI checks before the tests
	$(BIN)/ruff check
	$(BIN)/ruff format --check
	$(BIN)/snakefmt --check Snakefile workflow
	$(BIN)/mypy

hooks: $(READY)  ## let git check each commit as CI does, with pre-commit where it is installed
	pre-commit install

format: $(READY)  ## repair what a machine can repair
	$(BIN)/ruff check --fix
	$(BIN)/ruff format
	$(BIN)/snakefmt Snakefile workflow

schema: $(READY)  ## regenerate the JSON schema from the config classes
	$(BIN)/python -m featurelens.config.docs

LAPTOP := --cores all --configfile config/laptop.yaml

laptop: $(READY)  ## the simulation study, in parts that each end within 35 minutes and resume
	$(BIN)/snakemake sweep_small $(LAPTOP)
	$(BIN)/snakemake simulation_hierarchical $(LAPTOP)
	$(BIN)/snakemake sweep_hierarchical-latent20 sweep_hierarchical $(LAPTOP)
	$(BIN)/snakemake sweep_zipf $(LAPTOP)
	$(BIN)/snakemake $(LAPTOP)

reproduction: demo  ## docs/REPRODUCTION.md from the kept verdicts of the laptop run and the default run
	$(BIN)/python -m featurelens.claims.page docs/reproduction/claims.tsv \
		results/demo/tables/claims.tsv docs/REPRODUCTION.md

audit:  ## known vulnerabilities of what requirements.lock pins, by pip-audit in an environment of its own
	test -x build/audit/bin/pip-audit || ( $(PYTHON) -m venv build/audit && \
		build/audit/bin/python -m pip install --quiet pip-audit )
	build/audit/bin/pip-audit --requirement requirements.lock --no-deps --disable-pip --strict

# What torch's builds for GPUs bring along is theirs to ask for, where one of them is installed.
lock:  ## rewrite requirements.lock from requirements.in in a fresh environment
	rm -rf build/lock
	$(PYTHON) -m venv build/lock
	build/lock/bin/python -m pip install --quiet --requirement requirements.in
	( sed -n 1,2p requirements.lock; build/lock/bin/python -m pip freeze --all \
		| grep -vE '^(pip|triton|nvidia-.*|cuda-.*)==' | sed 's/^\(torch==[^+]*\)+.*/\1/' ) > build/requirements.lock
	mv build/requirements.lock requirements.lock

clean:  ## remove environments and what was built; results stay
	rm -rf $(VENV) $(VENV)-oracles $(VENV)-models $(VENV)-dev build

# What is imported is compiled then: a quarter of what pip would compile, and most of its time.
$(READY): requirements.lock pyproject.toml
	$(PYTHON) -m venv $(VENV)
	$(BIN)/python -m pip install --quiet --no-compile --requirement requirements.lock
	$(BIN)/python -m pip install --quiet --no-deps --no-build-isolation --editable .
	@touch $@
