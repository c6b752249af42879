#!/bin/sh
# slurm.sh FOLDER COMMAND...: runs the command with a private Slurm, a controller and two nodes on this machine, started
# before it and stopped after it. Exit 77: Slurm cannot run here.
[ $# -ge 2 ] || { echo 'usage: slurm.sh FOLDER COMMAND...' >&2; exit 2; }
dir=$1; shift
PATH=$PATH:/usr/sbin:/sbin
for program in munged slurmctld slurmd srun; do
	command -v $program >/dev/null 2>&1 || { echo "no $program" >&2; exit 77; }
done
[ "$(id -u)" = 0 ] || { echo 'slurmd wants to be root' >&2; exit 77; }
mkdir -p "$dir" && cd "$dir" || exit 1
dir=$PWD port=$((21000 + $$ % 9000))
mkdir -p state spool.n1 spool.n2 munge
chmod 755 . munge; chmod 700 munge state
head -c 1024 /dev/urandom >munge/key; chmod 600 munge/key
cat >slurm.conf <<-END
	ClusterName=test
	SlurmctldHost=$(hostname)(127.0.0.1)
	SlurmctldPort=$port
	SlurmUser=root
	AuthType=auth/munge
	AuthInfo=socket=$dir/munge/socket
	StateSaveLocation=$dir/state
	SlurmdSpoolDir=$dir/spool.%n
	SlurmctldPidFile=$dir/slurmctld.pid
	SlurmdPidFile=$dir/slurmd.%n.pid
	SlurmctldLogFile=$dir/slurmctld.log
	SlurmdLogFile=$dir/slurmd.%n.log
	ProctrackType=proctrack/linuxproc
	TaskPlugin=task/none
	SelectType=select/cons_tres
	SelectTypeParameters=CR_CPU
	SlurmdParameters=config_overrides
	ReturnToService=2
	MpiDefault=none
	NodeName=n1 NodeHostName=$(hostname) NodeAddr=127.0.0.1 Port=$((port + 1)) CPUs=4 State=UNKNOWN
	NodeName=n2 NodeHostName=$(hostname) NodeAddr=127.0.0.1 Port=$((port + 2)) CPUs=4 State=UNKNOWN
	PartitionName=all Nodes=n1,n2 Default=YES MaxTime=INFINITE State=UP
END
export SLURM_CONF="$dir/slurm.conf"
# Stops them, by the process ids in their pid files, and waits until they are gone.
stop() {
	for f in slurmd.n1 slurmd.n2 slurmctld munged; do
		[ -s "$dir/$f.pid" ] && cat "$dir/$f.pid"
	done >"$dir/pids"
	for pid in $(cat "$dir/pids"); do
		kill "$pid" 2>/dev/null
		tries=0
		while kill -0 "$pid" 2>/dev/null && [ $tries -lt 100 ]; do sleep 0.1; tries=$((tries + 1)); done
	done
}
trap stop EXIT
munged --force --key-file="$dir/munge/key" --socket="$dir/munge/socket" --pid-file="$dir/munged.pid" \
	--log-file="$dir/munged.log" --seed-file="$dir/munge/seed" || exit 77
slurmctld -f slurm.conf 2>>start.log || exit 77
slurmd -N n1 -f slurm.conf 2>>start.log && slurmd -N n2 -f slurm.conf 2>>start.log || exit 77
for i in 1 2 3 4 5 6 7 8 9 10 11 12 13 14 15 16 17 18 19 20 21 22 23 24 25 26 27 28 29 30; do
	[ "$(sinfo -h -t idle -o %D 2>/dev/null)" = 2 ] && break
	[ $i = 30 ] && { sinfo >&2; tail -n 5 slurm*.log >&2; exit 77; }
	sleep 1
done
cd "$OLDPWD" || exit 1
"$@"
