"""Servers that the tests of slotd-calsync run against, each on a port of its own on 127.0.0.1, in a folder of its own."""
import http.server
import os
import signal
import socket
import ssl
import subprocess
import threading
import time

WAIT_SECONDS = 60


def free_port():
    """Below the range that outgoing connections are given, as tests/drive/server.c does."""
    for i in range(2000):
        port = 32000 + (os.getpid() * 7 + free_port.tried) % 700
        free_port.tried += 1
        with socket.socket() as probe:
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            try:
                probe.bind(("127.0.0.1", port))
                return port
            except OSError:
                continue
    raise RuntimeError("no free port")


free_port.tried = 0


class Process:
    """A program that answers on self.port."""

    def __init__(self, folder, words, port):
        self.port = port
        self.log = open(os.path.join(folder, os.path.basename(words[0]) + ".log"), "ab")
        self.child = subprocess.Popen(words, stdout=self.log, stderr=self.log, stdin=subprocess.DEVNULL, cwd=folder)
        deadline = time.monotonic() + WAIT_SECONDS
        while True:
            try:
                socket.create_connection(("127.0.0.1", port), 1).close()
                return
            except OSError:
                try:  # its end, or a moment
                    self.child.wait(0.02)
                    raise RuntimeError(f"{words[0]} ended: see {self.log.name}")
                except subprocess.TimeoutExpired:
                    pass
            if time.monotonic() > deadline:
                raise RuntimeError(f"{words[0]} does not answer")

    def stop(self):
        self.child.send_signal(signal.SIGTERM)
        try:
            return self.child.wait(WAIT_SECONDS)
        except subprocess.TimeoutExpired:
            self.child.kill()
            return self.child.wait()
        finally:
            self.log.close()


def slotd(folder, binaries, *options):
    port = free_port()
    return Process(folder, [os.path.join(binaries, "slotd"), "--bind", "127.0.0.1", "--port", str(port), "--dir",
                            os.path.join(folder, "data"), "--segment-size", "1mb", *options], port)


def nginx(folder):
    """Static files with ETag, Last-Modified and 304, from folder/www."""
    port = free_port()
    os.makedirs(os.path.join(folder, "www"), exist_ok=True)
    os.chmod(folder, 0o755)
    user = "user root;" if os.geteuid() == 0 else ""
    with open(os.path.join(folder, "nginx.conf"), "w") as file:
        file.write(f"""daemon off; {user} worker_processes 1; pid {folder}/nginx.pid; error_log {folder}/nginx-error.log;
            events {{ worker_connections 256; }}
            http {{ access_log {folder}/access.log; gzip on; gzip_types text/calendar; types {{ text/calendar ics; }}
                client_body_temp_path {folder}/t1; proxy_temp_path {folder}/t2; fastcgi_temp_path {folder}/t3;
                uwsgi_temp_path {folder}/t4; scgi_temp_path {folder}/t5;
                server {{ listen 127.0.0.1:{port}; root {folder}/www; }} }}""")
    return Process(folder, ["/usr/sbin/nginx", "-p", folder, "-c", os.path.join(folder, "nginx.conf")], port)


def xandikos(folder):
    port = free_port()
    return Process(folder, ["/usr/bin/xandikos", "--defaults", "-d", os.path.join(folder, "dav"), "-l", "127.0.0.1",
                            "-p", str(port)], port)


def radicale(folder):
    """With a user: ada, whose password is secret-word."""
    port = free_port()
    with open(os.path.join(folder, "users"), "w") as file:
        file.write("ada:secret-word\n")
    with open(os.path.join(folder, "radicale.conf"), "w") as file:
        file.write(f"""[server]\nhosts = 127.0.0.1:{port}\n[auth]\ntype = htpasswd\nhtpasswd_filename = {folder}/users
htpasswd_encryption = plain\n[storage]\nfilesystem_folder = {folder}/collections\n[rights]\ntype = owner_only\n""")
    return Process(folder, ["/usr/bin/radicale", "--config", os.path.join(folder, "radicale.conf")], port)


class Hostile:
    """An HTTP server that answers each path as the test says: paths[path] = function(handler)."""

    def __init__(self, certificate=None):
        self.paths = {}
        self.asked = []
        hostile = self

        class Handler(http.server.BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def do_GET(self):
                hostile.asked.append((self.command, self.path, dict(self.headers)))
                size = int(self.headers.get("Content-Length", 0))
                self.sent = self.rfile.read(size)
                try:
                    hostile.paths[self.path](self)
                except (BrokenPipeError, ConnectionResetError):
                    self.close_connection = True

            do_REPORT = do_GET

            def answer(self, status, body=b"", **headers):
                self.send_response(status)
                for name, value in headers.items():
                    self.send_header(name.replace("_", "-"), value)
                self.send_header("Content-Length", str(len(body)))
                self.end_headers()
                self.wfile.write(body)

            def log_message(self, *_):
                pass

        class Server(http.server.ThreadingHTTPServer):
            daemon_threads = True

            def handle_error(self, *_):
                pass  # who hangs up, or does not trust us, has its reasons

        self.port = free_port()
        self.server = Server(("127.0.0.1", self.port), Handler)
        if certificate:
            context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
            context.load_cert_chain(certificate + ".pem", certificate + ".key")
            self.server.socket = context.wrap_socket(self.server.socket, server_side=True, do_handshake_on_connect=False)
        self.thread = threading.Thread(target=self.server.serve_forever, args=(0.02,), daemon=True)
        self.thread.start()

    def stop(self):
        self.server.shutdown()
        self.server.server_close()


def certificate(folder, name, start, end):
    """A key, and a certificate of its own for 127.0.0.1, valid from start to end (YYYYMMDDHHMMSSZ): folder/name.key, .pem."""
    path = os.path.join(folder, name)
    os.makedirs(path + ".ca")
    open(path + ".ca/index.txt", "w").close()
    with open(path + ".cnf", "w") as file:
        file.write(f"""[req]\ndistinguished_name = dn\nprompt = no\n[dn]\nCN = 127.0.0.1\n[ca]\ndefault_ca = own\n[own]
database = {path}.ca/index.txt\nnew_certs_dir = {path}.ca\nrand_serial = yes\ndefault_md = sha256\npolicy = any
x509_extensions = names\n[any]\ncommonName = supplied\n[names]\nsubjectAltName = IP:127.0.0.1\nbasicConstraints = CA:TRUE
""")
    for words in (["req", "-new", "-newkey", "rsa:2048", "-nodes", "-keyout", path + ".key", "-out", path + ".csr"],
                  ["ca", "-batch", "-selfsign", "-keyfile", path + ".key", "-in", path + ".csr", "-out", path + ".pem",
                   "-startdate", start, "-enddate", end]):
        subprocess.run(["openssl", *words, "-config", path + ".cnf"], check=True, capture_output=True)
    return path
