# make demo     set everything up, and run the main job on the sandbox
# make test     set everything up, and run all tests on every combination of SDKs
# make clients  set everything up, and run real clients on the sandbox, each in an environment of
#               its own: adal, msal and azure-identity (10 s), Authlib, requests-oauthlib and curl
#               (5 s), azure-cli (30 s to 3 min), Node's @azure/identity, msal-node, adal-node,
#               openid-client and arm-resources (20 to 30 s; needs npm, and node 20 or newer), programs
#               frozen by PyInstaller and cx_Freeze (1 min), the tools of docs/tools.md, also on
#               Azurite (1 to 2 min), and with an identity endpoint pyarrow, polars, AzCopy, rclone,
#               DuckDB ... (3 min), and under adls-enduser run (2 min)
# make newest   run tests and clients on the newest releases of what is used, and on the versions
#               of today, and print which versions and which tests differ (15 min)
# make lint     style, types, which room imports which, whether docs/ is up to date, and whether the
#               wheel and the sdist work
# make docs     set everything up, write the tables of docs/ that come from the code, take the
#               pictures and build the site in docs/_build/html (30 s, the first time 1 to 2 min)
# make release  build the wheel and the sdist twice, compare them, check them on every Python, leave
#               them in dist/, and say what would be uploaded; uploads nothing (2 to 5 min)
# make bench    set everything up, measure beside the peers, and write docs/benchmarks.md
PYTHON ?= python3
ENV := .venv
BIN := $(ENV)/bin
READY := $(ENV)/ready
# The demo's own environment: the tests run where there is no pandas.
DEMO := $(ENV)/demo
DEMO_READY := $(DEMO)/ready

# Never let uv fetch an interpreter of its own: the machine's are used.
export UV_PYTHON_DOWNLOADS = never

# Tests start hundreds of short programs: where compiled modules may not be kept, each compiles
# everything that it imports again, which is a third of all work.
export PYTHONDONTWRITEBYTECODE =

# More workers than two cores, because many tests wait; whoever has nothing left takes a share.
PYTEST = python -m pytest -n 4 --dist worksteal

.PHONY: demo test clients newest lint docs release bench clean

demo: $(DEMO_READY)
	$(DEMO)/bin/python -m adls_enduser.sandbox.demo

# What no SDK takes part in runs once on each Python, without any. The rest runs with every
# combination of SDKs, shared out to the Pythons. The last run, with the newest on this one, has the
# last word.
test: $(READY)
	$(BIN)/python tests/side_by_side.py $(BIN)/nox without_sdks sdks beside_azure_cli
	$(BIN)/$(PYTEST) -m sdk

clients: $(READY)
	$(BIN)/nox --session clients identity_endpoint

newest: $(READY)
	$(BIN)/nox --session newest

lint: $(READY)
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/pyright
	$(BIN)/lint-imports
	$(BIN)/python docs/generate.py --check
	$(BIN)/nox --session package

docs: $(READY)
	$(BIN)/python docs/generate.py
	$(BIN)/nox --session docs

release: $(READY)
	$(BIN)/nox --session package release

# BENCH=--fast does less of everything.
bench: $(READY)
	$(BIN)/python -m benchmarks $(BENCH)

# A virtual environment needs ensurepip, which some systems package apart from Python.
$(READY): pyproject.toml setup.cfg
	$(PYTHON) -m venv --clear $(ENV) || \
	    { $(PYTHON) -m pip install --quiet virtualenv && $(PYTHON) -m virtualenv --clear $(ENV); }
	$(BIN)/python -m pip install --quiet --disable-pip-version-check uv nox
	$(BIN)/uv pip install --quiet --python $(BIN)/python --group test --group lint \
	    --editable '.[sandbox,cache,msal]' 'azure-mgmt-datalake-store==1.1.0b1'
	touch $(READY)

$(DEMO_READY): $(READY)
	$(BIN)/uv venv --quiet --clear --python $(BIN)/python $(DEMO)
	$(BIN)/uv pip install --quiet --python $(DEMO)/bin/python --group demo \
	    --editable '.[sandbox]' 'azure-mgmt-datalake-store==1.1.0b1'
	touch $(DEMO_READY)

clean:
	rm -rf $(ENV) .nox .coverage* docs/_build docs/pictures/*.png dist
