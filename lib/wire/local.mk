# Messages. What protoc-c makes is built here, never kept; its objects, which
# are compiled without warnings, become part of the library that uses them.
HG_PROTOS = \
	proto/agent.proto \
	proto/hybridgrid.proto
HG_PROTOS_C = \
	proto/agent.pb-c.c \
	proto/hybridgrid.pb-c.c
HG_PROTOS_H = \
	proto/agent.pb-c.h \
	proto/hybridgrid.pb-c.h
EXTRA_DIST += $(HG_PROTOS)
BUILT_SOURCES += $(HG_PROTOS_H)
CLEANFILES += $(HG_PROTOS_C) $(HG_PROTOS_H)

HG_PROTOC_C = $(AM_V_GEN)$(MKDIR_P) proto && $(PROTOC_C) \
	--proto_path=$(top_srcdir) --c_out=.

proto/agent.pb-c.c: $(top_srcdir)/proto/agent.proto
	$(HG_PROTOC_C) $(top_srcdir)/proto/agent.proto
proto/hybridgrid.pb-c.c: $(top_srcdir)/proto/hybridgrid.proto
	$(HG_PROTOC_C) $(top_srcdir)/proto/hybridgrid.proto
# the header comes with the source
proto/agent.pb-c.h: proto/agent.pb-c.c
	@test -f $@ || { rm -f $?; $(MAKE) $(AM_MAKEFLAGS) $?; }
proto/hybridgrid.pb-c.h: proto/hybridgrid.pb-c.c
	@test -f $@ || { rm -f $?; $(MAKE) $(AM_MAKEFLAGS) $?; }

noinst_LIBRARIES += lib/wire/libpb.a
nodist_lib_wire_libpb_a_SOURCES = \
	$(HG_PROTOS_C) \
	$(HG_PROTOS_H)
lib_wire_libpb_a_SOURCES =
lib_wire_libpb_a_CFLAGS = $(AM_CFLAGS) $(PROTOBUF_C_CFLAGS) -w

# Either library is whole by itself, beside lib/base and $(PROTOBUF_C_LIBS); a
# program that links both gets the part they share once.
lib_wire_codec_sources = \
	%D%/check.c \
	%D%/codec.c \
	%D%/codec.h \
	%D%/utf8.c \
	%D%/utf8.h

noinst_LIBRARIES += lib/wire/libwire.a
lib_wire_libwire_a_SOURCES = \
	$(lib_wire_codec_sources) \
	%D%/packed.c \
	%D%/packed.h \
	%D%/wire.c \
	%D%/wire.h
lib_wire_libwire_a_CFLAGS = $(AM_CFLAGS) $(PROTOBUF_C_CFLAGS)
lib_wire_libwire_a_LIBADD = proto/lib_wire_libpb_a-hybridgrid.pb-c.$(OBJEXT)
lib_wire_libwire_a_DEPENDENCIES = $(lib_wire_libwire_a_LIBADD)

lib/wire/libwire_a-wire.$(OBJEXT): proto/hybridgrid.pb-c.h

noinst_LIBRARIES += lib/wire/libagentmsg.a
lib_wire_libagentmsg_a_SOURCES = \
	$(lib_wire_codec_sources) \
	%D%/agent_frame.c \
	%D%/agent_msg.c \
	%D%/agent_msg.h
lib_wire_libagentmsg_a_CFLAGS = $(AM_CFLAGS) $(PROTOBUF_C_CFLAGS)
lib_wire_libagentmsg_a_LIBADD = proto/lib_wire_libpb_a-agent.pb-c.$(OBJEXT)
lib_wire_libagentmsg_a_DEPENDENCIES = $(lib_wire_libagentmsg_a_LIBADD)

lib/wire/libagentmsg_a-agent_msg.$(OBJEXT): proto/agent.pb-c.h

check_PROGRAMS += tests/unit/packed.t
tests_unit_packed_t_SOURCES = tests/unit/packed.c
tests_unit_packed_t_CFLAGS = $(AM_CFLAGS) $(CHECK_CFLAGS)
tests_unit_packed_t_LDADD = lib/wire/libwire.a lib/store/libstore.a \
	lib/base/libbase.a $(PROTOBUF_C_LIBS) $(ZSTD_LIBS) $(CHECK_LIBS)

check_PROGRAMS += tests/unit/wire.t
tests_unit_wire_t_SOURCES = tests/unit/wire.c
tests_unit_wire_t_CFLAGS = $(AM_CFLAGS) $(CHECK_CFLAGS)
tests_unit_wire_t_LDADD = lib/wire/libwire.a lib/digest/libdigest.a \
	lib/base/libbase.a $(PROTOBUF_C_LIBS) $(CRYPTO_LIBS) $(CHECK_LIBS)

check_PROGRAMS += tests/unit/agent_msg.t
tests_unit_agent_msg_t_SOURCES = tests/unit/agent_msg.c
tests_unit_agent_msg_t_CFLAGS = $(AM_CFLAGS) $(CHECK_CFLAGS)
tests_unit_agent_msg_t_LDADD = lib/wire/libagentmsg.a lib/base/libbase.a \
	$(PROTOBUF_C_LIBS) $(CHECK_LIBS)
