noinst_LIBRARIES += lib/blob/libblob.a
lib_blob_libblob_a_SOURCES = \
	%D%/blobs.c \
	%D%/blobs.h \
	%D%/bundle.c \
	%D%/bundle.h

check_PROGRAMS += tests/unit/blob.t
tests_unit_blob_t_SOURCES = tests/unit/blob.c
tests_unit_blob_t_CFLAGS = $(AM_CFLAGS) $(CHECK_CFLAGS)
tests_unit_blob_t_LDADD = \
	lib/blob/libblob.a \
	lib/pack/libpack.a \
	lib/digest/libdigest.a \
	lib/base/libbase.a \
	$(ARCHIVE_LIBS) $(CRYPTO_LIBS) $(CHECK_LIBS) -lpthread
