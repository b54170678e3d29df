# Measured on demand, never by make check.
EXTRA_PROGRAMS = tests/bench/spawnbench
tests_bench_spawnbench_SOURCES = %D%/spawnbench.c
tests_bench_spawnbench_LDADD = lib/base/libbase.a

# the floor is built as the launcher is
if LAUNCHER_APART
EXTRA_DIST += %D%/floor.c
tests/bench/floor: $(top_srcdir)/tests/bench/floor.c config.h
	$(AM_V_CCLD)$(MKDIR_P) tests/bench && $(HG_APART) -o $@ \
		$(top_srcdir)/tests/bench/floor.c
else
EXTRA_PROGRAMS += tests/bench/floor
tests_bench_floor_SOURCES = %D%/floor.c
tests_bench_floor_LDFLAGS = $(AM_LDFLAGS) $(HG_LAUNCHER_LDFLAGS)
endif
CLEANFILES += $(EXTRA_PROGRAMS) tests/bench/floor

dist_noinst_SCRIPTS += tests/bench/run

bench: all $(EXTRA_PROGRAMS) tests/bench/floor
	top_srcdir='$(abs_top_srcdir)' top_builddir='$(abs_top_builddir)' \
		$(SHELL) $(srcdir)/tests/bench/run
.PHONY: bench
