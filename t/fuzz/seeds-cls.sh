printf '3\n0\n12' >numbers
printf ' 7 \n2147483647\n-1' >edge
printf 'cat\n\n0\0001' >words
