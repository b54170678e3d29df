bin_PROGRAMS += bin/hgbuild
bin_hgbuild_CFLAGS = $(AM_CFLAGS) $(JANSSON_CFLAGS)
bin_hgbuild_SOURCES = \
	%D%/cache.c \
	%D%/cache.h \
	%D%/ccache.c \
	%D%/ccache.def \
	%D%/ccache.h \
	%D%/child.c \
	%D%/child.h \
	%D%/cli.h \
	%D%/commands.def \
	%D%/compile.c \
	%D%/config.c \
	%D%/env.c \
	%D%/env.h \
	%D%/help.c \
	%D%/import.c \
	%D%/inspect.c \
	%D%/inspect.h \
	%D%/inspect_json.c \
	%D%/inspect_text.c \
	%D%/json.c \
	%D%/json.h \
	%D%/main.c \
	%D%/masquerade.c \
	%D%/masquerade.h \
	%D%/progress.c \
	%D%/progress.h \
	%D%/query.c \
	%D%/query.h \
	%D%/status.c \
	%D%/table.c \
	%D%/table.h \
	%D%/text.c \
	%D%/text.h \
	%D%/upkeep.c \
	%D%/upkeep.h \
	%D%/verify.c \
	%D%/why.c \
	%D%/why.def \
	%D%/why.h \
	%D%/why_parts.c \
	%D%/workers.c \
	%D%/wrap.c
bin_hgbuild_LDADD = \
	launcher/libremote.a \
	lib/wire/libagentmsg.a \
	lib/wire/libwire.a \
	lib/proc/libproc.a \
	lib/config/libconfig.a \
	lib/store/libstore.a \
	lib/digest/libdigest.a \
	lib/base/libbase.a \
	$(INIPARSER_LIBS) \
	$(PROTOBUF_C_LIBS) \
	$(JANSSON_LIBS) \
	$(ZSTD_LIBS)

# gRPC is only here: see cli/query.h
pkglibexec_PROGRAMS += bin/hg-call
bin_hg_call_SOURCES = %D%/call.c
bin_hg_call_LDADD = lib/rpc/librpc.a lib/base/libbase.a $(GRPC_LIBS)

dist_check_SCRIPTS += \
	tests/e2e/t6000-hgbuild.t \
	tests/e2e/t6010-hgbuild-cluster.t

check_PROGRAMS += tests/unit/why.t
tests_unit_why_t_SOURCES = cli/why_parts.c tests/unit/why.c
tests_unit_why_t_CFLAGS = $(AM_CFLAGS) $(CHECK_CFLAGS)
tests_unit_why_t_LDADD = lib/store/libstore.a lib/digest/libdigest.a \
	lib/base/libbase.a $(ZSTD_LIBS) $(CHECK_LIBS)

dist_check_SCRIPTS += \
	tests/e2e/t1200-why.t \
	tests/e2e/t1500-cache.t

check_PROGRAMS += tests/unit/ccache.t
tests_unit_ccache_t_SOURCES = cli/ccache.c tests/unit/ccache.c
tests_unit_ccache_t_CFLAGS = $(AM_CFLAGS) $(CHECK_CFLAGS)
tests_unit_ccache_t_LDADD = lib/config/libconfig.a lib/base/libbase.a \
	$(INIPARSER_LIBS) $(CHECK_LIBS)

dist_check_SCRIPTS += tests/e2e/t1210-import.t
