bin_PROGRAMS += bin/hg-launcher
bin_hg_launcher_SOURCES = \
	%D%/compiler.c \
	%D%/compiler.h \
	%D%/deliver.c \
	%D%/deliver.h \
	%D%/job.h \
	%D%/log.c \
	%D%/log.h \
	%D%/main.c \
	%D%/plan.c \
	%D%/plan.h \
	%D%/publish.c \
	%D%/publish.h \
	%D%/run.c \
	%D%/run.h
bin_hg_launcher_LDADD = \
	lib/store/libstore.a \
	lib/observe/libobserve.a \
	lib/cc/libcc.a \
	lib/config/libconfig.a \
	lib/digest/libdigest.a \
	lib/base/libbase.a \
	$(INIPARSER_LIBS)
bin_hg_launcher_LDFLAGS = $(AM_LDFLAGS) $(HG_LAUNCHER_LDFLAGS)
