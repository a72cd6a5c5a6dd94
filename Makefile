# Each target is one line: the work is in scripts/ and in cargo.
.PHONY: setup demo test bench soak lint fuzz doc package

setup: ; @scripts/setup
demo:  setup ; @scripts/demo
test:  setup ; @scripts/test
bench: setup ; @scripts/bench
soak:  setup ; @scripts/soak-database && scripts/soak-batch && scripts/soak-readers && scripts/soak-people && scripts/soak-days && scripts/soak-tear
lint:  setup ; @scripts/lint
fuzz:  setup ; @scripts/fuzz
package: setup ; @scripts/package
doc:   setup ; @cargo doc --workspace --no-deps
