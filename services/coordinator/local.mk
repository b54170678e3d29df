noinst_LIBRARIES += services/coordinator/libcoordinator.a
services_coordinator_libcoordinator_a_SOURCES = \
	%D%/breaker.c \
	%D%/breaker.h \
	%D%/cache.c \
	%D%/cache.h \
	%D%/capability.c \
	%D%/capability.h \
	%D%/queue.c \
	%D%/queue.h \
	%D%/random.c \
	%D%/random.h \
	%D%/registry.c \
	%D%/registry.h \
	%D%/retry.c \
	%D%/retry.h \
	%D%/scheduler.c \
	%D%/scheduler.h

check_PROGRAMS += \
	tests/unit/coord_breaker.t \
	tests/unit/coord_cache.t \
	tests/unit/coord_queue.t \
	tests/unit/coord_registry.t \
	tests/unit/coord_retry.t \
	tests/unit/coord_scheduler.t
coord_unit_libs = \
	services/coordinator/libcoordinator.a \
	lib/digest/libdigest.a \
	lib/base/libbase.a \
	$(XXHASH_LIBS) \
	$(CHECK_LIBS)
tests_unit_coord_breaker_t_SOURCES = tests/unit/coord_breaker.c
tests_unit_coord_breaker_t_CFLAGS = $(AM_CFLAGS) $(CHECK_CFLAGS)
tests_unit_coord_breaker_t_LDADD = $(coord_unit_libs)
tests_unit_coord_cache_t_SOURCES = tests/unit/coord_cache.c
tests_unit_coord_cache_t_CFLAGS = $(AM_CFLAGS) $(CHECK_CFLAGS)
tests_unit_coord_cache_t_LDADD = $(coord_unit_libs)
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
