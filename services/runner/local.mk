# Runs in containers with whatever libraries those have: always static, with
# nothing but the C library, and never sanitized.
pkglibexec_PROGRAMS += bin/hg-runner
bin_hg_runner_SOURCES = \
	%D%/main.c \
	%D%/message.h
bin_hg_runner_CFLAGS = $(HG_CFLAGS) $(HG_HARDEN_CFLAGS)
bin_hg_runner_LDFLAGS = $(HG_HARDEN_LDFLAGS) -static
