# SPDX-License-Identifier: Apache-2.0
"""A peer written from the specification alone, over an independent gRPC.

As a module (put this folder in sys.path):

    from specpeer import Client, Worker, pb
    reply = Client("127.0.0.1:9000").compile("a.c", b"int x;", "gcc", ["-O2"])
    with Worker(coordinator="127.0.0.1:9000") as worker:
        ...worker.address, worker.requests...

As a program: specpeer.py --help. Its messages are made from spec.proto beside
it, by protoc, when it starts.
"""

import argparse
import atexit
import concurrent.futures
import importlib
import os
import platform
import shutil
import signal
import subprocess
import sys
import tempfile
import threading
import time

import grpc

SERVICE = "hybridgrid.v1.BuildService"
MAX_MESSAGE = 64 << 20
OPTIONS = [
    ("grpc.max_receive_message_length", MAX_MESSAGE),
    ("grpc.max_send_message_length", MAX_MESSAGE),
    ("grpc.so_reuseport", 0),
    ("grpc.enable_http_proxy", 0),
]
COMPILERS = ("gcc", "g++", "cc", "c++", "clang", "clang++")
# Options whose folder is one of the client's; with the folder attached or not.
FOLDER_OPTIONS = ("-isystem", "-iquote", "-idirafter", "-I")


def _load_messages():
    here = os.path.dirname(os.path.abspath(__file__))
    out = tempfile.mkdtemp(prefix="specpeer-")
    atexit.register(shutil.rmtree, out, ignore_errors=True)
    subprocess.run(
        ["protoc", "-I", here, "--python_out", out, "spec.proto"], check=True)
    sys.path.insert(0, out)
    try:
        return importlib.import_module("spec_pb2")
    finally:
        sys.path.remove(out)


pb = _load_messages()
METHODS = {
    "Handshake": (pb.HandshakeRequest, pb.HandshakeResponse),
    "Compile": (pb.CompileRequest, pb.CompileResponse),
    "HealthCheck": (pb.HealthCheckRequest, pb.HealthCheckResponse),
    "GetWorkerStatus": (pb.GetWorkerStatusRequest, pb.GetWorkerStatusResponse),
}


def capabilities(cores=2):
    """What this machine is, in the specification's words."""
    machine = platform.machine()
    return pb.WorkerCapabilities(
        architectures=[{"x86_64": "amd64", "aarch64": "arm64"}.get(
            machine, machine)],
        compilers=[c for c in COMPILERS if shutil.which(c)],
        cpu_cores=cores,
        memory_bytes=4 << 30)


class Client:
    """Calls a coordinator or a worker. Errors are grpc.RpcError."""

    def __init__(self, address, token=None, timeout=60):
        self.channel = grpc.insecure_channel(address, options=OPTIONS)
        self.timeout = timeout
        self.metadata = (
            [("authorization", "Bearer " + token)] if token else None)

    def __enter__(self):
        return self

    def __exit__(self, *exc):
        self.close()

    def close(self):
        self.channel.close()

    def call(self, method, request, **options):
        """request is a message, or the bytes of one."""
        reply = METHODS[method][1]
        function = self.channel.unary_unary(
            "/%s/%s" % (SERVICE, method),
            request_serializer=lambda m: (
                m if isinstance(m, bytes) else m.SerializeToString()),
            response_deserializer=reply.FromString)
        options.setdefault("timeout", self.timeout)
        options.setdefault("metadata", self.metadata)
        return function(request, **options)

    def handshake(self, worker_id, caps=None):
        return self.call("Handshake", pb.HandshakeRequest(
            worker_id=worker_id, capabilities=caps or capabilities()))

    def compile(self, source_file, source, compiler="gcc", args=(),
                includes=None, **options):
        request = pb.CompileRequest(
            source_file=source_file, source_content=source, compiler=compiler,
            args=args, target_arch=capabilities().architectures[0],
            target_os="linux")
        for path, content in (includes or {}).items():
            request.includes[path] = content
        return self.call("Compile", request, **options)

    def health(self, worker_id=""):
        return self.call(
            "HealthCheck", pb.HealthCheckRequest(worker_id=worker_id))

    def status(self, worker_id=""):
        return self.call(
            "GetWorkerStatus", pb.GetWorkerStatusRequest(worker_id=worker_id))


