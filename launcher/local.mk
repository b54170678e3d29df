bin_PROGRAMS += bin/hg-launcher
bin_hg_launcher_SOURCES = \
	%D%/compiler.c \
	%D%/compiler.h \
	%D%/deliver.c \
	%D%/deliver.h \
	%D%/handover.c \
	%D%/handover.h \
	%D%/job.h \
	%D%/log.c \
	%D%/log.h \
	%D%/main.c \
	%D%/plan.c \
	%D%/plan.h \
	%D%/publish.c \
	%D%/publish.h \
	%D%/run.c \
	%D%/run.h
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
	$(PROTOBUF_C_LIBS)
bin_hg_launcher_LDFLAGS = $(AM_LDFLAGS) $(HG_LAUNCHER_LDFLAGS)

# the client of hg-agent
noinst_LIBRARIES += launcher/libremote.a
launcher_libremote_a_SOURCES = \
	%D%/agent_start.c \
	%D%/agent_start.h \
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

dist_check_SCRIPTS += tests/e2e/t1000-launcher.t
