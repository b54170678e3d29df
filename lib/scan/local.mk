noinst_LIBRARIES += lib/scan/libscan.a
lib_scan_libscan_a_SOURCES = \
	%D%/macros.c \
	%D%/macros.def \
	%D%/macros.h \
	%D%/text.c \
	%D%/text.h

check_PROGRAMS += tests/unit/scan_text.t
tests_unit_scan_text_t_SOURCES = tests/unit/scan_text.c
tests_unit_scan_text_t_CFLAGS = $(AM_CFLAGS) $(CHECK_CFLAGS)
tests_unit_scan_text_t_LDADD = lib/scan/libscan.a lib/base/libbase.a $(CHECK_LIBS)

check_PROGRAMS += tests/fuzz/scan.t
tests_fuzz_scan_t_SOURCES = tests/fuzz/scan.c tests/fuzz/fuzz.h tests/fuzz/main.c
tests_fuzz_scan_t_LDADD = lib/scan/libscan.a lib/base/libbase.a

EXTRA_DIST += \
	tests/fuzz/corpus/scan/conditions \
	tests/fuzz/corpus/scan/directives \
	tests/fuzz/corpus/scan/ends \
	tests/fuzz/corpus/scan/literals
