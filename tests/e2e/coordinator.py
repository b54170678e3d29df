# SPDX-License-Identifier: Apache-2.0
"""What t2000-coordinator.t checks, as TAP.

Workers and clients here know the specification's fields alone; a field of ours
is added as raw bytes where a test needs one.
"""

import contextlib
import os
import signal
import subprocess
import sys
import threading
import time
from concurrent import futures

import grpc
from specpeer import METHODS, OPTIONS, SERVICE, pb

COORD, FOLDER = sys.argv[1:3]
WAIT = 20


def varint(n):
    out = bytearray()
    while n > 127:
        out.append(n & 127 | 128)
        n >>= 7
    out.append(n)
    return bytes(out)


def number(field, n):
    return varint(field << 3) + varint(n)


def text(field, s):
    data = s.encode()
    return varint(field << 3 | 2) + varint(len(data)) + data


def until(condition, seconds=WAIT):
    end = time.monotonic() + seconds
    while not condition():
        if time.monotonic() > end:
            raise AssertionError("it did not happen within %d s" % seconds)
        time.sleep(0.01)


class Client:
    """Calls a server; a request may be a message or bytes."""

    def __init__(self, port):
        self.channel = grpc.insecure_channel("127.0.0.1:%d" % port, OPTIONS)
        for name, (_, answer) in METHODS.items():
            method = self.channel.unary_unary(
                "/%s/%s" % (SERVICE, name),
                request_serializer=lambda m: m
                if isinstance(m, bytes)
                else m.SerializeToString(),
                response_deserializer=answer.FromString,
            )
            setattr(self, name, method)

    def close(self):
        self.channel.close()

    def status(self, worker_id):
        request = pb.GetWorkerStatusRequest(worker_id=worker_id)
        return self.GetWorkerStatus(request, timeout=WAIT).workers[0]

    def workers(self):
        return self.GetWorkerStatus(b"", timeout=WAIT).workers

    def health(self):
        return self.HealthCheck(b"", timeout=WAIT)


class Coordinator:
    """A real hg-coord; options are HG_ variables."""

    def __init__(self, *arguments, port=0, **options):
        env = dict(os.environ)
        for key, value in options.items():
            env["HG_" + key.upper()] = str(value)
        self.log = open(os.path.join(FOLDER, "coord.log"), "a")
        self.process = subprocess.Popen(
            [COORD, "serve", "--grpc-port", str(port), *arguments],
            env=env,
            stdout=subprocess.PIPE,
            stderr=self.log,
            text=True,
        )
        self.ready = self.process.stdout.readline()
        self.port = int(self.ready.rsplit(":", 1)[1])
        self.client = Client(self.port)

    def stop(self, sig=signal.SIGTERM):
        self.client.close()
        if self.process.poll() is None:
            self.process.send_signal(sig)
        try:
            return self.process.wait(WAIT)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait()
            raise
        finally:
            self.process.stdout.close()
            self.log.close()


class Worker:
    """Serves Compile by a function of (request, context)."""

    def __init__(self, coord, compile, cores=4, extra=b"", **capabilities):
        self.compile = compile
        self.capabilities = pb.WorkerCapabilities(
            cpu_cores=cores, **capabilities
        )
        self.extra = extra
        self.lock = threading.Lock()
        self.requests = []
        self.active = 0
        self.most = 0
        self.server = grpc.server(
            futures.ThreadPoolExecutor(32), options=OPTIONS
        )
        handler = grpc.unary_unary_rpc_method_handler(
            self.on_compile, None, self.serialize
        )
        self.server.add_generic_rpc_handlers(
            [grpc.method_handlers_generic_handler(SERVICE, {"Compile": handler})]
        )
        self.port = self.server.add_insecure_port("127.0.0.1:0")
        self.server.start()
        self.id = "127.0.0.1:%d" % self.port
        if coord:
            answer = self.join(coord)
            assert answer.accepted, answer.message

    @staticmethod
    def serialize(answer):
        if isinstance(answer, bytes):
            return answer
        return answer.SerializeToString()

    def on_compile(self, data, context):
        with self.lock:
            self.requests.append(data)
            self.active += 1
            self.most = max(self.most, self.active)
        try:
            return self.compile(pb.CompileRequest.FromString(data), context)
        finally:
            with self.lock:
                self.active -= 1

    def join(self, coord):
        hello = pb.HandshakeRequest(
            worker_id=self.id, capabilities=self.capabilities
        )
        return coord.client.Handshake(
            hello.SerializeToString() + self.extra, timeout=WAIT
        )

    def beat(self, coord):
        request = pb.HealthCheckRequest(worker_id=self.id)
        return coord.client.HealthCheck(request, timeout=WAIT)

    def stop(self):
        self.server.stop(0).wait(WAIT)


