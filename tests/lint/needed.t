#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# The launcher starts once per compile: what it links is start-up time. gRPC,
# curl and libarchive never reach it, be it static or dynamic.
. "$(dirname "$0")/lib.sh"

launcher=$top_builddir/bin/hg-launcher
preload=$(find "$top_builddir" -name hg-observe.so -type f | head -n 1)

needed()
{
	readelf -d "$1" | sed -n 's/.*(NEEDED).*\[\(.*\)\]/\1/p'
}

# The libraries of C itself, of sanitizers and of hashing are all there may be.
surplus()
{
	needed "$1" | grep -vE '^(ld-linux.*|lib(c|m|pthread|dl|asan|ubsan|tsan'\
'|gcc_s|stdc\+\+|xxhash|protobuf-c|crypto|iniparser|zstd|z))\.so'
}

heavy_symbols()
{
	nm -A "$1" 2>/dev/null | grep -E ' (grpc|gpr|curl_easy|archive_(read|write))_' |
		head -n 5
}

[ -x "$launcher" ] || bail_out "not built: $launcher"
empty 'the launcher needs no heavy library' "$(surplus "$launcher")"
empty 'nor was one linked into it' "$(heavy_symbols "$launcher")"
if [ -n "$preload" ]; then
	empty 'the preloaded library needs the C library alone' \
		"$(needed "$preload" | grep -vE '^(ld-linux.*|libc|libdl)\.so')"
else
	skip 'the preloaded library needs the C library alone' 'not built'
fi
plan
