# hg-docgen makes parts of documents from the tables; see docs/docgen.c.
noinst_PROGRAMS += bin/hg-docgen
bin_hg_docgen_SOURCES = \
	%D%/docgen.c \
	%D%/docgen.h \
	%D%/docgen_arguments.c
bin_hg_docgen_LDADD = lib/cc/libcc.a lib/config/libconfig.a lib/base/libbase.a \
	$(INIPARSER_LIBS)

dist_man_MANS = \
	%D%/man/hg-coord.8 \
	%D%/man/hg-launcher.1 \
	%D%/man/hg-sandbox.8 \
	%D%/man/hg-worker.8 \
	%D%/man/hgbuild.1 \
	%D%/man/hybridgrid.conf.5

dist_doc_DATA = \
	%D%/architecture.md \
	%D%/arguments.md \
	%D%/ccache.md \
	%D%/hacking.md \
	%D%/reasons.md \
	%D%/security.md

EXTRA_DIST += \
	%D%/decisions/0001-observe-inputs.md \
	%D%/decisions/0002-agent.md \
	%D%/decisions/0003-sources-not-preprocessed-text.md \
	%D%/decisions/0004-stat-signatures.md \
	%D%/decisions/0005-dependencies.md \
	%D%/decisions/0006-launcher-start-up.md \
	%D%/decisions/0007-delivery.md \
	%D%/decisions/0008-eviction.md \
	%D%/decisions/0009-cost-of-a-hit.md \
	%D%/decisions/0010-contents-by-digest.md \
	%D%/decisions/0011-include-scan.md \
	%D%/decisions/0012-sandbox.md \
	%D%/decisions/0013-containers.md

# documents with generated parts, in the source tree
.PHONY: update-docs
update-docs: bin/hg-docgen$(EXEEXT)
	cd $(srcdir) && for f in `grep -l 'generated: ' docs/*.md \
		docs/man/* data/*.example data/bash-completion/*`; do \
		$(abs_builddir)/bin/hg-docgen$(EXEEXT) $$f >$$f.tmp && \
			{ cmp -s $$f.tmp $$f || cp $$f.tmp $$f; } || exit 1; \
		rm -f $$f.tmp; \
	done

dist_check_SCRIPTS += \
	tests/lint/docs-sync.t
