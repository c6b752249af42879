printf 'method\tset\tauroc\tfpr95\tn_id\nmsp\ta\t0.5\t-\t10\nenergy\taverage\t1e-3\t1\t10\n' >plain
printf 'model\tmethod\tset\tauroc\tauroc_low\tauroc_high\nbase\tmsp\ta\t0.5\t0.4\t0.6\nmodel\tmethod\tset\tauroc\nbase\tmsp\tb\tnan\n' >model
