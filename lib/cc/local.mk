noinst_LIBRARIES += lib/cc/libcc.a
lib_cc_libcc_a_SOURCES = \
	%D%/args.c \
	%D%/args.def \
	%D%/args.h \
	%D%/command.c \
	%D%/command.h \
	%D%/depfile.c \
	%D%/depfile.h \
	%D%/env.c \
	%D%/env.def \
	%D%/env.h \
	%D%/faults.c \
	%D%/faults.def \
	%D%/faults.h \
	%D%/handlers.def \
	%D%/languages.def \
	%D%/paths.c \
	%D%/paths.h \
	%D%/response.c \
	%D%/response.h

check_PROGRAMS += tests/unit/cc.t
tests_unit_cc_t_SOURCES = tests/unit/cc.c
tests_unit_cc_t_CFLAGS = $(AM_CFLAGS) $(CHECK_CFLAGS)
tests_unit_cc_t_LDADD = lib/cc/libcc.a lib/base/libbase.a $(CHECK_LIBS)