class Gate:
    """A compile that lasts until it is opened, or its caller is gone."""

    def __init__(self):
        self.opened = threading.Event()
        self.cancelled = 0

    def __call__(self, request, context):
        over = threading.Event()
        context.add_callback(over.set)
        while not self.opened.is_set():
            if over.wait(0.01):
                self.cancelled += 1
                return pb.CompileResponse()
        return good(request, context)


def good(request, context):
    return pb.CompileResponse(
        success=True,
        object_file=b"object of " + request.source_content,
        stderr="warned",
        compile_time_ms=5,
    )


def failing(code, message="no"):
    def compile(request, context):
        context.abort(code, message)

    return compile


def source(name="a.c", content=b"int a;", compiler="gcc", **fields):
    return pb.CompileRequest(
        source_file=name, source_content=content, compiler=compiler, **fields
    )


def code_of(call, *arguments, **keywords):
    try:
        call(*arguments, timeout=WAIT, **keywords)
    except grpc.RpcError as error:
        return error.code(), error.details()
    return grpc.StatusCode.OK, ""


@contextlib.contextmanager
def farm(*compiles, cores=4, extra=b"", **options):
    """A coordinator and a worker for each function given."""
    coord = Coordinator(**options)
    workers = []
    try:
        for compile in compiles:
            workers.append(Worker(coord, compile, cores=cores, extra=extra))
        yield (coord, *workers)
        rc = coord.stop()
        assert rc == 0, "hg-coord ended with %d" % rc
    finally:
        if coord.process.poll() is None:
            coord.stop(signal.SIGKILL)
        for worker in workers:
            worker.stop()


def start(coord, n, **keywords):
    """n different compiles at once."""
    return [
        coord.client.Compile.future(
            source("f%d.c" % i, b"%d" % i), timeout=WAIT, **keywords
        )
        for i in range(n)
    ]


def until_asked(coord, asked, answering):
    """Compiles until chance has sent one to asked; answering answers all."""
    for i in range(200):
        answer = coord.client.Compile(source("u%d.c" % i), timeout=WAIT)
        equal(answer.worker_id, answering.id)
        if all(worker.requests for worker in asked):
            return
    raise AssertionError("a worker was never asked")


TESTS = []


def test(function):
    TESTS.append(function)
    return function


def equal(got, wanted):
    assert got == wanted, "got %r, wanted %r" % (got, wanted)


# ---- the four methods ------------------------------------------------------


@test
def ready_line_tells_the_real_port():
    with farm() as (coord,):
        equal(coord.ready, "ready grpc=127.0.0.1:%d\n" % coord.port)
        equal(coord.client.health().healthy, True)


@test
def handshake_gives_an_id():
    with farm() as (coord,):
        hello = pb.HandshakeRequest(worker_id="127.0.0.1:1")
        answer = coord.client.Handshake(hello)
        equal((answer.accepted, answer.assigned_id), (True, "127.0.0.1:1"))
        first = coord.client.Handshake(b"")
        assert first.accepted and first.assigned_id
        # the same nameless worker again, not a further one
        again = coord.client.Handshake(b"")
        equal(again.assigned_id, first.assigned_id)
        equal(len(coord.client.workers()), 2)
        status = coord.client.status(first.assigned_id)
        equal(status.address, "127.0.0.1:50052")


