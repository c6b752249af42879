printf '1.5\n-2\n3e-2\nnan\ninf\n' >numbers
printf 'name\tmsp\tlabel\tpred\na\t0.5\t1\t1\nb\t-0.25\t-1\t0\n' >tsv
printf '\357\273\277"","msp","energy"\r\n"1",0.5,1e-3\r\n"2",0.25,-1e300\r\n\r\n' >csv
printf '# msp energy\n 0.50  1.0\n-1.5 2\n' >savetxt
printf 'msp;x\n0,5;1\n' >comma
"$BUILD/t/helper/ts-gen" scores msp:f4,wide:f8,label:i8,pred:i8,name:str 4 1 | sed 's/xxh3\xb0[0-9a-f]\{16\}$/xxh3\xc0/' >stream
