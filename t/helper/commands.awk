# The commands of a manual page, as a reader types them: awk -v out=DIR -f commands.awk PAGE
# writes each block of .Bd -literal, and each line of .Dl, to DIR/01, DIR/02, ... in their order.
function text(s)
{
	gsub(/\\-/, "-", s)
	gsub(/\\e/, "\\", s)
	gsub(/\\&/, "", s)
	sub(/^\$ /, "", s)
	return s
}
function begin() { file = sprintf("%s/%02d", out, ++n) }
/^\.Bd -literal/ { begin(); inside = 1; next }
/^\.Ed/ { if (inside) close(file); inside = 0; next }
/^\.Dl / { begin(); print text(substr($0, 5)) >file; close(file); next }
inside && !/^\./ { print text($0) >file }