@test
def handshake_says_what_is_wrong():
    with farm() as (coord,):
        bad = text(1, "w") + text(100, "nowhere")
        answer = coord.client.Handshake(bad)
        equal(answer.accepted, False)
        assert "host:port" in answer.message, answer.message
        answer = coord.client.Handshake(text(1, "a b"))
        equal(answer.accepted, False)
        minus = pb.HandshakeRequest(worker_id="w")
        minus.capabilities.cpu_cores = -1
        answer = coord.client.Handshake(minus)
        assert "cpu_cores" in answer.message, answer.message
        equal(len(coord.client.workers()), 0)
        code, _ = code_of(coord.client.Handshake, b"\xff\xff")
        equal(code, grpc.StatusCode.INVALID_ARGUMENT)


@test
def handshake_again_updates_in_place():
    with farm(good) as (coord, worker):
        worker.capabilities.cpu_cores = 9
        worker.join(coord)
        equal(len(coord.client.workers()), 1)
        equal(coord.client.status(worker.id).capabilities.cpu_cores, 9)


@test
def worker_under_a_new_name_replaces_the_old_one():
    with farm(good) as (coord, worker):
        hello = text(1, "new") + text(100, worker.id)
        equal(coord.client.Handshake(hello).assigned_id, "new")
        equal([w.worker_id for w in coord.client.workers()], ["new"])


@test
def health_follows_the_workers():
    with farm() as (coord,):
        equal(coord.client.health().status, "degraded")
        worker = Worker(coord, good)
        equal(coord.client.health().status, "ok")
        equal(worker.beat(coord).status, "ok")
        worker.stop()
        beat = pb.HealthCheckRequest(worker_id="stranger")
        code, _ = code_of(coord.client.HealthCheck, beat)
        equal(code, grpc.StatusCode.NOT_FOUND)


@test
def status_lists_all_or_one():
    def slow(request, context):
        time.sleep(0.02)
        return good(request, context)

    with farm(slow, slow) as (coord, one, two):
        coord.client.Compile(source(), timeout=WAIT)
        ids = {w.worker_id for w in coord.client.workers()}
        equal(ids, {one.id, two.id})
        both = [coord.client.status(w.id) for w in (one, two)]
        equal(sum(w.total_tasks for w in both), 1)
        equal(sum(w.successful_tasks for w in both), 1)
        equal({w.circuit_state for w in both}, {"closed"})
        equal({w.source for w in both}, {"static"})
        equal({w.avg_compile_time_ms for w in both}, {0, 5})
        request = pb.GetWorkerStatusRequest(worker_id="stranger")
        code, _ = code_of(coord.client.GetWorkerStatus, request)
        equal(code, grpc.StatusCode.NOT_FOUND)


@test
def compile_goes_through_unchanged():
    with farm(good) as (coord, worker):
        request = source(
            "dir/a.c",
            b"\0\xff",
            args=["-c", "-O2"],
            target_arch="amd64",
            includes={"a.h": b"x", "b.h": b""},
        )
        data = request.SerializeToString(deterministic=True) + text(4242, "?")
        answer = coord.client.Compile(data, timeout=WAIT)
        equal(worker.requests, [data])
        equal(answer.object_file, b"object of \0\xff")
        equal(answer.stderr, "warned")
        equal((answer.success, answer.exit_code), (True, 0))
        equal((answer.worker_id, answer.from_cache), (worker.id, False))


@test
def large_messages_pass():
    with farm(good) as (coord, _):
        content = os.urandom(1 << 20) * 30
        answer = coord.client.Compile(source(content=content), timeout=WAIT)
        equal(len(answer.object_file), len(content) + 10)


@test
def bad_requests_are_refused():
    with farm(good) as (coord, worker):
        for bad in (b"\xff", source(name=""), source(compiler="")):
            code, _ = code_of(coord.client.Compile, bad)
            equal(code, grpc.StatusCode.INVALID_ARGUMENT)
        equal(worker.requests, [])


