# Detectors of a small network, without the checksum in END; with a fit, with a threshold per class, with a reference.
open_end() { sed 's/xxh3\xb0[0-9a-f]\{16\}$/xxh3\xc0/'; }
"$BUILD/t/helper/golden-net" ckpt conv2:width=0.02 2 8 >../det.ckpt
"$BUILD/t/helper/golden-net" images 12 2 8 >../det.images
"$BUILD/um-embed" -q --no-history -m ../det.ckpt ../det.images >../det.features
"$BUILD/ood-fit" -q --no-history ../det.features >../det.fit
for m in msp energy knn:k=2 dice; do
	"$BUILD/ood-score" -q --no-history -f ../det.fit -m $m ../det.features >../det.scores
	"$BUILD/ood-threshold" -q -a 0.3 --no-history -o ../det.thr ../det.scores
	"$BUILD/ood-pack" -q --no-history -m ../det.ckpt -f ../det.fit -t ../det.thr -r ../det.scores | open_end >"$m"
done
unset -f open_end
