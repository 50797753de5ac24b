"""How is nginx's `proxy_pass` measured? It chooses nothing: what a proxy in C costs."""

from __future__ import annotations

import shutil
import subprocess
from urllib.parse import urlsplit

from bench.servers import Server, free_port, fresh_folder, started

NAME = "nginx"

_CONFIG = """\
daemon off;
worker_processes 1;
pid {folder}/nginx.pid;
error_log {folder}/error.log;
events {{ worker_connections 1024; }}
http {{
    access_log off;
    client_body_temp_path {folder}/body;
    proxy_temp_path {folder}/proxy;
    fastcgi_temp_path {folder}/fastcgi;
    uwsgi_temp_path {folder}/uwsgi;
    scgi_temp_path {folder}/scgi;
    keepalive_requests 1000000;
    upstream up {{ server {upstream}; keepalive 64; keepalive_requests 1000000; }}
    server {{
        listen 127.0.0.1:{port};
        location / {{
            proxy_pass http://up;
            proxy_http_version 1.1;
            proxy_set_header Connection "";
            proxy_buffering off;
        }}
    }}
}}
"""


def _executable() -> str | None:
    return shutil.which("nginx", path="/usr/sbin:/usr/local/sbin:/usr/bin:/usr/local/bin")


def install() -> None:
    """Install the Debian package; asks for the right to."""
    if _executable() is None and shutil.which("apt-get"):
        subprocess.run(
            ["apt-get", "install", "-y", "-q", "--no-install-recommends", "nginx-light"],
            check=True,
        )


def absence() -> str | None:
    return None if _executable() else "no nginx here (Debian: apt install nginx-light)"


def version() -> str:
    """As `nginx -v` says, which it does on the standard error."""
    command = [_executable() or NAME, "-v"]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    return done.stderr.strip().rpartition("/")[2] or "unknown"


def start(upstream_url: str, cores: frozenset[int]) -> Server:
    port = free_port()
    folder = fresh_folder(NAME)
    config = folder / "nginx.conf"
    place = urlsplit(upstream_url).netloc
    config.write_text(_CONFIG.format(folder=folder, upstream=place, port=port), "utf-8")
    return started(NAME, [_executable() or NAME, "-c", str(config)], cores, port=port)
