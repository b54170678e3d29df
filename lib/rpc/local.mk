noinst_LIBRARIES += lib/rpc/librpc.a
lib_rpc_librpc_a_SOURCES = \
	%D%/client.c \
	%D%/common.c \
	%D%/core.h \
	%D%/loop.c \
	%D%/request.c \
	%D%/request.h \
	%D%/rpc.h \
	%D%/server.c \
	%D%/timer.c \
	%D%/wait.c
lib_rpc_librpc_a_CFLAGS = $(AM_CFLAGS) $(GRPC_CFLAGS)

check_PROGRAMS += tests/unit/rpc.t
tests_unit_rpc_t_SOURCES = tests/unit/rpc.c
tests_unit_rpc_t_CFLAGS = $(AM_CFLAGS) $(CHECK_CFLAGS)
tests_unit_rpc_t_LDADD = lib/rpc/librpc.a lib/base/libbase.a \
	$(GRPC_LIBS) $(CHECK_LIBS)
