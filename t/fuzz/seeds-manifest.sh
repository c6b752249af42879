printf 'path\tlabel\tbytes\txxh3\na/1.png\t3\t17\t0000000000001234\n' >good
printf 'path\tlabel\tbytes\txxh3\na/1.png\t3\t17\t0000000000001234\na/1.png\t3\t17\t0000000000001234\na\\t\\x1b\t-1\t1\tffffffffffffffff\n' >more
