#!/bin/sh
# make bench: speed and memory use, into t/perf/RESULTS.md. Nothing is asserted: timings on busy machines are
# unreliable.
#   ROUNDS=5     measurements of the forward pass; the median counts
#   PYTHON=...   another Python with PyTorch, torchvision and msgpack-numpy
work=$(mktemp -d) || exit 1
trap 'rm -rf "$work"' EXIT
threads=$(nproc)
measure=$BUILD/t/helper/measure

cold() {                               # 1,000 images from a cold start
	cd "$work" || exit 1
	golden-net ckpt densenet:depth=100,growth=12 10 >m.ckpt && um-ckpt export -q -o m.pth m.ckpt &&
	ds-synth --set id -n 1000 -o x.images && /usr/bin/python3 -c 'import numpy
numpy.save("x.npy", numpy.random.default_rng(0).integers(0, 256, (1000, 3, 32, 32), dtype="u1"))' || return
	ours=$("$measure" 3 um-embed -q -m m.ckpt -o out.ts x.images)
	python=$("$measure" 3 /usr/bin/python3 "$SRC/t/perf/script.py" m.pth x.npy out.npy)
	echo "$ours $python" | awk '{
		printf "1,000 images from a cold start, DenseNet-100: um-embed %.2f s and %.0f MiB, ", $1, $3
		printf "a Python script (`t/perf/script.py`) %.2f s and %.0f MiB: %.1fx.\n", $4, $6, $4 / $1 }'
}

{
	echo '# What `make bench` measured'
	echo
	echo "On $threads cores of $(sed -n 's/^model name.*: //p' /proc/cpuinfo | head -n 1)" \
		"($(grep -o -w -E 'avx2|avx512f' /proc/cpuinfo | sort -u | paste -sd ' ')), at commit" \
		"$(git -C "$SRC" describe --always --dirty 2>/dev/null)."
	echo
	if [ "$TORCH" != no ] && /usr/bin/python3 -c 'import torch, torchvision' 2>/dev/null; then
		echo '## Forward pass, images a second'
		echo
		echo 'Median (± half of the range) of rounds that take turns, in steady state. `t/perf/forward.py` says how.'
		echo
		/usr/bin/python3 "$SRC/t/perf/forward.py" "$SRC" "$BUILD" "$threads" "${ROUNDS:-5}" /usr/bin/python3 $PYTHON
		echo
		(PATH=$BUILD/t/helper:$PATH; cold)
		echo
		echo '## Training step, images a second'
		echo
		echo 'Median (± half of the range) of rounds that take turns, in steady state. `t/perf/training.py` says how.'
		echo
		PYTHONDONTWRITEBYTECODE=1 /usr/bin/python3 "$SRC/t/perf/training.py" "$SRC" "$BUILD" "$threads" "${ROUNDS:-5}" \
			/usr/bin/python3 $PYTHON
		echo
		PYTHONDONTWRITEBYTECODE=1 /usr/bin/python3 "$SRC/t/perf/methods.py" "$SRC" "$BUILD" "$threads" "${ROUNDS:-5}" \
			/usr/bin/python3 $PYTHON
		echo
	fi
	echo '## Programs'
	echo
	sh "$SRC/t/perf/programs.sh" | sed -u 's/^/    /'
} | tee "$work/RESULTS.md"
mv "$work/RESULTS.md" "$SRC/t/perf/RESULTS.md"
