noinst_LIBRARIES += lib/toolchain/libtoolchain.a
lib_toolchain_libtoolchain_a_SOURCES = \
	%D%/ask.c \
	%D%/ask.h \
	%D%/host_paths.c \
	%D%/host_paths.def \
	%D%/host_paths.h \
	%D%/toolchain.c \
	%D%/toolchain.h

check_PROGRAMS += tests/unit/toolchain.t
tests_unit_toolchain_t_SOURCES = tests/unit/toolchain.c
tests_unit_toolchain_t_CFLAGS = $(AM_CFLAGS) $(CHECK_CFLAGS)
tests_unit_toolchain_t_LDADD = \
	lib/toolchain/libtoolchain.a \
	lib/proc/libproc.a \
	lib/digest/libdigest.a \
	lib/base/libbase.a \
	$(CHECK_LIBS)
