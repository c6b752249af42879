# Two images of 2 x 3, labels, QMNIST's labels of four bytes, and the images gzipped.
printf '\000\000\010\003\000\000\000\002\000\000\000\002\000\000\000\003abcdefghijkl' >images
printf '\000\000\010\001\000\000\000\002\003\004' >labels
printf '\000\000\014\002\000\000\000\001\000\000\000\002\000\000\000\005\000\000\000\006' >ints
gzip -nc images >gz
