EXTRA_DIST += \
	data/packages \
	tests/e2e/lib.sh \
	tests/e2e/same.sh \
	tests/e2e/bare-machine \
	tests/e2e/own-dev \
	tests/lib/docker.sh \
	tests/lib/farm.sh \
	tests/lib/projects.sh \
	tests/lib/spec.proto \
	tests/lib/specpeer.py \
	tests/lib/specpeer.sh \
	tests/lib/tap.sh \
	tests/lib/unit.h \
	tests/lint/layers \
	tests/lint/lib.sh \
	tests/lint/owners

dist_noinst_SCRIPTS += \
	tests/e2e/demo \
	tests/e2e/run-dev-cluster \
	tests/lib/fetch-source

dist_check_SCRIPTS += \
	tests/e2e/t0000-harness.t \
	tests/e2e/t7000-projects.t \
	tests/e2e/t7100-faults.t \
	tests/e2e/t3000-wire-python.t \
	tests/lint/banned.t \
	tests/lint/layering.t \
	tests/lint/needed.t \
	tests/lint/shell.t \
	tests/lint/size.t \
	tests/lint/spdx.t

# the launcher judged from outside: every option of t1300; and that with a
# program of somebody else's, if HG_TEST_CONFORMANCE names one
HG_OPTIONS_TESTS = \
	tests/e2e/t1300-options.t \
	tests/e2e/t5300-options-remote.t
HG_CONFORMANCE_TESTS = \
	tests/e2e/t1310-conformance.t \
	tests/e2e/t5310-conformance-remote.t
.PHONY: check-options check-conformance
check-options: all
	HG_TEST_ALL=1 $(MAKE) check \
		TESTS='$(HG_OPTIONS_TESTS)'
check-conformance: all
	HG_TEST_ALL=1 $(MAKE) check \
		TESTS='$(HG_OPTIONS_TESTS) $(HG_CONFORMANCE_TESTS)'

# what t4110 has run in the place of a compiler
noinst_PROGRAMS += tests/escape/escape
tests_escape_escape_SOURCES = \
	%D%/escape/bounds.c \
	%D%/escape/escape.h \
	%D%/escape/files.c \
	%D%/escape/main.c \
	%D%/escape/network.c \
	%D%/escape/powers.c \
	%D%/escape/processes.c

# the C side of t3000
noinst_PROGRAMS += tests/lib/wirepeer
tests_lib_wirepeer_SOURCES = tests/lib/wirepeer.c
tests_lib_wirepeer_LDADD = lib/wire/libwire.a lib/rpc/librpc.a \
	lib/base/libbase.a $(PROTOBUF_C_LIBS) $(GRPC_LIBS)

# what the end-to-end tests fetched
distclean-local:
	rm -rf sources