@test
def refusal_names_what_is_missing():
    def refusal(request):
        code, details = code_of(coord.client.Compile, request)
        equal(code, grpc.StatusCode.UNAVAILABLE)
        return details

    with farm() as (coord,):
        assert "no worker is connected" in refusal(source())
        worker = Worker(
            coord, good, architectures=["x86_64"], compilers=["gcc"]
        )
        arm = source(target_arch="arm64")
        assert "architecture 'arm64'" in refusal(arm)
        assert "compiler 'clang'" in refusal(source(compiler="clang"))
        ours = source().SerializeToString() + number(104, 1) + text(103, "ab")
        assert "protocol 1" in refusal(ours)
        equal(worker.requests, [])
        fits = source(target_arch="amd64", compiler="g++-12")
        assert coord.client.Compile(fits, timeout=WAIT).success
        worker.stop()


# ---- queue -----------------------------------------------------------------


@test
def busy_cluster_waits():
    def slow(request, context):
        time.sleep(0.1)
        return good(request, context)

    with farm(slow, cores=2) as (coord, worker):
        for call in start(coord, 10):
            assert call.result().success
        equal(worker.most, 2)
        equal(len(worker.requests), 10)


@test
def full_queue_refuses():
    gate = Gate()
    with farm(gate, cores=1, coordinator_queue_limit=2) as (coord, worker):
        calls = start(coord, 3)
        until(lambda: worker.active == 1)
        until(lambda: number(100, 2) in coord.client.health().SerializeToString())
        code, details = code_of(coord.client.Compile, source("more.c"))
        equal(code, grpc.StatusCode.RESOURCE_EXHAUSTED)
        assert "2 compiles wait" in details, details
        gate.opened.set()
        for call in calls:
            assert call.result().success


@test
def queue_ends_with_the_callers_patience():
    gate = Gate()
    with farm(gate, cores=1) as (coord, worker):
        first = coord.client.Compile.future(source("first.c"), timeout=WAIT)
        until(lambda: worker.active == 1)
        try:
            coord.client.Compile(source("second.c"), timeout=0.3)
            raise AssertionError("it was answered")
        except grpc.RpcError as error:
            equal(error.code(), grpc.StatusCode.DEADLINE_EXCEEDED)
        until(lambda: number(100, 1) not in coord.client.health().SerializeToString())
        gate.opened.set()
        assert first.result().success
        equal(len(worker.requests), 1)


@test
def queue_is_bounded_for_callers_without_deadline():
    gate = Gate()
    with farm(gate, cores=1, launcher_timeout="500ms") as (coord, worker):
        first = coord.client.Compile.future(source("first.c"), timeout=WAIT)
        until(lambda: worker.active == 1)
        try:
            coord.client.Compile(source("second.c"))
            raise AssertionError("it was answered")
        except grpc.RpcError as error:
            equal(error.code(), grpc.StatusCode.DEADLINE_EXCEEDED)
            assert "free slot" in error.details(), error.details()
        gate.opened.set()
        assert first.result().success


@test
def those_that_wait_are_refused_when_the_last_worker_leaves():
    gate = Gate()
    with farm(gate, cores=1, coordinator_heartbeat_ttl="1s") as (coord, worker):
        calls = start(coord, 2)
        until(lambda: not coord.client.workers())
        codes = []
        until(lambda: any(call.done() for call in calls))
        for call in calls:
            if call.done():
                codes.append(call.code())
        equal(codes, [grpc.StatusCode.UNAVAILABLE])
        # the other is still at its worker, which may not know heartbeats
        gate.opened.set()
        equal(sorted(call.code() is grpc.StatusCode.OK for call in calls),
              [False, True])


# ---- failures --------------------------------------------------------------


@test
def unavailable_worker_is_replaced():
    bad = failing(grpc.StatusCode.UNAVAILABLE)
    with farm(bad, good) as (coord, broken, fine):
        for call in start(coord, 6):
            equal(call.result().worker_id, fine.id)
        until_asked(coord, [broken], fine)


@test
def dead_worker_is_replaced():
    with farm(good, good) as (coord, dead, fine):
        dead.stop()
        for call in start(coord, 6):
            equal(call.result().worker_id, fine.id)


