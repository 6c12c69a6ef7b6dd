"""The peer: at TCP port 8080 HTTP that tells the client's address, at 8081 lines that come back."""
import http.server
import socketserver
import threading


class Who(http.server.BaseHTTPRequestHandler):
    def do_GET(self):
        body = self.client_address[0].encode()
        self.send_response(200)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *args):
        pass


class Echo(socketserver.StreamRequestHandler):
    def handle(self):
        for line in self.rfile:
            self.wfile.write(line)


class Server(socketserver.ThreadingTCPServer):
    allow_reuse_address = True
    daemon_threads = True


threading.Thread(target=Server(("203.0.113.200", 8081), Echo).serve_forever, daemon=True).start()
Server(("203.0.113.200", 8080), Who).serve_forever()
