# Small images of each form.
for form in png png16 pngmap jpeg jpeggray webp webpl; do "$BUILD/t/helper/image-gen" $form 9 6 >$form; done