@test
def worker_that_dies_over_a_compile_is_replaced():
    gate = Gate()
    with farm(gate) as (coord, dying):
        call = coord.client.Compile.future(source(), timeout=WAIT)
        until(lambda: dying.active == 1)
        fine = Worker(coord, good)
        dying.stop()
        equal(call.result().worker_id, fine.id)
        fine.stop()


@test
def retries_have_an_end():
    bad = failing(grpc.StatusCode.INTERNAL, "broken")
    with farm(bad, resilience_initial_interval="10ms") as (coord, worker):
        begin = time.monotonic()
        code, details = code_of(coord.client.Compile, source())
        equal(code, grpc.StatusCode.INTERNAL)
        assert "broken" in details and "4 attempts" in details, details
        equal(len(worker.requests), 4)
        took = time.monotonic() - begin
        assert 0.07 <= took < 5, took


@test
def what_cannot_help_is_not_retried():
    bad = failing(grpc.StatusCode.INVALID_ARGUMENT, "never")
    with farm(bad, good) as (coord, one, two):
        two.stop()
        until(lambda: code_of(coord.client.Compile, source())[0]
              is grpc.StatusCode.INVALID_ARGUMENT)
        equal(coord.client.status(one.id).circuit_state, "closed")


@test
def compile_errors_are_answers():
    def broken(request, context):
        return pb.CompileResponse(exit_code=1, stderr="a.c:1: error")

    with farm(broken, resilience_request_threshold=2) as (coord, worker):
        for i in range(5):
            answer = coord.client.Compile(source(), timeout=WAIT)
            equal((answer.success, answer.exit_code), (False, 1))
            equal((answer.stderr, answer.from_cache), ("a.c:1: error", False))
        equal(len(worker.requests), 5)
        equal(coord.client.status(worker.id).circuit_state, "closed")


@test
def breaker_opens_tries_and_closes():
    state = {"answer": failing(grpc.StatusCode.INTERNAL)}

    def compile(request, context):
        return state["answer"](request, context)

    with farm(
        compile,
        resilience_request_threshold=3,
        resilience_max_retries=0,
        resilience_open_timeout="1s",
    ) as (coord, worker):
        circuit = lambda: coord.client.status(worker.id).circuit_state
        for i in range(3):
            equal(circuit(), "closed")
            code_of(coord.client.Compile, source("%d.c" % i))
        equal(circuit(), "open")
        equal(coord.client.health().status, "degraded")
        # waits for the trial, which fails and opens it again
        begin = time.monotonic()
        code, _ = code_of(coord.client.Compile, source("trial.c"))
        equal(code, grpc.StatusCode.INTERNAL)
        assert time.monotonic() - begin > 0.5
        equal(circuit(), "open")
        until(lambda: circuit() == "half_open")
        state["answer"] = good
        assert coord.client.Compile(source("good.c"), timeout=WAIT).success
        equal(circuit(), "closed")
        equal(len(worker.requests), 5)


@test
def handshake_closes_the_breaker():
    bad = failing(grpc.StatusCode.INTERNAL)
    with farm(
        bad, resilience_request_threshold=1, resilience_max_retries=0
    ) as (coord, worker):
        code_of(coord.client.Compile, source())
        equal(coord.client.status(worker.id).circuit_state, "open")
        worker.join(coord)
        equal(coord.client.status(worker.id).circuit_state, "closed")


@test
def worker_that_lacks_the_toolchain_is_passed_over():
    def lacking(request, context):
        return pb.CompileResponse(
            exit_code=1, stderr="HYBRIDGRID_ERR_001: Compiler not found"
        )

    with farm(lacking, lacking, good, resilience_max_retries=0) as (
        coord,
        one,
        two,
        fine,
    ):
        until_asked(coord, [one, two], fine)
        for call in start(coord, 8):
            equal(call.result().worker_id, fine.id)
        # once is enough to know
        equal((len(one.requests), len(two.requests)), (1, 1))
        for worker in (one, two):
            equal(coord.client.status(worker.id).circuit_state, "closed")


