noinst_LIBRARIES += lib/observe/libobserve.a
lib_observe_libobserve_a_SOURCES = \
	%D%/loads.c \
	%D%/loads.h \
	%D%/notes.h \
	%D%/observe.c \
	%D%/observe.h

# Preloaded into compilers: a plain shared object, never instrumented.
pkglibexec_PROGRAMS += bin/hg-observe.so
# not a program: it has no --help
AM_INSTALLCHECK_STD_OPTIONS_EXEMPT = bin/hg-observe.so
bin_hg_observe_so_SOURCES = \
	%D%/loads.c \
	%D%/loads.h \
	%D%/notes.h \
	%D%/preload.c
bin_hg_observe_so_CFLAGS = -std=gnu17 -Wall -Wextra -O2 -fPIC -fvisibility=default
bin_hg_observe_so_LDFLAGS = -shared -Wl,-z,relro,-z,now -Wl,-soname,hg-observe.so
bin_hg_observe_so_LDADD =

check_PROGRAMS += tests/unit/observe.t
tests_unit_observe_t_SOURCES = tests/unit/observe.c
tests_unit_observe_t_CFLAGS = $(AM_CFLAGS) $(CHECK_CFLAGS)
tests_unit_observe_t_LDADD = lib/observe/libobserve.a lib/base/libbase.a $(CHECK_LIBS)
