printf 'a/1.png 0\nb/2.png -1\n' >list
printf '# those\na\tone\nb\n' >classes
printf 'a\tpet\nb\t-\n' >map
