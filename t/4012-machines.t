#!/bin/sh
# Several machines: two network namespaces with a cable between them, each with its own name and sshd. Ranks on both
# are one training, by hand and by ssh; shards by GNU parallel.
. "$SRC/t/lib.sh"
PATH=$PATH:/usr/sbin:/sbin
unset RANK WORLD_SIZE MASTER_ADDR MASTER_PORT
export OMP_NUM_THREADS=1
ds-synth --set id -n 120 -o train.images
train="um-train -a densenet:depth=10,growth=2 -e 1 -b 20 --sync-bn --no-history"
$train --ranks 2 -o here.ckpt train.images 2>here || sed 's/^/# /' here

# ---- GNU parallel ----
whole() { um-embed -q --no-history -m here.ckpt train.images | ts-dump --tsv | sort; }
pieces() { ts-cat -q --no-history "$@" | ts-dump --tsv | sort; }
# As man unmask-cluster has it.
shards() {
	parallel -j 2 --joblog "$1.log" --resume-failed "$2 ts-cat --shard {}/4 train.images | um-embed -q -m here.ckpt -o $1.{}.features" ::: 0 1 2 3
}
if command -v parallel >/dev/null 2>&1; then
	whole >whole
	ok 'GNU parallel: each shard a job; a job that is lost is made again, and only that' '
		mkdir lost && ! shards p "test {} != 2 || ! rmdir lost &&" 2>/dev/null && test ! -e p.2.features && : >before && sleep 0.01 &&
		shards p "" && pieces p.[0-3].features | cmp - whole && test "$(find p.*.features -newer before)" = p.2.features'
else
	ok 'GNU parallel # SKIP no parallel' :
fi

# ---- two machines ----
machine() { unshare --net --uts sh -c 'hostname "$1"; echo >"$1.up"; exec sleep 600' sh "$1" & }
on() { pid=$1; shift; nsenter -t "$pid" -n -u "$@"; } # PID COMMAND...
machine node0; zero=$!
machine node1; one=$!
trap 'kill $zero $one $(cat sshd.*.pid 2>/dev/null) 2>/dev/null; wait; [ -n "$planned" ] || echo "# ended after test $n, in: $claim"
	rm -rf "$scratch"' EXIT
for i in 1 2 3 4 5 6 7 8 9 10; do [ -s node0.up ] && [ -s node1.up ] && break; sleep 0.1; done
if ! { ip link add cable netns $zero type veth peer name cable netns $one && on $zero ip addr add 10.77.0.1/24 dev cable &&
	on $one ip addr add 10.77.0.2/24 dev cable && for pid in $zero $one; do on $pid ip link set lo up && on $pid ip link set cable up || exit; done; } 2>why
then
	ok "two machines # SKIP no network namespaces: $(head -n 1 why)" :
	done_testing
fi
apart() {                              # OUT COMMAND...: rank 0 on one, rank 1 on the other
	out=$1; shift
	on $one env MASTER_ADDR=10.77.0.1 RANK=1 WORLD_SIZE=2 "$@" -o x.ckpt train.images 2>said.1 & rank=$!
	on $zero env MASTER_ADDR=10.77.0.1 RANK=0 WORLD_SIZE=2 "$@" -o "$out" train.images 2>said.0
	first=$?
	wait $rank && return $first
}
ok 'two machines: the training is that of two ranks on one' 'apart apart.ckpt $train && cmp here.ckpt apart.ckpt && test ! -s said.1'
if [ "${SLOW:-}" = yes ]; then # a minute of waiting
	( while ! grep -q '^epoch=2' said.0 2>/dev/null; do sleep 0.1; done; on $zero ip link set cable down ) & pulls=$!
	rm -f said.0
	ok 'the cable is pulled: both say within two minutes that the other is gone' '! timeout 150 sh -c "$(sed -n "/^on()/p; /^apart()/,/^}/p" "$SRC/t/4012-machines.t")
		zero=$zero one=$one; apart x $train -e 1000" && grep -q "rank 1 of 2 is gone" said.0 && grep -q "rank 0 of 2 is gone" said.1'
	wait $pulls; on $zero ip link set cable up
fi

# ---- ssh ----
if ! command -v sshd >/dev/null 2>&1 || [ "$(id -u)" != 0 ]; then
	ok 'ssh # SKIP no sshd, or not root' :
	done_testing
fi
mkdir -p /run/sshd
ssh-keygen -q -t ed25519 -N '' -f key
for i in 0 1; do
	pid=$([ $i = 0 ] && echo $zero || echo $one)
	cat >sshd.$i <<-END
		Port 2222
		HostKey $PWD/key
		PidFile $PWD/sshd.$i.pid
		AuthorizedKeysFile $PWD/key.pub
		StrictModes no
		PermitRootLogin yes
		UsePAM no
	END
	printf 'Host node%s\n HostName 10.77.0.%s\n Port 2222\n IdentityFile %s\n StrictHostKeyChecking no\n UserKnownHostsFile /dev/null\n LogLevel ERROR\n' \
		$i $((i + 1)) "$PWD/key" >>config
	on $pid "$(command -v sshd)" -f sshd.$i
done
cat >by-ssh <<-END
	for r in 0 1; do
		ssh -F config node\$r "cd $PWD && PATH=$PATH; hostname >host.\$r; RANK=\$r WORLD_SIZE=2 MASTER_ADDR=10.77.0.1 MASTER_PORT=29500 \\
			$train --threads 1 -o ssh.\$r.ckpt train.images" 2>said.\$r &
	done
	wait
END
ok 'ssh, as man unmask-cluster has it: the same' 'on $zero sh ./by-ssh && cat said.1 && cmp here.ckpt ssh.0.ckpt && test ! -e ssh.1.ckpt &&
	test $(cat host.0) = node0 -a $(cat host.1) = node1 || { sed "s/^/# /" said.0 said.1; false; }'
command -v parallel >/dev/null 2>&1 && ok 'GNU parallel over ssh: the same' '
	on $zero parallel -j 2 --ssh "ssh -F config" --sshlogin node0,node1 --workdir . --env PATH \
		"ts-cat --shard {}/4 train.images | um-embed -q -m here.ckpt -o s.{}.features" ::: 0 1 2 3 && pieces s.[0-3].features | cmp - whole'
done_testing
