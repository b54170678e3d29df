noinst_LIBRARIES += lib/pack/libpack.a
lib_pack_libpack_a_SOURCES = \
	%D%/each.c \
	%D%/pack.h \
	%D%/write.c
lib_pack_libpack_a_CFLAGS = $(AM_CFLAGS) $(ARCHIVE_CFLAGS)

check_PROGRAMS += tests/unit/pack.t
tests_unit_pack_t_SOURCES = tests/unit/pack.c
tests_unit_pack_t_CFLAGS = $(AM_CFLAGS) $(CHECK_CFLAGS) $(ARCHIVE_CFLAGS)
tests_unit_pack_t_LDADD = lib/pack/libpack.a lib/base/libbase.a \
	$(ARCHIVE_LIBS) $(CHECK_LIBS)
