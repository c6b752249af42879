"""terminal.py ANSWER COMMAND...: runs it on a new terminal, which answers the query for its attributes with ANSWER
(escapes as in Python; "": nothing), and prints what appears there; exits with the command's status, or with 99 if the
terminal does not echo afterwards."""
import os, pty, signal, sys, termios

answer = sys.argv[1].encode().decode("unicode_escape").encode("latin1")
pid, fd = pty.fork()
if pid == 0:
    signal.signal(signal.SIGINT, signal.SIG_DFL)  # a shell's background job ignores it
    os.execvp(sys.argv[2], sys.argv[2:])
shown, asked = b"", False
while True:
    try:
        got = os.read(fd, 65536)
    except OSError:  # the other end is closed
        got = b""
    if not got:
        break
    shown += got
    if not asked and b"\x1b[c" in shown:
        asked = True
        os.write(fd, answer)
sys.stdout.buffer.write(shown)
status = os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1])
sys.exit(status & 255 if termios.tcgetattr(fd)[3] & termios.ECHO else 99)
