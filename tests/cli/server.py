"""A small file server for the tests of `harness data fetch`.

Serves the files of the folder on 127.0.0.1, with ranges and ETags unless told otherwise, and writes the port into
`port`. Every request becomes a line of `requests`. The first word of a path may ask for trouble:
  /cut/N/NAME    announces the whole file but closes after N bytes (unless a range is asked for)
  /plain/NAME    knows no ranges and no tags
  /moved/NAME    redirects to /NAME
"""
import hashlib
import http.server
import os
import sys


class Handler(http.server.BaseHTTPRequestHandler):
    def log_message(self, *words):
        pass

    def do_GET(self):
        with open("requests", "a") as log:
            print(self.path, self.headers.get("Range", "-"), file=log)
        words = self.path.strip("/").split("/")
        name = words[-1]
        if words[0] == "moved":
            self.send_response(302)
            self.send_header("Location", "/" + name)
            self.end_headers()
            return
        if not os.path.exists(name):
            self.send_error(404)
            return
        with open(name, "rb") as f:
            body = f.read()
        tag = '"%s"' % hashlib.sha256(body).hexdigest()[:16]
        wanted = self.headers.get("Range")
        if words[0] == "plain":
            wanted = None
        elif wanted and self.headers.get("If-Range", tag) != tag:
            wanted = None
        begin = int(wanted[len("bytes="):-1]) if wanted else 0
        if wanted and begin >= len(body):
            self.send_response(416)
            self.send_header("Content-Range", "bytes */%d" % len(body))
            self.send_header("Content-Length", "0")
            self.end_headers()
            return
        self.send_response(206 if wanted else 200)
        self.send_header("Content-Length", str(len(body) - begin))
        if wanted:
            self.send_header("Content-Range", "bytes %d-%d/%d" % (begin, len(body) - 1, len(body)))
        if words[0] != "plain":
            self.send_header("ETag", tag)
        self.end_headers()
        end = int(words[1]) if words[0] == "cut" and not wanted else len(body)
        self.wfile.write(body[begin:end])


os.chdir(sys.argv[1])
server = http.server.HTTPServer(("127.0.0.1", 0), Handler)
with open("port.part", "w") as f:
    print(server.server_port, file=f)
os.rename("port.part", "port")
server.serve_forever()