def _beneath(root, path):
    """The place of a client's path below root; never outside."""
    return root + os.path.normpath("/" + path)


def _command(request, root, out):
    """The request's command, its source and folders below root."""
    source = _beneath(root, request.source_file)
    command = [request.compiler]
    args = iter(request.args)
    for arg in args:
        option = next((o for o in FOLDER_OPTIONS if arg.startswith(o)), None)
        if arg == "-o":
            next(args, None)
        elif option:
            folder = arg[len(option):] or next(args, "")
            command += [option, _beneath(root, folder)
                        if os.path.isabs(folder) else folder]
        elif arg not in ("-c", request.source_file):
            command.append(arg)
    return command + ["-c", source, "-o", out]


def compile_here(request):
    """Runs the compiler on what the specification's fields hold."""
    started = time.monotonic()
    if request.compiler not in COMPILERS:
        raise ValueError("no compiler '%s' here" % request.compiler)
    with tempfile.TemporaryDirectory(prefix="specpeer-") as folder:
        root = os.path.join(folder, "root")
        out = os.path.join(folder, "out.o")
        files = dict(request.includes)
        files[request.source_file] = request.source_content
        for path, content in files.items():
            place = _beneath(root, path)
            os.makedirs(os.path.dirname(place), exist_ok=True)
            with open(place, "wb") as file:
                file.write(content)
        done = subprocess.run(
            _command(request, root, out), cwd=root, capture_output=True,
            stdin=subprocess.DEVNULL, check=False)
        reply = pb.CompileResponse(
            success=done.returncode == 0,
            stdout=done.stdout.decode(errors="replace"),
            stderr=done.stderr.decode(errors="replace"),
            exit_code=done.returncode)
        if reply.success:
            with open(out, "rb") as file:
                reply.object_file = file.read()
    reply.compile_time_ms = int((time.monotonic() - started) * 1000)
    return reply


class Worker:
    """A worker that knows only the specification.

    Its id is its address, from which a coordinator learns where to call it.
    With a coordinator it shakes hands and sends heartbeats. requests holds
    the CompileRequests that came.
    """

    def __init__(self, coordinator=None, port=0, worker_id=None, token=None,
                 cores=2, heartbeat=10.0):
        self.requests = []
        self.active = 0
        self.started = time.monotonic()
        self.caps = capabilities(cores)
        self.heartbeat = heartbeat
        self.lock = threading.Lock()
        self.ending = threading.Event()
        self.server = grpc.server(
            concurrent.futures.ThreadPoolExecutor(max_workers=cores + 4),
            options=OPTIONS)
        self.server.add_generic_rpc_handlers((
            grpc.method_handlers_generic_handler(SERVICE, {
                name: grpc.unary_unary_rpc_method_handler(
                    getattr(self, "on_" + name.lower()),
                    request_deserializer=METHODS[name][0].FromString,
                    response_serializer=METHODS[name][1].SerializeToString)
                for name in ("Compile", "HealthCheck", "GetWorkerStatus")}),))
        port = self.server.add_insecure_port("127.0.0.1:%d" % port)
        self.address = "127.0.0.1:%d" % port
        self.worker_id = worker_id or self.address
        self.server.start()
        self.client = Client(coordinator, token, 10) if coordinator else None
        self.thread = threading.Thread(target=self.beat, daemon=True)
        if self.client:
            self.join()
            self.thread.start()

    def __enter__(self):
        return self

    def __exit__(self, *exc):
        self.stop()

    def join(self):
        reply = self.client.handshake(self.worker_id, self.caps)
        if not reply.accepted:
            raise RuntimeError("not accepted: " + reply.message)
        if reply.assigned_id:
            self.worker_id = reply.assigned_id

    def beat(self):
        while not self.ending.wait(self.heartbeat):
            try:
                self.client.health(self.worker_id)
            except grpc.RpcError as error:
                if error.code() == grpc.StatusCode.NOT_FOUND:
                    self.join_again()

    def join_again(self):
        try:
            self.join()
        except (grpc.RpcError, RuntimeError):
            pass

    def stop(self, grace=None):
        self.ending.set()
        self.server.stop(grace).wait()
        if self.client:
            self.thread.join()
            self.client.close()

    def on_compile(self, request, context):
        with self.lock:
            self.requests.append(request)
            self.active += 1
        try:
            reply = compile_here(request)
        except ValueError as error:
            context.abort(grpc.StatusCode.FAILED_PRECONDITION, str(error))
        finally:
            with self.lock:
                self.active -= 1
        reply.worker_id = self.worker_id
        return reply

    def on_healthcheck(self, _request, _context):
        return pb.HealthCheckResponse(
            healthy=True, status="ok", active_tasks=self.active,
            uptime_seconds=int(time.monotonic() - self.started))

    def on_getworkerstatus(self, _request, _context):
        done = len(self.requests) - self.active
        return pb.GetWorkerStatusResponse(workers=[pb.WorkerStatus(
            worker_id=self.worker_id, address=self.address,
            capabilities=self.caps, active_tasks=self.active,
            total_tasks=done, circuit_state="closed", source="static")])


