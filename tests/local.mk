EXTRA_DIST += tests/lib/unit.h
