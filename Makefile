# Each target is one line: the work is in scripts/ and in cargo.
.PHONY: setup demo test bench lint fuzz doc

setup: ; @scripts/setup
demo:  setup ; @scripts/demo
test:  setup ; @scripts/test
bench: setup ; @scripts/bench
lint:  setup ; @scripts/lint
fuzz:  setup ; @scripts/fuzz
doc:   setup ; @cargo doc --workspace --no-deps
