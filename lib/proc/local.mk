noinst_LIBRARIES += lib/proc/libproc.a
lib_proc_libproc_a_SOURCES = \
	%D%/proc.c \
	%D%/proc.h

check_PROGRAMS += tests/unit/proc.t
tests_unit_proc_t_SOURCES = tests/unit/proc.c
tests_unit_proc_t_CFLAGS = $(AM_CFLAGS) $(CHECK_CFLAGS)
tests_unit_proc_t_LDADD = \
	lib/proc/libproc.a \
	lib/base/libbase.a \
	$(CHECK_LIBS)
