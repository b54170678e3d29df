# Measured on demand, never by make check.
EXTRA_PROGRAMS = tests/bench/spawnbench tests/bench/floor
tests_bench_spawnbench_SOURCES = %D%/spawnbench.c
tests_bench_spawnbench_LDADD = lib/base/libbase.a
tests_bench_floor_SOURCES = %D%/floor.c
tests_bench_floor_LDFLAGS = $(AM_LDFLAGS) $(HG_LAUNCHER_LDFLAGS)
CLEANFILES += $(EXTRA_PROGRAMS)

dist_noinst_SCRIPTS += tests/bench/run

bench: all $(EXTRA_PROGRAMS)
	top_srcdir='$(abs_top_srcdir)' top_builddir='$(abs_top_builddir)' \
		$(SHELL) $(srcdir)/tests/bench/run
.PHONY: bench
