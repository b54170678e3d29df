noinst_LIBRARIES += lib/config/libconfig.a
lib_config_libconfig_a_CFLAGS = $(AM_CFLAGS) $(INIPARSER_CFLAGS)
lib_config_libconfig_a_SOURCES = \
	%D%/flags.c \
	%D%/folder.c \
	%D%/folder.def \
	%D%/hg_config.c \
	%D%/hg_config.h \
	%D%/ini.c \
	%D%/load.c \
	%D%/options.def \
	%D%/private.h \
	%D%/sloppiness.c \
	%D%/sloppiness.def \
	%D%/sloppiness.h

check_PROGRAMS += tests/unit/config.t
tests_unit_config_t_SOURCES = tests/unit/config.c
tests_unit_config_t_CFLAGS = $(AM_CFLAGS) $(CHECK_CFLAGS)
tests_unit_config_t_LDADD = lib/config/libconfig.a lib/base/libbase.a \
	$(INIPARSER_LIBS) $(CHECK_LIBS)

check_PROGRAMS += tests/fuzz/ini.t
tests_fuzz_ini_t_SOURCES = \
	tests/fuzz/fuzz.h \
	tests/fuzz/ini.c \
	tests/fuzz/main.c
tests_fuzz_ini_t_LDADD = lib/config/libconfig.a lib/base/libbase.a \
	$(INIPARSER_LIBS)
EXTRA_DIST += \
	tests/fuzz/corpus/ini/backslash \
	tests/fuzz/corpus/ini/broken \
	tests/fuzz/corpus/ini/crlf \
	tests/fuzz/corpus/ini/plain \
	tests/fuzz/corpus/ini/quotes
