# Everything but main(), so that unit tests can link it.
noinst_LIBRARIES += services/worker/libworker.a
services_worker_libworker_a_SOURCES = \
	%D%/app_errors.def \
	%D%/capability.c \
	%D%/capability.h \
	%D%/cell.c \
	%D%/cell.h \
	%D%/cgroup.c \
	%D%/cgroup.h \
	%D%/collect.c \
	%D%/collect.h \
	%D%/compiler.c \
	%D%/compiler.h \
	%D%/compilers.def \
	%D%/container.c \
	%D%/container.h \
	%D%/container_run.c \
	%D%/docker.c \
	%D%/docker.h \
	%D%/docker_areas.c \
	%D%/docker_execute.c \
	%D%/docker_execute.h \
	%D%/docker_images.c \
	%D%/docker_images.def \
	%D%/docker_images.h \
	%D%/engine.c \
	%D%/engine.h \
	%D%/exact.c \
	%D%/executor.c \
	%D%/executor.h \
	%D%/executor_private.h \
	%D%/host.c \
	%D%/host.h \
	%D%/jail.c \
	%D%/jail.h \
	%D%/layout.c \
	%D%/layout.h \
	%D%/needed.c \
	%D%/needed.h \
	%D%/digests.c \
	%D%/digests.h \
	%D%/outcome.c \
	%D%/outcome.h \
	%D%/registration.c \
	%D%/registration.h \
	%D%/rpc_compile.c \
	%D%/rpc_self.c \
	%D%/simple.c \
	%D%/slots.c \
	%D%/slots.h \
	%D%/toolroot.c \
	%D%/toolroot.h \
	%D%/view.c \
	%D%/view.h \
	%D%/work_dir.c \
	%D%/work_dir.h \
	%D%/worker.c \
	%D%/worker.h

bin_PROGRAMS += bin/hg-worker
bin_hg_worker_SOURCES = %D%/main.c
bin_hg_worker_LDADD = \
	services/worker/libworker.a \
	$(HG_WORKER_LIBS)

services_worker_libworker_a_CFLAGS = $(AM_CFLAGS) $(JANSSON_CFLAGS)

# What the worker is made of, uppermost first.
HG_WORKER_LIBS = \
	lib/http/libhttp.a \
	lib/rpc/librpc.a \
	lib/wire/libwire.a \
	lib/blob/libblob.a \
	lib/pack/libpack.a \
	lib/store/libstore.a \
	lib/observe/libobserve.a \
	lib/toolchain/libtoolchain.a \
	lib/proc/libproc.a \
	lib/digest/libdigest.a \
	lib/config/libconfig.a \
	lib/base/libbase.a \
	$(GRPC_LIBS) \
	$(PROTOBUF_C_LIBS) \
	$(ARCHIVE_LIBS) \
	$(ZSTD_LIBS) \
	$(CRYPTO_LIBS) \
	$(INIPARSER_LIBS) \
	$(CURL_LIBS) \
	$(JANSSON_LIBS) \
	-lpthread

check_PROGRAMS += tests/unit/worker.t
tests_unit_worker_t_SOURCES = tests/unit/worker.c
tests_unit_worker_t_CFLAGS = $(AM_CFLAGS) $(CHECK_CFLAGS)
tests_unit_worker_t_LDADD = $(bin_hg_worker_LDADD) $(CHECK_LIBS)

check_PROGRAMS += tests/unit/executor.t
tests_unit_executor_t_SOURCES = tests/unit/executor.c
tests_unit_executor_t_CFLAGS = $(AM_CFLAGS) $(CHECK_CFLAGS)
tests_unit_executor_t_LDADD = $(bin_hg_worker_LDADD) $(CHECK_LIBS)

check_PROGRAMS += tests/unit/cell.t
tests_unit_cell_t_SOURCES = tests/unit/cell.c
tests_unit_cell_t_CFLAGS = $(AM_CFLAGS) $(CHECK_CFLAGS)
tests_unit_cell_t_LDADD = $(bin_hg_worker_LDADD) $(CHECK_LIBS)

check_PROGRAMS += tests/unit/cgroup.t
tests_unit_cgroup_t_SOURCES = tests/unit/cgroup.c
tests_unit_cgroup_t_CFLAGS = $(AM_CFLAGS) $(CHECK_CFLAGS)
tests_unit_cgroup_t_LDADD = $(bin_hg_worker_LDADD) $(CHECK_LIBS)

check_PROGRAMS += tests/unit/work_dir.t
tests_unit_work_dir_t_SOURCES = tests/unit/work_dir.c
tests_unit_work_dir_t_CFLAGS = $(AM_CFLAGS) $(CHECK_CFLAGS)
tests_unit_work_dir_t_LDADD = $(bin_hg_worker_LDADD) $(CHECK_LIBS)

dist_check_SCRIPTS += tests/e2e/t4000-worker.t
