launcher_sources = \
	%D%/compiler.c \
	%D%/compiler.h \
	%D%/deliver.c \
	%D%/deliver.h \
	%D%/explain.c \
	%D%/explain.h \
	%D%/handover.c \
	%D%/handover.h \
	%D%/job.h \
	%D%/keep.c \
	%D%/keep.h \
	%D%/log.c \
	%D%/log.h \
	%D%/main.c \
	%D%/plan.c \
	%D%/plan.h \
	%D%/portable.c \
	%D%/portable.h \
	%D%/publish.c \
	%D%/publish.h \
	%D%/run.c \
	%D%/run.h \
	%D%/stdin.c \
	%D%/stdin.h \
	%D%/tuning.c \
	%D%/tuning.h \
	%D%/upkeep.c \
	%D%/upkeep.h

if LAUNCHER_APART
# Built in one go by a compiler for another C library, see
# docs/decisions/0006-launcher-start-up.md. Two warnings that go by what was
# inlined cry wolf over a whole program.
launcher_apart_sources = $(filter %.c, \
	$(lib_base_libbase_a_SOURCES) \
	$(lib_config_libconfig_a_SOURCES) \
	$(lib_cc_libcc_a_SOURCES) \
	$(lib_digest_libdigest_a_SOURCES) \
	$(lib_observe_libobserve_a_SOURCES) \
	$(lib_store_libstore_a_SOURCES) \
	$(lib_wire_libagentmsg_a_SOURCES) \
	$(launcher_libremote_a_SOURCES) \
	$(launcher_sources) \
	launcher/fortify.c \
	launcher/heap.c)
HG_APART = $(LAUNCHER_CC) $(DEFS) $(AM_CPPFLAGS) $(LAUNCHER_CPPFLAGS) \
	$(CPPFLAGS) $(HG_CFLAGS) $(HG_HARDEN_CFLAGS) $(CFLAGS) -flto \
	-Wno-maybe-uninitialized -Wno-null-dereference \
	-flto-partition=one -static $(HG_HARDEN_LDFLAGS) $(LDFLAGS)

bin_SCRIPTS += bin/hg-launcher
CLEANFILES += bin/hg-launcher
launcher_apart_objects = proto/lib_wire_libpb_a-agent.pb-c.$(OBJEXT)
bin/hg-launcher: config.h $(launcher_apart_objects) \
		$(addprefix $(top_srcdir)/,$(launcher_apart_sources)) \
		lib/store/libstore.a lib/config/libconfig.a lib/cc/libcc.a \
		lib/observe/libobserve.a lib/wire/libagentmsg.a \
		launcher/libremote.a
	$(AM_V_CCLD)$(MKDIR_P) bin && $(HG_APART) -o $@ \
		$(addprefix $(top_srcdir)/,$(launcher_apart_sources)) \
		$(launcher_apart_objects) $(LAUNCHER_LIBS)
else
bin_PROGRAMS += bin/hg-launcher
bin_hg_launcher_SOURCES = $(launcher_sources)
bin_hg_launcher_LDADD = \
	launcher/libremote.a \
	lib/store/libstore.a \
	lib/observe/libobserve.a \
	lib/cc/libcc.a \
	lib/config/libconfig.a \
	lib/wire/libagentmsg.a \
	lib/digest/libdigest.a \
	lib/base/libbase.a \
	$(INIPARSER_LIBS) \
	$(PROTOBUF_C_LIBS) \
	$(ZSTD_LIBS)
bin_hg_launcher_LDFLAGS = $(AM_LDFLAGS) $(HG_LAUNCHER_LDFLAGS)
endif
EXTRA_DIST += $(launcher_sources) launcher/fortify.c launcher/heap.c

# the client of hg-agent
noinst_LIBRARIES += launcher/libremote.a
launcher_libremote_a_SOURCES = \
	%D%/agent_start.c \
	%D%/agent_start.h \
	%D%/detach.c \
	%D%/detach.h \
	%D%/remote.c \
	%D%/remote.h

check_PROGRAMS += tests/unit/remote.t
tests_unit_remote_t_SOURCES = tests/unit/remote.c
tests_unit_remote_t_CFLAGS = $(AM_CFLAGS) $(CHECK_CFLAGS)
tests_unit_remote_t_LDADD = \
	launcher/libremote.a \
	lib/wire/libagentmsg.a \
	lib/base/libbase.a \
	$(PROTOBUF_C_LIBS) \
	$(CHECK_LIBS) \
	-lpthread

check_PROGRAMS += tests/unit/heap.t
tests_unit_heap_t_SOURCES = tests/unit/heap.c
tests_unit_heap_t_CFLAGS = $(AM_CFLAGS) $(CHECK_CFLAGS)
tests_unit_heap_t_LDADD = $(CHECK_LIBS)

check_PROGRAMS += tests/unit/tuning.t
tests_unit_tuning_t_SOURCES = launcher/tuning.c tests/unit/tuning.c
tests_unit_tuning_t_CFLAGS = $(AM_CFLAGS) $(CHECK_CFLAGS)
tests_unit_tuning_t_LDADD = \
	lib/cc/libcc.a \
	lib/config/libconfig.a \
	lib/base/libbase.a \
	$(INIPARSER_LIBS) \
	$(CHECK_LIBS)

dist_check_SCRIPTS += tests/e2e/t1220-sloppiness.t
dist_check_SCRIPTS += tests/e2e/t1230-folders.t
dist_check_SCRIPTS += tests/e2e/t1510-delivery.t
dist_check_SCRIPTS += tests/e2e/t1600-cost.t
dist_check_SCRIPTS += \
	tests/e2e/t1000-launcher.t \
	tests/e2e/t1100-keep.t \
	tests/e2e/t1300-options.t \
	tests/e2e/t1310-conformance.t \
	tests/e2e/t1400-checkouts.t
