# Runs in containers with whatever libraries those have: always static, with
# nothing but the C library, and never sanitized.
pkglibexec_PROGRAMS += bin/hg-runner
bin_hg_runner_SOURCES = \
	%D%/main.c \
	%D%/message.h
bin_hg_runner_CFLAGS = $(HG_CFLAGS) $(HG_HARDEN_CFLAGS)
bin_hg_runner_LDFLAGS = $(HG_HARDEN_LDFLAGS) -static

# containers from the worker's side
check_PROGRAMS += tests/unit/docker.t
tests_unit_docker_t_SOURCES = tests/unit/docker.c
tests_unit_docker_t_CFLAGS = $(AM_CFLAGS) $(CHECK_CFLAGS)
tests_unit_docker_t_LDADD = $(bin_hg_worker_LDADD) $(CHECK_LIBS)

dist_check_SCRIPTS += \
	tests/e2e/t4200-docker.t \
	tests/e2e/t4210-docker-walls.t
