# Started for every compile: linked statically where that is possible.
pkglibexec_PROGRAMS += bin/hg-sandbox
bin_hg_sandbox_SOURCES = \
	%D%/confine.c \
	%D%/confine.h \
	%D%/control.c \
	%D%/control.h \
	%D%/limits.def \
	%D%/main.c \
	%D%/mounts.c \
	%D%/mounts.h \
	%D%/options.c \
	%D%/options.h \
	%D%/syscalls.def
bin_hg_sandbox_LDFLAGS = $(AM_LDFLAGS) $(HG_LAUNCHER_LDFLAGS)
bin_hg_sandbox_LDADD = lib/base/libbase.a

dist_check_SCRIPTS += tests/e2e/t4100-sandbox.t tests/e2e/t4110-escape.t
