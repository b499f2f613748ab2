# Two commands do all the set-up: `make demo` and `make test`. Both need Python 3.11 or newer and make, nothing else.
PYTHON ?= python3
VENV   ?= .venv
BIN    := $(VENV)/bin
STAMP  := $(VENV)/.installed
JOBS   ?= auto
SEED   ?= 1

.DEFAULT_GOAL := help
.PHONY: help demo test check lint types unit kills matrix docs bench bench-journal bench-directory clean system-packages kerberos

help: ## Show what can be made.
	@grep -E '^[a-z-]+:.*##' $(MAKEFILE_LIST) | sed -E 's/:.*## /\t/' | expand -t 18

$(STAMP): pyproject.toml scripts/create_venv.sh
	@PYTHON=$(PYTHON) VENV=$(VENV) sh scripts/create_venv.sh
	@$(BIN)/python -m pip install --quiet --disable-pip-version-check -e '.[ldap,test,lint,docs]'
	@touch $@

demo: $(STAMP) ## Run the main job on the embedded directory and print every response.
	@$(BIN)/mpfctl demo

system-packages:
	@sh scripts/install_test_packages.sh || echo "some Debian packages are missing: the tests that need them are skipped"

kerberos: $(STAMP) system-packages
	@VENV=$(VENV) sh scripts/install_kerberos.sh

test: $(STAMP) system-packages kerberos ## Run all tests, with a real Samba Active Directory where it can be had; SEED=random for another order.
	@$(BIN)/python -m scripts.run_tests $(JOBS) $(SEED)

unit: $(STAMP)
	@HYPOTHESIS_PROFILE=quick $(BIN)/python -m pytest -n $(JOBS) -m "not samba and not slow"

lint: $(STAMP) ## Check style.
	@$(BIN)/ruff check .
	@$(BIN)/ruff format --check .

types: $(STAMP) ## Check types.
	@$(BIN)/mypy

check: lint types unit ## The fast loop: lint, types, unit tests.

kills: $(STAMP) system-packages ## Kill a process at every point of every write procedure, on SQLite and PostgreSQL (an hour or two).
	@MPF_ALL_KILLS=1 $(BIN)/python -m pytest tests/kills -n $(JOBS) --dist load

matrix: $(STAMP) system-packages ## Who may do what, every case of it, on a real Samba Active Directory.
	@MPF_ALL_KILLS=1 $(BIN)/python -m pytest tests/security/test_matrix.py tests/samba/test_matrix.py -n 0

docs: $(STAMP) ## Write the reference from the loaded namespaces, run its samples, and build the site in site/.
	@$(BIN)/python -m scripts.write_reference

bench: $(STAMP) ## Measure against a bare Python ladder and TaskFlow, as ratios.
	@$(BIN)/python -m pip install --quiet --disable-pip-version-check -e '.[bench]'
	@$(BIN)/python bench/provision6.py

bench-journal: $(STAMP) ## Measure durable execution against DBOS and TaskFlow, with synced writes per step.
	@$(BIN)/python -m pip install --quiet --disable-pip-version-check -e '.[bench,postgresql]'
	@$(BIN)/python -m bench.journal6
	@$(BIN)/python bench/recovery.py

bench-directory: $(STAMP) system-packages ## Measure CreateSipUser against a function by hand, and count LDAP operations.
	@$(BIN)/python -m bench.ldap_operations
	@$(BIN)/python -m bench.create_sip_user
	@$(BIN)/python -m bench.large_directory

clean: ## Remove everything that was made.
	rm -rf $(VENV) demo build dist site .mypy_cache .ruff_cache .pytest_cache .hypothesis
