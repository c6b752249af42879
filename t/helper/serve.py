# An unreliable file server: serve.py FOLDER PORTFILE [HOW...]
#   break    each response ends after 1000 bytes; ranges are served
#   no-range ranges are ignored: the whole file is sent again
#   dead     each response ends before its first byte
# The port goes to PORTFILE; requests are logged to FOLDER/../log.
import http.server, os, sys

folder, portfile, how = sys.argv[1], sys.argv[2], set(sys.argv[3:])

class Handler(http.server.BaseHTTPRequestHandler):
    def do_GET(self):
        path = os.path.join(folder, self.path.lstrip("/").split("?")[0])
        span = self.headers.get("Range")
        with open(folder + "/../log", "a") as f:
            print(self.path, span or "", file=f)
        if not os.path.isfile(path):
            return self.send_error(404)
        data = open(path, "rb").read()
        start = int(span.split("=")[1].split("-")[0]) if span and "no-range" not in how else 0
        if start and start >= len(data):
            return self.send_error(416)
        self.send_response(206 if start else 200)
        if start:
            self.send_header("Content-Range", "bytes %d-%d/%d" % (start, len(data) - 1, len(data)))
        self.send_header("Content-Length", str(len(data) - start))
        self.end_headers()
        end = start + 1000 if "break" in how else start if "dead" in how else len(data)
        self.wfile.write(data[start:end])
        self.close_connection = True

    def log_message(self, *a):
        pass

s = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
with open(portfile + ".tmp", "w") as f:
    f.write(str(s.server_address[1]))
os.rename(portfile + ".tmp", portfile)
s.serve_forever()
