# All but main, so that the tests can link it.
noinst_LIBRARIES += services/agent/libagent.a
services_agent_libagent_a_SOURCES = \
	%D%/agent.h \
	%D%/check.c \
	%D%/check.h \
	%D%/compile.c \
	%D%/compile.h \
	%D%/conn.c \
	%D%/conn.h \
	%D%/contents.c \
	%D%/contents.h \
	%D%/coords.c \
	%D%/coords.h \
	%D%/driver.c \
	%D%/driver.h \
	%D%/env.def \
	%D%/exchange.c \
	%D%/exchange.h \
	%D%/graph.c \
	%D%/graph.h \
	%D%/includes.c \
	%D%/includes.h \
	%D%/inputs.c \
	%D%/inputs.h \
	%D%/known.c \
	%D%/known.h \
	%D%/listen.c \
	%D%/listen.h \
	%D%/native.c \
	%D%/native.h \
	%D%/options.c \
	%D%/options.def \
	%D%/options.h \
	%D%/peer.c \
	%D%/peer.h \
	%D%/request.c \
	%D%/request.h \
	%D%/scan.c \
	%D%/scan.h \
	%D%/scan_reasons.def \
	%D%/search.c \
	%D%/search.h \
	%D%/toolset.c \
	%D%/toolset.h \
	%D%/tree.c \
	%D%/tree.h

services_agent_libs = \
	services/agent/libagent.a \
	lib/rpc/librpc.a \
	lib/wire/libagentmsg.a \
	lib/wire/libwire.a \
	lib/blob/libblob.a \
	lib/pack/libpack.a \
	lib/store/libstore.a \
	lib/observe/libobserve.a \
	lib/toolchain/libtoolchain.a \
	lib/scan/libscan.a \
	lib/cc/libcc.a \
	lib/proc/libproc.a \
	lib/digest/libdigest.a \
	lib/config/libconfig.a \
	lib/base/libbase.a \
	$(GRPC_LIBS) \
	$(PROTOBUF_C_LIBS) \
	$(ARCHIVE_LIBS) \
	$(CRYPTO_LIBS) \
	$(ZSTD_LIBS) \
	$(INIPARSER_LIBS) \
	-lpthread

pkglibexec_PROGRAMS += bin/hg-agent
bin_hg_agent_SOURCES = services/agent/main.c
bin_hg_agent_LDADD = $(services_agent_libs)

check_PROGRAMS += tests/unit/agent.t
tests_unit_agent_t_SOURCES = tests/unit/agent.c
tests_unit_agent_t_CFLAGS = $(AM_CFLAGS) $(CHECK_CFLAGS)
tests_unit_agent_t_LDADD = $(services_agent_libs) $(CHECK_LIBS)

check_PROGRAMS += tests/unit/agent_scan.t
tests_unit_agent_scan_t_SOURCES = tests/unit/agent_scan.c
tests_unit_agent_scan_t_CFLAGS = $(AM_CFLAGS) $(CHECK_CFLAGS)
tests_unit_agent_scan_t_LDADD = $(services_agent_libs) $(CHECK_LIBS)

check_PROGRAMS += tests/unit/coords.t
tests_unit_coords_t_SOURCES = tests/unit/coords.c
tests_unit_coords_t_CFLAGS = $(AM_CFLAGS) $(CHECK_CFLAGS)
tests_unit_coords_t_LDADD = $(services_agent_libs) $(CHECK_LIBS)

# the launcher's client of the agent, for scripts
noinst_PROGRAMS += tests/lib/agent_client
tests_lib_agent_client_SOURCES = tests/lib/agent_client.c
tests_lib_agent_client_LDADD = \
	launcher/libremote.a \
	lib/wire/libagentmsg.a \
	lib/base/libbase.a \
	$(PROTOBUF_C_LIBS)

# the agent's search for inputs, for scripts
noinst_PROGRAMS += tests/lib/scan_files
tests_lib_scan_files_SOURCES = tests/lib/scan_files.c
tests_lib_scan_files_LDADD = $(services_agent_libs)

dist_check_SCRIPTS += \
	tests/e2e/t5000-agent.t \
	tests/e2e/t5100-scan.t \
	tests/e2e/t5200-contents.t \
	tests/e2e/t5300-options-remote.t \
	tests/e2e/t5310-conformance-remote.t \
	tests/e2e/t7010-scan.t
