"""What benches/compare starts, and how it asks."""

import contextlib
import os
import pathlib
import re
import selectors
import shutil
import signal
import socket
import subprocess
import tempfile
import time
import typing

CONFIGS = pathlib.Path(__file__).parent
CACHES = ["plimsoll", "nginx", "Varnish", "HAProxy"]
TICKS = os.sysconf("SC_CLK_TCK")


class Failure(Exception):
    """What ends the comparison, in a line."""


class Bench(contextlib.ExitStack):
    """What runs, and the files of it. At the end of it, however it comes, all is stopped and removed."""

    def __init__(self, cpu, programs):
        super().__init__()
        self.pin, self.programs = ["taskset", "-c", str(cpu)], programs
        memory = pathlib.Path("/dev/shm")
        roomy = os.access(memory, os.W_OK) and shutil.disk_usage(memory).free > 4 << 30
        self.directory = self.enter_context(tempfile.TemporaryDirectory(prefix="plimsoll-compare-",
                                                                        dir=memory if roomy else None))

    def run(self, name, command, **options):
        """Starts a program that is stopped at the end."""
        log = pathlib.Path(self.directory, f"{name}.log")
        with log.open("wb") as stderr:
            process = subprocess.Popen(command, stderr=stderr, stdin=subprocess.DEVNULL, start_new_session=True,
                                       **options)
        self.callback(stop, process)
        return process, log

    def hyper(self, name, *role, pinned=False):
        """Starts a server of bare hyper, which says where it listens."""
        command = [*(self.pin if pinned else []), self.programs["bare_hyper"], *role]
        process, _ = self.run(name, command, stdout=subprocess.PIPE, text=True)
        port = process.stdout.readline()
        if not port:
            raise Failure(f"{name} did not start")
        return Server(name, process.pid, int(port))

    def cache(self, name, origin, capacity="256 MiB"):
        """Starts a cache with its config in a directory of its own. Only plimsoll is ever told another capacity."""
        directory = pathlib.Path(tempfile.mkdtemp(dir=self.directory))
        port = free_port()
        places = {"@port@": str(port), "@origin@": str(origin.port), "@dir@": str(directory),
                  "@capacity@": capacity}
        files = {path.name: path.read_text() for path in CONFIGS.iterdir() if path.is_file()}
        for file, text in files.items():
            for place, value in places.items():
                text = text.replace(place, value)
            files[file] = text
            (directory / file).write_text(text)
        options = [word for line in files["varnish.options"].splitlines() if not line.startswith("#")
                   for word in line.split(" ", 1)]
        # As root nginx would give its worker to a user who cannot write to this directory.
        user = ["-g", "user root;"] if os.getuid() == 0 else []
        command = {
            "plimsoll": [self.programs["plimsoll"], "serve", "--config", f"{directory}/plimsoll.toml"],
            "nginx": ["nginx", "-p", directory, "-c", f"{directory}/nginx.conf", "-e", "stderr", *user],
            "Varnish": ["varnishd", *options],
            "HAProxy": ["haproxy", "-f", f"{directory}/haproxy.cfg"],
        }[name]
        process, log = self.run(name, [*self.pin, *command], stdout=subprocess.DEVNULL)
        server = Server(name, process.pid, port, directory)
        for _ in range(100):
            if process.poll() is not None:
                break
            with contextlib.suppress(OSError):
                server.fetch("/object/16/first")
                return server
            time.sleep(0.1)
        last = (log.read_text().strip().splitlines() or ["it said nothing"])[-1]
        raise Failure(f"{name} did not start: {last}")


def stop(process):
    """Ends a program and its children: in good order first, and then whatever is left of them."""
    process.terminate()
    with contextlib.suppress(subprocess.TimeoutExpired):
        process.wait(5)
    with contextlib.suppress(ProcessLookupError):
        os.killpg(process.pid, signal.SIGKILL)
    process.wait()


def free_port():
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        return listener.getsockname()[1]


