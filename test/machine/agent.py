"""Answers the test over the machine's second serial line: a JSON line in, a JSON line out, each in a thread of its own."""
import copy, json, os, socket, struct, subprocess, sys, threading, tty

out = threading.Lock()
operations = {}


def operation(function):
    operations[function.__name__] = function
    return function


@operation
def run(command, input='', env=None):
    try:
        r = subprocess.run(command, input=input, capture_output=True, text=True, env={**os.environ, **(env or {})})
    except FileNotFoundError as error:
        return {'missing': error.filename}
    return {'code': r.returncode if r.returncode >= 0 else 128 - r.returncode, 'stdout': r.stdout, 'stderr': r.stderr}


state = {}


@operation
def build_network(objects):
    """The packet lab's network for the endpoints of these objects; rules go into namespace labnode. It is built once."""
    import lab_network
    if 'network' not in state: state['network'] = lab_network.Network(objects)


@operation
def outcomes(objects, n):
    """What the lab's probes of the objects see, in the shape that the lab compares, and shares that are too uneven."""
    import lab
    network = copy.copy(state['network'])
    network.objects = objects
    sticky = lab.sticky_services(objects)
    seen = network.outcomes(n)
    return {'shape': lab.shape(seen, sticky), 'uneven': lab.uneven(seen, sticky)}


@operation
def ask(who, ip, port, proto, n=1, bind=None):
    return state['network'].ask(who, ip, port, proto, n, bind)


@operation
def hold(name, who, ip, port):
    """Opens a TCP connection that stays; gives who answered."""
    client = state['network'].open(who, ip, port, 'TCP')
    client.send(b'k')
    state[name] = client
    return client.recv(128).decode()


@operation
def still_answers(name):
    """Whether a connection that is held carries data both ways."""
    state[name].send(b'?')
    return state[name].recv(1) == b'?'


@operation
def reset(name):
    """Ends a connection that is held by a reset: after a proper end IPVS would remember it for two minutes."""
    client = state.pop(name)
    client.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack('ii', 1, 0))
    client.close()


@operation
def bridge(path):
    """Carries the bytes of the third serial line to a unix socket and back: one connection, when the first bytes come.
    What is sent while nobody is at the other end of the line is lost."""
    line = os.open('/dev/ttyS2', os.O_RDWR | os.O_NOCTTY)
    tty.setraw(line)
    peer = socket.socket(socket.AF_UNIX)

    def upward():
        while data := os.read(line, 4096):
            peer.sendall(data)

    def downward():
        while data := peer.recv(4096):
            while data:
                data = data[os.write(line, data):]

    def serve():
        first = os.read(line, 4096)
        peer.connect(path)
        peer.sendall(first)
        threading.Thread(target=downward, daemon=True).start()
        upward()

    threading.Thread(target=serve, daemon=True).start()


def answer(request):
    try:
        reply = {'result': operations[request['operation']](**request['arguments'])}
    except Exception as error:
        reply = {'error': f'{type(error).__name__}: {error}'}
    with out:
        print(json.dumps({'id': request['id'], **reply}), flush=True)


print(json.dumps({'id': 0, 'result': 'up'}), flush=True)
for line in sys.stdin:
    threading.Thread(target=answer, args=(json.loads(line),)).start()
