noinst_LIBRARIES += lib/digest/libdigest.a
lib_digest_libdigest_a_SOURCES = \
	%D%/content_id.c \
	%D%/content_id.h \
	%D%/digest.c \
	%D%/digest.h
lib_digest_libdigest_a_CFLAGS = \
	$(AM_CFLAGS) $(XXHASH_CFLAGS) $(CRYPTO_CFLAGS)
