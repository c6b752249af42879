# Two images of 2 x 3 and labels, compressed and not, of both types that labels come in.
if command -v /usr/bin/python3 >/dev/null; then
	for how in True False; do /usr/bin/python3 -c "import numpy as np, scipy.io
x = np.arange(36, dtype=np.uint8).reshape(2, 3, 3, 2)
scipy.io.savemat('uint8-$how', {'X': x, 'y': np.array([[1], [10]], np.uint8)}, do_compression=$how, appendmat=False)
scipy.io.savemat('double-$how', {'X': x, 'y': np.array([[1.], [2.]])}, do_compression=$how, appendmat=False)
scipy.io.savemat('other-$how', {'note': 'words', 'z': {'a': 1, 'b': [1, 2]}}, do_compression=$how, appendmat=False)"; done
fi
