# Measured on demand, never by make check.
EXTRA_PROGRAMS = \
	tests/bench/canned \
	tests/bench/fillcache \
	tests/bench/replay \
	tests/bench/spawnbench
# what the others are measured with must not decay unseen
noinst_PROGRAMS += tests/bench/loadgen tests/bench/simworker
dist_check_SCRIPTS += tests/e2e/t7200-simulated.t
tests_bench_replay_SOURCES = %D%/replay.c
tests_bench_replay_LDADD = lib/base/libbase.a
tests_bench_fillcache_SOURCES = %D%/fillcache.c
tests_bench_fillcache_LDADD = lib/store/libstore.a lib/digest/libdigest.a \
	lib/base/libbase.a $(ZSTD_LIBS)
tests_bench_canned_SOURCES = %D%/canned.c
tests_bench_canned_LDADD = lib/base/libbase.a
tests_bench_canned_LDFLAGS = $(AM_LDFLAGS) -static
tests_bench_loadgen_SOURCES = %D%/loadgen.c
tests_bench_loadgen_LDADD = lib/wire/libwire.a lib/rpc/librpc.a \
	lib/base/libbase.a $(PROTOBUF_C_LIBS) $(GRPC_LIBS)
tests_bench_simworker_SOURCES = %D%/simanswer.c %D%/simanswer.h \
	%D%/simworker.c
tests_bench_simworker_LDADD = services/worker/libworker.a $(HG_WORKER_LIBS)
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

dist_noinst_SCRIPTS += tests/bench/load tests/bench/million \
	tests/bench/remote tests/bench/run
EXTRA_DIST += tests/bench/lib.sh

bench: all $(EXTRA_PROGRAMS) tests/bench/floor
	top_srcdir='$(abs_top_srcdir)' top_builddir='$(abs_top_builddir)' \
		$(SHELL) $(srcdir)/tests/bench/run
bench-load: all
	top_srcdir='$(abs_top_srcdir)' top_builddir='$(abs_top_builddir)' \
		$(SHELL) $(srcdir)/tests/bench/load
bench-remote: all $(EXTRA_PROGRAMS)
	top_srcdir='$(abs_top_srcdir)' top_builddir='$(abs_top_builddir)' \
		$(SHELL) $(srcdir)/tests/bench/remote
bench-million: all $(EXTRA_PROGRAMS)
	top_srcdir='$(abs_top_srcdir)' top_builddir='$(abs_top_builddir)' \
		$(SHELL) $(srcdir)/tests/bench/million
.PHONY: bench bench-load bench-million bench-remote
