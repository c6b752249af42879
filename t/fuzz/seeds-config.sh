printf -- '---\n# how\nepochs: 3\nlr: 0.1\nnesterov: true\noutput: "a\\tb"\n...\n' >plain
printf "arch: 'densenet:depth=22'\nmean: |\n  0.5,\n  0.5\nnote: >-\n  two\n  lines\n? key\n: value\n" >forms
printf '%%YAML 1.1\n%%TAG !x! tag:x,2000:\n---\na: &b !!str c\nd: *b\n' >alias
printf 'a: [1, {b: c}]\n' >list
printf '\377\376a\000:\000 \000b\000\n\000' >utf16