class Server:
    """A server that runs, and what the system says it took."""

    def __init__(self, name, pid, port, directory=None):
        self.name, self.pid, self.port, self.directory = name, pid, port, directory

    def processes(self):
        """The server's process and all that came of it."""
        children = {}
        for stat in pathlib.Path("/proc").glob("[0-9]*/stat"):
            with contextlib.suppress(OSError):
                children.setdefault(int(stat_fields(stat)[1]), []).append(int(stat.parent.name))
        found = [self.pid]
        for pid in found:
            found += children.get(pid, [])
        return found

    def cpu_seconds(self):
        """utime and stime, which the system counts for all threads of a process together."""
        fields = [stat_fields(f"/proc/{pid}/stat") for pid in self.processes()]
        return sum(int(field[11]) + int(field[12]) for field in fields) / TICKS

    def memory(self):
        """Bytes that are resident, where shared ones are counted once, and bytes in files."""
        resident = 0
        for pid in self.processes():
            rollup = pathlib.Path(f"/proc/{pid}/smaps_rollup").read_text()
            resident += int(re.search(r"^Pss: +(\d+) kB", rollup, re.MULTILINE)[1]) * 1024
        stored = pathlib.Path(self.directory, "cache").rglob("*")
        return resident, sum(path.stat().st_blocks * 512 for path in stored if path.is_file())

    def fetch(self, path):
        """The head and the content of one answer."""
        with socket.create_connection(("127.0.0.1", self.port), 10) as connection:
            connection.sendall(request(self.port, path))
            answer = Answer()
            while not answer.is_whole():
                answer.add(connection.recv(1 << 16), self.name)
            return bytes(answer.head), bytes(answer.content)

    def fetch_all(self, paths, connections):
        """Fetches all paths over connections that are there before; says after how many seconds the last byte came."""
        paths = iter(paths)
        with contextlib.ExitStack() as stack, selectors.DefaultSelector() as selector:
            for _ in range(connections):
                connection = stack.enter_context(socket.create_connection(("127.0.0.1", self.port), 10))
                selector.register(connection, selectors.EVENT_READ)
            begin = time.monotonic()
            for key, path in zip(list(selector.get_map().values()), paths):
                key.fileobj.sendall(request(self.port, path))
                selector.modify(key.fileobj, selectors.EVENT_READ, Answer())
            waiting = connections
            while waiting:
                ready = selector.select(30)
                if not ready:
                    raise Failure(f"{self.name} did not answer for 30 seconds")
                for key, _ in ready:
                    key.data.add(key.fileobj.recv(1 << 18), self.name)
                    if not key.data.is_whole():
                        continue
                    if (path := next(paths, None)) is None:
                        selector.unregister(key.fileobj)
                        waiting -= 1
                    else:
                        key.fileobj.sendall(request(self.port, path))
                        selector.modify(key.fileobj, selectors.EVENT_READ, Answer())
            return time.monotonic() - begin


def request(port, path):
    """As wrk asks: for some caches another Host is another object."""
    return f"GET {path} HTTP/1.1\r\nHost: 127.0.0.1:{port}\r\n\r\n".encode()


class Answer:
    """An answer as it arrives."""

    def __init__(self):
        self.head, self.content, self.length = b"", b"", None

    def add(self, received, name):
        if not received:
            raise Failure(f"{name} ended a connection before its answer")
        self.content += received
        if self.length is None and b"\r\n\r\n" in self.content:
            head, _, self.content = self.content.partition(b"\r\n\r\n")
            self.head = head + b"\r\n\r\n"
            length = re.search(rb"\r\ncontent-length: *(\d+)\r\n", self.head, re.IGNORECASE)
            if not self.head.startswith(b"HTTP/1.1 200 ") or not length:
                raise Failure(f"{name} said {head.splitlines()[0].decode()}, and not 200 with a length")
            self.length = int(length[1])

    def is_whole(self):
        return self.length is not None and len(self.content) >= self.length


def stat_fields(path):
    """The fields of /proc/PID/stat behind the name, which may contain anything."""
    return pathlib.Path(path).read_text().rpartition(")")[2].split()


class Run(typing.NamedTuple):
    """What wrk counted; p50 and p99 are in microseconds."""

    requests: int
    seconds: float
    rate: float
    p50: int
    p99: int


def wrk(server, path, seconds, connections, *arguments):
    """One run of wrk, on one thread."""
    command = ["wrk", "--latency", "--timeout=20s", "-t1", f"-c{connections}", f"-d{seconds}s", "-s", CONFIGS / "wrk.lua",
               f"http://127.0.0.1:{server.port}{path}", "--", *arguments]
    ran = subprocess.run(command, capture_output=True, text=True)
    counted = re.search(r"counted (\d+) requests in (\d+) us, (\d+) failed, p50 (\d+) us, p99 (\d+) us", ran.stdout)
    if not counted:
        raise Failure(f"wrk against {server.name} failed: {ran.stderr.strip() or ran.stdout.strip()}")
    requests, duration, failed, p50, p99 = map(int, counted.groups())
    if failed or not requests:
        raise Failure(f"{failed} of {requests} requests to {server.name} for {path} failed")
    return Run(requests, duration / 1e6, requests / duration * 1e6, p50, p99)
