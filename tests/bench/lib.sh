# SPDX-License-Identifier: Apache-2.0
# shellcheck shell=sh
#
# What the benchmarks share: the sources they compile, lines for spawnbench and
# replay, times. The caller is in a folder of its own, $hg_dir, and has
# tests/lib/farm.sh and projects.sh.

# -- the sources

cat >small.c <<'END'
int add(int a, int b)
{
	return a + b;
}
END
for h in arpa/inet ctype dirent errno fcntl fenv ftw glob grp iconv inttypes \
	langinfo limits locale math mqueue net/if netdb netinet/in poll \
	pthread pwd regex sched search semaphore setjmp signal spawn stdio \
	stdlib string strings sys/epoll sys/ipc sys/mman sys/resource \
	sys/select sys/socket sys/stat sys/time sys/types sys/un sys/wait \
	syslog termios time ucontext unistd utime wchar wctype; do
	echo "#include <$h.h>"
done >headers.c
# these make it 330 headers, where Linux's own are of today
for h in aio_abi audit auxvec bpf btrfs bsg can capability cn_proc dccp \
	dm-ioctl elf ethtool fanotify fb fiemap filter fs futex fuse genetlink \
	hdreg hidraw if_addr if_alg if_bonding if_bridge if_link if_packet \
	if_tun if_vlan inet_diag input io_uring ip6_tunnel ipmi jffs2 joystick \
	kcmp kd kexec keyboard keyctl kvm loop lirc magic major media \
	membarrier memfd mempolicy mii minix_fs module mpls mroute msdos_fs \
	mtio nbd neighbour net_tstamp netconf netdevice netlink nfs nfs_fs \
	nl80211 nvme_ioctl; do
	[ ! -e "/usr/include/linux/$h.h" ] || echo "#include <linux/$h.h>"
done >>headers.c
echo 'int main(void) { return 0; }' >>headers.c
printf '#include <iostream>\nint main() { std::cout << 1; }\n' >iostream.cc
printf '#include <regex>\nint main() { return std::regex_match("a", %s); }\n' \
	'std::regex("a+")' >regex.cc
cases='small.c headers.c iostream.cc regex.cc'
# what makes a compile a new one each round
for case in $cases; do
	printf '#ifdef ROUND\nint round_number = ROUND;\n#endif\n' >>$case
done

compiler_of()
{
	case $1 in
	*.cc) echo g++ ;;
	*) echo gcc ;;
	esac
}

# -- lines for spawnbench and replay

# words WORD...: with tabs between
words()
{
	(
		IFS='	'
		printf '%s\n' "$*"
	)
}

# compile OUTPUT SOURCE [ARGUMENT...]: as Ninja runs it, for spawnbench's file.
# Each program has outputs of its own, as they find what the last run has left.
compile()
{
	c_output=$1
	c_source=$2
	shift 2
	words "$(compiler_of "$c_source")" -g -MD -MF "$c_output.d" "$@" \
		-c "$c_source" -o "$c_output.o"
}

# A launcher that writes down what it runs
cat >record <<END
#!/bin/sh
IFS='	'
printf '%s\n' "\$PWD	\$*" >>"$hg_dir/recorded"
unset IFS
exec "\$@"
END
chmod +x record

# record_project NAME: the compiles of its build go to the file commands. Status 1
# when it cannot be had or built here.
record_project()
{
	project_fetch "$1" || return 1
	rm -f recorded
	project_prepare "$1" "$hg_dir/record" >/dev/null
	project_build "$1" 2 >build.log 2>&1 || {
		echo "$1 cannot be built here:"
		tail -n 3 build.log
		return 1
	}
	grep '	-c	' recorded >commands
}

# -- times

# The median of column COLUMN of FILE
median()
{
	cut -f "$1" "$2" | sort -n | awk '{ v[NR] = $1 }
		END { print v[int((NR + 1) / 2)] }'
}

# cpu_us PID...: of processes and the children they waited for, so far
cpu_us()
{
	for cpu_pid in "$@"; do
		# what ended threads took is in no other file
		sed 's/.*) //' "/proc/$cpu_pid/stat"
	done | awk -v hz="$(getconf CLK_TCK)" '
	{ ticks += $12 + $13 + $14 + $15 }
	END { printf "%d\n", ticks * 1000000 / hz }'
}
