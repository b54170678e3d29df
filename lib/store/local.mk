noinst_LIBRARIES += lib/store/libstore.a
lib_store_libstore_a_SOURCES = \
	%D%/builder.h \
	%D%/cache.c \
	%D%/cache.h \
	%D%/evict.c \
	%D%/evict.h \
	%D%/folder.c \
	%D%/folder.h \
	%D%/inspect.c \
	%D%/inspect.h \
	%D%/manifest.c \
	%D%/manifest.h \
	%D%/manifest_head.c \
	%D%/manifest_head.h \
	%D%/mapped.c \
	%D%/mapped.h \
	%D%/memo.c \
	%D%/memo.h \
	%D%/portable.c \
	%D%/record.c \
	%D%/record.h \
	%D%/result.c \
	%D%/result.h \
	%D%/set.c \
	%D%/set.h \
	%D%/sig.c \
	%D%/sig.h \
	%D%/stats.c \
	%D%/stats.h \
	%D%/usage.c \
	%D%/usage.h \
	%D%/verify.c \
	%D%/verify.h \
	%D%/zip.c \
	%D%/zip.h

check_PROGRAMS += tests/unit/store.t
tests_unit_store_t_SOURCES = tests/unit/store.c
tests_unit_store_t_CFLAGS = $(AM_CFLAGS) $(CHECK_CFLAGS)
tests_unit_store_t_LDADD = lib/store/libstore.a lib/digest/libdigest.a \
	lib/base/libbase.a $(ZSTD_LIBS) $(CHECK_LIBS)

check_PROGRAMS += tests/unit/evict.t
tests_unit_evict_t_SOURCES = tests/unit/evict.c
tests_unit_evict_t_CFLAGS = $(AM_CFLAGS) $(CHECK_CFLAGS)
tests_unit_evict_t_LDADD = lib/store/libstore.a lib/digest/libdigest.a \
	lib/base/libbase.a $(ZSTD_LIBS) $(CHECK_LIBS)

check_PROGRAMS += tests/unit/linked.t
tests_unit_linked_t_SOURCES = tests/unit/linked.c
tests_unit_linked_t_CFLAGS = $(AM_CFLAGS) $(CHECK_CFLAGS)
tests_unit_linked_t_LDADD = lib/store/libstore.a lib/digest/libdigest.a \
	lib/base/libbase.a $(ZSTD_LIBS) $(CHECK_LIBS)