@test
def lacking_everywhere_is_said_by_the_worker():
    lacks = text(106, "HYBRIDGRID_ERR_001: no such compiler") + number(5, 1)
    protocol = number(101, 1)
    with farm(lambda *_: lacks, extra=protocol) as (coord, worker):
        answer = coord.client.Compile(source(), timeout=WAIT)
        assert b"HYBRIDGRID_ERR_001" in answer.SerializeToString()
        equal(len(worker.requests), 1)
        code, details = code_of(coord.client.Compile, source("b.c"))
        equal(code, grpc.StatusCode.UNAVAILABLE)
        assert "no worker has toolchain 'gcc'" in details, details
        equal(len(worker.requests), 1)
        # a handshake may mean that it was installed
        worker.compile = good
        worker.join(coord)
        assert coord.client.Compile(source("b.c"), timeout=WAIT).success


@test
def infra_error_goes_elsewhere():
    broken = text(106, "disk full") + number(5, 1)
    with farm(lambda *_: broken, good, extra=number(101, 1)) as (
        coord,
        one,
        fine,
    ):
        until_asked(coord, [one], fine)


@test
def full_worker_is_tried_again():
    state = {"left": 2}

    def compile(request, context):
        if state["left"] > 0:
            state["left"] -= 1
            context.abort(grpc.StatusCode.RESOURCE_EXHAUSTED, "full")
        return good(request, context)

    with farm(compile, resilience_request_threshold=1) as (coord, worker):
        assert coord.client.Compile(source(), timeout=WAIT).success
        equal(len(worker.requests), 3)
        equal(coord.client.status(worker.id).circuit_state, "closed")


@test
def unreadable_answer_is_a_failure():
    with farm(lambda *_: b"\xff\xff", resilience_max_retries=0) as (coord, _):
        code, details = code_of(coord.client.Compile, source())
        equal(code, grpc.StatusCode.INTERNAL)


@test
def silent_workers_expire():
    with farm(good, good, coordinator_heartbeat_ttl="2s") as (coord, a, b):
        end = time.monotonic() + 4
        while time.monotonic() < end:
            a.beat(coord)
            time.sleep(0.2)
        equal([w.worker_id for w in coord.client.workers()], [a.id])
        code, _ = code_of(
            coord.client.HealthCheck, pb.HealthCheckRequest(worker_id=b.id)
        )
        equal(code, grpc.StatusCode.NOT_FOUND)
        assert b.join(coord).accepted


@test
def compile_of_a_worker_gone_silent_goes_elsewhere():
    gate = Gate()
    with farm(gate, coordinator_heartbeat_ttl="2s") as (coord, silent):
        silent.beat(coord)
        call = coord.client.Compile.future(source(), timeout=WAIT)
        until(lambda: silent.active == 1)
        fine = Worker(coord, good)
        while not call.done():
            fine.beat(coord)
            time.sleep(0.2)
        equal(call.result().worker_id, fine.id)
        until(lambda: gate.cancelled == 1)
        fine.stop()


@test
def leaving_worker_gets_nothing_more():
    gate = Gate()
    with farm(gate) as (coord, leaving):
        running = coord.client.Compile.future(source(), timeout=WAIT)
        until(lambda: leaving.active == 1)
        fine = Worker(coord, good)
        farewell = text(1, leaving.id) + number(103, 1)
        coord.client.HealthCheck(farewell, timeout=WAIT)
        for call in start(coord, 8):
            equal(call.result().worker_id, fine.id)
        equal(len(coord.client.workers()), 2)
        gate.opened.set()
        equal(running.result().worker_id, leaving.id)
        until(lambda: len(coord.client.workers()) == 1)
        fine.stop()


@test
def short_patience_is_not_held_against_a_worker():
    gate = Gate()
    with farm(gate, resilience_request_threshold=1) as (coord, worker):
        for i in range(3):
            code = None
            try:
                coord.client.Compile(source("%d.c" % i), timeout=0.2)
            except grpc.RpcError as error:
                code = error.code()
            equal(code, grpc.StatusCode.DEADLINE_EXCEEDED)
        until(lambda: worker.active == 0)
        equal(gate.cancelled, 3)
        equal(coord.client.status(worker.id).circuit_state, "closed")


