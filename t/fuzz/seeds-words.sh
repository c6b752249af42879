i=0
for text in densenet densenet:depth=22,growth=12,reduction=0.5,bottleneck=0,affine=1 wideresnet:depth=16 resnet18 conv4:width=0.5 \
	all msp,energy:temperature=2 react:percentile=85,90:x=1 ash-p:percentile=65 knn:k=10,50 0.5,0.4,0.3 1e5 -7 '<f4'; do
	i=$((i + 1)); printf '%s' "$text" >$i
done
