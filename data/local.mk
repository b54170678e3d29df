bashcompletiondir = $(datadir)/bash-completion/completions
dist_bashcompletion_DATA = \
	%D%/bash-completion/hg-coord \
	%D%/bash-completion/hg-worker \
	%D%/bash-completion/hgbuild

hgconfdir = $(sysconfdir)/hybridgrid
dist_hgconf_DATA = \
	%D%/hybridgrid.conf.example