# ---- cancelling, joining, cache --------------------------------------------


@test
def cancel_reaches_the_worker():
    gate = Gate()
    with farm(gate) as (coord, worker):
        call = coord.client.Compile.future(source(), timeout=WAIT)
        until(lambda: worker.active == 1)
        call.cancel()
        until(lambda: worker.active == 0)
        equal(gate.cancelled, 1)
        until(lambda: coord.client.status(worker.id).active_tasks == 0)
        equal(coord.client.status(worker.id).circuit_state, "closed")


@test
def cancelled_compile_leaves_the_queue():
    gate = Gate()
    with farm(gate, cores=1) as (coord, worker):
        first = coord.client.Compile.future(source("first.c"), timeout=WAIT)
        until(lambda: worker.active == 1)
        second = coord.client.Compile.future(source("second.c"), timeout=WAIT)
        queued = lambda: number(100, 1) in coord.client.health().SerializeToString()
        until(queued)
        second.cancel()
        until(lambda: not queued())
        gate.opened.set()
        assert first.result().success
        equal(len(worker.requests), 1)


@test
def equal_compiles_are_joined():
    gate = Gate()
    with farm(gate) as (coord, worker):
        calls = [
            coord.client.Compile.future(source(), timeout=WAIT)
            for _ in range(5)
        ]
        other = coord.client.Compile.future(source("b.c"), timeout=WAIT)
        until(lambda: worker.active == 2)
        calls.pop(0).cancel()
        calls.pop(2).cancel()
        time.sleep(0.2)
        equal((worker.active, gate.cancelled), (2, 0))
        gate.opened.set()
        for call in calls + [other]:
            assert call.result().success
        equal(len(worker.requests), 2)


@test
def joined_compile_ends_with_its_last_caller():
    gate = Gate()
    with farm(gate) as (coord, worker):
        calls = [
            coord.client.Compile.future(source(), timeout=WAIT)
            for _ in range(3)
        ]
        until(lambda: worker.active == 1)
        for call in calls:
            call.cancel()
        until(lambda: worker.active == 0)
        equal(gate.cancelled, 1)
        # a cancelled one is not joined any more
        gate.opened.set()
        assert coord.client.Compile(source(), timeout=WAIT).success
        equal(len(worker.requests), 2)


@test
def results_are_cached():
    with farm(good) as (coord, worker):
        first = coord.client.Compile(source(), timeout=WAIT)
        again = coord.client.Compile(source(), timeout=WAIT)
        equal((first.from_cache, again.from_cache), (False, True))
        equal(again.worker_id, worker.id)
        again.from_cache = False
        equal(again, first)
        other = coord.client.Compile(source(args=["-g"]), timeout=WAIT)
        equal(other.from_cache, False)
        equal(len(worker.requests), 2)


@test
def cache_needs_no_worker():
    with farm(good, coordinator_heartbeat_ttl="1s") as (coord, _):
        coord.client.Compile(source(), timeout=WAIT)
        until(lambda: not coord.client.workers())
        assert coord.client.Compile(source(), timeout=WAIT).from_cache


@test
def cache_of_size_zero_is_off():
    with farm(good, coordinator_cache_size=0) as (coord, worker):
        for _ in range(2):
            answer = coord.client.Compile(source(), timeout=WAIT)
            equal(answer.from_cache, False)
        equal(len(worker.requests), 2)


# ---- life ------------------------------------------------------------------


@test
def workers_return_after_a_restart():
    coord = Coordinator()
    worker = Worker(coord, good)
    beat = pb.HealthCheckRequest(worker_id=worker.id)
    equal(code_of(coord.client.HealthCheck, beat)[0], grpc.StatusCode.OK)
    coord.stop(signal.SIGKILL)
    coord = Coordinator(port=coord.port)
    code, _ = code_of(coord.client.HealthCheck, beat)
    equal(code, grpc.StatusCode.NOT_FOUND)
    assert worker.join(coord).accepted
    assert coord.client.Compile(source(), timeout=WAIT).success
    equal(coord.stop(), 0)
    worker.stop()


