#!/usr/bin/env python3
"""Asks a real nginx where `hash … consistent` sends keys, and prints the trace.

    record.py NGINX > trace.txt

Starts nginx on loopback with one upstream of backends of different weights, each being a server of the
same nginx that answers with its own address, sends every key once over one connection, stops it.
"""
import http.client, os, subprocess, sys, tempfile, time

BACKENDS = [("127.0.0.1:19001", 1), ("127.0.0.1:19002", 2), ("127.0.0.1:19003", 5), ("localhost:19004", 1), ("127.0.0.1:19005", 3)]
KEYS = [f"user-{n}" for n in range(1500)] + [f"{n * 2654435761 % 2**32:08x}" for n in range(499)] + [""]

directory = tempfile.mkdtemp()
servers = "\n".join(f"server {{ listen 127.0.0.1:{a.split(':')[1]}; return 200 '{a}'; }}" for a, _ in BACKENDS)
upstream = "\n".join(f"server {a} weight={w};" for a, w in BACKENDS)
with open(f"{directory}/nginx.conf", "w") as config:
    config.write(f"""
daemon off; master_process off; worker_processes 1; error_log stderr; pid {directory}/pid;
events {{ worker_connections 256; }}
http {{
  access_log off; client_body_temp_path {directory}/b; proxy_temp_path {directory}/p;
  fastcgi_temp_path {directory}/f; uwsgi_temp_path {directory}/u; scgi_temp_path {directory}/s;
  upstream u {{ hash $arg_k consistent; {upstream} }}
  {servers}
  server {{ listen 127.0.0.1:19000; location / {{ proxy_pass http://u; }} }}
}}""")
nginx = subprocess.Popen([sys.argv[1], "-c", f"{directory}/nginx.conf", "-p", directory], stderr=subprocess.PIPE)
try:
    for _ in range(100):
        try:
            http.client.HTTPConnection("127.0.0.1", 19000, timeout=1).connect()
            break
        except OSError:
            time.sleep(0.05)
    version = subprocess.run([sys.argv[1], "-v"], capture_output=True, text=True).stderr.strip()
    print(f"# {version}")
    for address, weight in BACKENDS:
        print(f"backend {address} {weight}")
    client = http.client.HTTPConnection("127.0.0.1", 19000, timeout=5)
    for key in KEYS:
        client.request("GET", f"/?k={key}")
        print(f"{key} {client.getresponse().read().decode()}")
finally:
    nginx.terminate()
    nginx.wait()
