noinst_LIBRARIES += services/coordinator/libcoordinator.a
services_coordinator_libcoordinator_a_SOURCES = \
	%D%/address.c \
	%D%/address.h \
	%D%/attempt.c \
	%D%/attempt.h \
	%D%/breaker.c \
	%D%/breaker.h \
	%D%/cache.c \
	%D%/cache.h \
	%D%/capability.c \
	%D%/capability.h \
	%D%/coordinator.c \
	%D%/coordinator.h \
	%D%/depot.c \
	%D%/depot.h \
	%D%/deps.c \
	%D%/deps.h \
	%D%/dispatch.c \
	%D%/job.c \
	%D%/job.h \
	%D%/members.c \
	%D%/queue.c \
	%D%/queue.h \
	%D%/random.c \
	%D%/random.h \
	%D%/registry.c \
	%D%/registry.h \
	%D%/retry.c \
	%D%/retry.h \
	%D%/rpc_compile.c \
	%D%/rpc_handshake.c \
	%D%/rpc_health.c \
	%D%/rpc_methods.c \
	%D%/rpc_methods.h \
	%D%/rpc_status.c \
	%D%/scheduler.c \
	%D%/scheduler.h \
	%D%/settings.c \
	%D%/settings.h \
	%D%/supply.c \
	%D%/supply.h

bin_PROGRAMS += bin/hg-coord
bin_hg_coord_SOURCES = %D%/main.c
bin_hg_coord_LDADD = \
	services/coordinator/libcoordinator.a \
	lib/rpc/librpc.a \
	lib/wire/libwire.a \
	lib/blob/libblob.a \
	lib/pack/libpack.a \
	lib/store/libstore.a \
	lib/toolchain/libtoolchain.a \
	lib/digest/libdigest.a \
	lib/config/libconfig.a \
	lib/base/libbase.a \
	$(GRPC_LIBS) \
	$(PROTOBUF_C_LIBS) \
	$(ARCHIVE_LIBS) \
	$(ZSTD_LIBS) \
	$(CRYPTO_LIBS) \
	$(XXHASH_LIBS) \
	$(INIPARSER_LIBS) \
	-lpthread

check_PROGRAMS += \
	tests/unit/coord_address.t \
	tests/unit/coord_breaker.t \
	tests/unit/coord_cache.t \
	tests/unit/coord_deps.t \
	tests/unit/coord_queue.t \
	tests/unit/coord_registry.t \
	tests/unit/coord_retry.t \
	tests/unit/coord_scheduler.t
coord_unit_libs = \
	services/coordinator/libcoordinator.a \
	lib/digest/libdigest.a \
	lib/base/libbase.a \
	$(CRYPTO_LIBS) \
	$(XXHASH_LIBS) \
	$(CHECK_LIBS)
tests_unit_coord_address_t_SOURCES = tests/unit/coord_address.c
tests_unit_coord_address_t_CFLAGS = $(AM_CFLAGS) $(CHECK_CFLAGS)
tests_unit_coord_address_t_LDADD = \
	services/coordinator/libcoordinator.a \
	lib/config/libconfig.a \
	lib/base/libbase.a \
	$(INIPARSER_LIBS) \
	$(CHECK_LIBS)
tests_unit_coord_breaker_t_SOURCES = tests/unit/coord_breaker.c
tests_unit_coord_breaker_t_CFLAGS = $(AM_CFLAGS) $(CHECK_CFLAGS)
tests_unit_coord_breaker_t_LDADD = $(coord_unit_libs)
tests_unit_coord_cache_t_SOURCES = tests/unit/coord_cache.c
tests_unit_coord_cache_t_CFLAGS = $(AM_CFLAGS) $(CHECK_CFLAGS)
tests_unit_coord_cache_t_LDADD = $(coord_unit_libs)
tests_unit_coord_deps_t_SOURCES = tests/unit/coord_deps.c
tests_unit_coord_deps_t_CFLAGS = $(AM_CFLAGS) $(CHECK_CFLAGS)
tests_unit_coord_deps_t_LDADD = \
	services/coordinator/libcoordinator.a \
	lib/wire/libwire.a \
	lib/toolchain/libtoolchain.a \
	lib/digest/libdigest.a \
	lib/base/libbase.a \
	$(PROTOBUF_C_LIBS) \
	$(CRYPTO_LIBS) \
	$(XXHASH_LIBS) \
	$(CHECK_LIBS)
tests_unit_coord_queue_t_SOURCES = tests/unit/coord_queue.c
tests_unit_coord_queue_t_CFLAGS = $(AM_CFLAGS) $(CHECK_CFLAGS)
tests_unit_coord_queue_t_LDADD = $(coord_unit_libs)
tests_unit_coord_registry_t_SOURCES = tests/unit/coord_registry.c
tests_unit_coord_registry_t_CFLAGS = $(AM_CFLAGS) $(CHECK_CFLAGS)
tests_unit_coord_registry_t_LDADD = $(coord_unit_libs)
tests_unit_coord_retry_t_SOURCES = tests/unit/coord_retry.c
tests_unit_coord_retry_t_CFLAGS = $(AM_CFLAGS) $(CHECK_CFLAGS)
tests_unit_coord_retry_t_LDADD = $(coord_unit_libs)
tests_unit_coord_scheduler_t_SOURCES = tests/unit/coord_scheduler.c
tests_unit_coord_scheduler_t_CFLAGS = $(AM_CFLAGS) $(CHECK_CFLAGS)
tests_unit_coord_scheduler_t_LDADD = $(coord_unit_libs)

dist_check_SCRIPTS += tests/e2e/t2000-coordinator.t
EXTRA_DIST += tests/e2e/coordinator.py
