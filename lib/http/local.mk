noinst_LIBRARIES += lib/http/libhttp.a
lib_http_libhttp_a_SOURCES = \
	%D%/http.c \
	%D%/http.h
lib_http_libhttp_a_CFLAGS = $(AM_CFLAGS) $(CURL_CFLAGS)
