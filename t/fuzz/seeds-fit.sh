# Fits of few rows and thresholds, without the checksum in END.
open_end() { sed 's/xxh3\xb0[0-9a-f]\{16\}$/xxh3\xc0/'; }
awk 'BEGIN { for (i = 0; i < 6; i++) print i % 2, 1 - i % 2, i, i * i % 3, i / 7, i % 3, i % 2, "r" i }' >../fit.rows
"$BUILD/t/helper/ts-gen" features logits:f4:2,features:f4:3,layer0:f4:1,label:i8,name:str <../fit.rows >../fit.features
"$BUILD/ood-fit" -q --no-history ../fit.features | open_end >whole
"$BUILD/ood-fit" -q --bank 0 --no-history ../fit.features | open_end >no-bank
{ echo f.0,f.1,f.2,label; cut -d ' ' -f 3-5,7 --output-delimiter=, ../fit.rows; } | "$BUILD/ts-import" -q - | "$BUILD/ood-fit" -q --no-history | open_end >alone
"$BUILD/t/helper/ts-gen" scores msp:f4,wide:f8,label:i8,pred:i8,name:str 20 1 >../fit.scores
"$BUILD/ood-threshold" -q -a 0.5 --no-history ../fit.scores | open_end >threshold
"$BUILD/ood-threshold" -q -a 0.5 --per-class-fallback --no-history ../fit.scores | open_end >per-class
unset -f open_end
