noinst_LIBRARIES += lib/base/libbase.a
lib_base_libbase_a_SOURCES = \
	%D%/alloc.c \
	%D%/alloc.h \
	%D%/error.c \
	%D%/error.h \
	%D%/errors.def \
	%D%/fd.c \
	%D%/fd.h \
	%D%/file_sig.c \
	%D%/file_sig.h \
	%D%/hmap.c \
	%D%/hmap.h \
	%D%/limits.h \
	%D%/log.c \
	%D%/log.h \
	%D%/parse.c \
	%D%/parse.h \
	%D%/part.c \
	%D%/part.h \
	%D%/path.c \
	%D%/path.h \
	%D%/reason.c \
	%D%/reason.h \
	%D%/reasons.def \
	%D%/strbuf.c \
	%D%/strbuf.h \
	%D%/strvec.c \
	%D%/strvec.h \
	%D%/time.c \
	%D%/time.h \
	%D%/rooted.c \
	%D%/rooted.h

check_PROGRAMS += tests/unit/base.t
tests_unit_base_t_SOURCES = tests/unit/base.c
tests_unit_base_t_CFLAGS = $(AM_CFLAGS) $(CHECK_CFLAGS)
tests_unit_base_t_LDADD = lib/base/libbase.a $(CHECK_LIBS)
