printf 'val_0.JPEG\tn01443537\t0\t32\t44\t62\nval_1.JPEG\tn02123045\t1\t2\t3\t4\n' >val
printf 'n01443537\tgoldfish, Carassius auratus\nn02123045\ttabby, tabby cat\n' >words
printf 'n02119789 1 kit_fox\nn02100735 2 English_setter\n' >map