def _run_worker(options):
    signal.pthread_sigmask(
        signal.SIG_BLOCK, {signal.SIGTERM, signal.SIGINT})
    with Worker(options.coordinator, options.port, options.id,
                options.token, options.cores, options.heartbeat) as worker:
        print("ready grpc=%s id=%s" % (worker.address, worker.worker_id),
              flush=True)
        signal.sigwait({signal.SIGTERM, signal.SIGINT})
    return 0


def _read(path):
    with open(path, "rb") as file:
        return file.read()


def _run_compile(options):
    with Client(options.address, options.token) as client:
        reply = client.compile(
            options.source, _read(options.source), options.compiler,
            options.args, {path: _read(path) for path in options.include})
    sys.stdout.write(reply.stdout)
    sys.stderr.write(reply.stderr)
    if reply.success:
        with open(options.output, "wb") as file:
            file.write(reply.object_file)
    if options.verbose:
        print("worker=%s from_cache=%d exit=%d" % (
            reply.worker_id, reply.from_cache, reply.exit_code))
    return reply.exit_code


def _run_simple(options):
    with Client(options.address, options.token) as client:
        print(getattr(client, options.command)(options.id or ""), end="")
    return 0


def _parse():
    parser = argparse.ArgumentParser(
        description="A gRPC peer that knows only the specification.")
    parser.add_argument("--token", help="sent as authorization: Bearer")
    commands = parser.add_subparsers(dest="command", required=True)
    for name in ("handshake", "health", "status"):
        sub = commands.add_parser(name, help="calls it, prints the answer")
        sub.add_argument("address")
        sub.add_argument("id", nargs="?")
        sub.set_defaults(run=_run_simple)
    sub = commands.add_parser(
        "compile", help="compiles SOURCE to OUTPUT; exits as the compiler did")
    sub.add_argument("--compiler", default="gcc")
    sub.add_argument("--include", action="append", default=[],
                     help="a header to send, under this path")
    sub.add_argument("--verbose", action="store_true")
    sub.add_argument("address")
    sub.add_argument("source")
    sub.add_argument("output")
    sub.add_argument("args", nargs="*", help="after --")
    sub.set_defaults(run=_run_compile)
    sub = commands.add_parser(
        "worker", help="prints a ready line and serves until SIGTERM")
    sub.add_argument("--coordinator")
    sub.add_argument("--id")
    sub.add_argument("--port", type=int, default=0)
    sub.add_argument("--cores", type=int, default=2)
    sub.add_argument("--heartbeat", type=float, default=10.0)
    sub.set_defaults(run=_run_worker)
    return parser.parse_args()


def main():
    options = _parse()
    try:
        return options.run(options)
    except grpc.RpcError as error:
        print("%s: %s" % (error.code().name, error.details()),
              file=sys.stderr)
        return 100


if __name__ == "__main__":
    sys.exit(main())