@test
def sigterm_lets_compiles_end():
    gate = Gate()
    with farm(gate, cores=1) as (coord, worker):
        calls = start(coord, 2)
        until(lambda: worker.active == 1)
        coord.process.send_signal(signal.SIGTERM)
        until(lambda: any(call.done() for call in calls))
        waited = [call for call in calls if call.done()]
        running = [call for call in calls if not call.done()]
        equal([call.code() for call in waited], [grpc.StatusCode.UNAVAILABLE])
        assert "shutting down" in waited[0].details()
        equal(coord.client.health().status, "unhealthy")
        code, _ = code_of(coord.client.Compile, source("new.c"))
        equal(code, grpc.StatusCode.UNAVAILABLE)
        gate.opened.set()
        assert running[0].result().success
        equal(coord.process.wait(WAIT), 0)


@test
def drain_has_an_end():
    gate = Gate()
    with farm(gate, coordinator_drain_timeout="300ms") as (coord, worker):
        call = coord.client.Compile.future(source(), timeout=WAIT)
        until(lambda: worker.active == 1)
        coord.process.send_signal(signal.SIGINT)
        equal(coord.process.wait(WAIT), 0)
        assert call.exception() is not None
        until(lambda: gate.cancelled == 1)


@test
def second_signal_ends_at_once():
    gate = Gate()
    with farm(gate) as (coord, worker):
        call = coord.client.Compile.future(source(), timeout=WAIT)
        until(lambda: worker.active == 1)
        coord.process.send_signal(signal.SIGTERM)
        until(lambda: coord.client.health().status == "unhealthy")
        coord.process.send_signal(signal.SIGTERM)
        equal(coord.process.wait(5), 0)
        assert call.exception() is not None


def run(*arguments, **options):
    env = dict(os.environ, **options)
    return subprocess.run(
        [COORD, *arguments],
        env=env,
        capture_output=True,
        text=True,
        timeout=WAIT,
    )


@test
def open_address_needs_insecure():
    result = run("serve", "--listen", "0.0.0.0", "--grpc-port", "0")
    assert result.returncode != 0 and not result.stdout, result
    assert "--insecure" in result.stderr, result.stderr
    coord = Coordinator("--listen", "0.0.0.0", "--insecure")
    equal(coord.ready, "ready grpc=0.0.0.0:%d\n" % coord.port)
    equal(coord.stop(), 0)


@test
def command_line_is_explained():
    equal(run("version").stdout, run("--version").stdout)
    assert "--grpc-port" in run("--help").stdout
    for bad in (
        [],
        ["serv"],
        ["serve", "--nonsense"],
        ["serve", "word"],
        ["serve", "--log-level", "loud"],
    ):
        result = run(*bad)
        assert result.returncode != 0 and result.stderr, bad
    result = run("serve", HG_RESILIENCE_REQUEST_THRESHOLD="0")
    assert "resilience.request_threshold" in result.stderr, result.stderr


@test
def taken_port_is_told():
    with farm() as (coord,):
        result = run("serve", "--grpc-port", str(coord.port))
        assert result.returncode != 0, result
        assert str(coord.port) in result.stderr, result.stderr


def attempt(function):
    try:
        function()
    except Exception as error:
        return "%s: %s" % (type(error).__name__, error)
    return None


def main():
    wanted = sys.argv[3:]
    failed = 0
    tests = [t for t in TESTS if not wanted or t.__name__ in wanted]
    # most of the time is waiting
    with futures.ThreadPoolExecutor(4) as pool:
        for i, error in enumerate(pool.map(attempt, tests)):
            name = tests[i].__name__.replace("_", " ")
            failed += error is not None
            print("not ok" if error else "ok", i + 1, "-", name)
            for line in (error or "").splitlines():
                print("#", line)
            sys.stdout.flush()
    print("1..%d" % len(tests))
    return 1 if failed else 0


sys.exit(main())
