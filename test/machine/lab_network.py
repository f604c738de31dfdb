"""The packet lab's network (lab.py, by the same addresses and names) in one process: an emulated machine is too slow for
the lab's process per namespace. Sockets stay in the namespace in which they were made, so that one loop serves them all."""
import asyncio, contextlib, ctypes, os, socket, subprocess, threading
import lab

libc = ctypes.CDLL(None, use_errno=True)
SYSCTLS = {
    'net.ipv4.ip_forward': 1, 'net.ipv6.conf.all.forwarding': 1, 'net.ipv4.conf.all.rp_filter': 0,
    'net.ipv4.conf.default.rp_filter': 0, 'net.ipv4.conf.all.route_localnet': 1, 'net.ipv4.icmp_ratelimit': 0,
    'net.ipv6.icmp.ratelimit': 0, 'net.ipv6.conf.all.accept_dad': 0, 'net.ipv6.conf.default.accept_dad': 0,
    'net.ipv6.conf.default.dad_transmits': 0,
}


def ip(lines, namespace=None):
    command = ['ip', *(['-n', namespace] if namespace else []), '-batch', '-']
    done = subprocess.run(command, input='\n'.join(lines) + '\n', capture_output=True, text=True)
    if done.returncode: raise RuntimeError(f'{lines}: {done.stderr.strip()}')


@contextlib.contextmanager
def inside(namespace):
    """The calling thread works in the namespace meanwhile."""
    with open('/proc/thread-self/ns/net') as own, open(f'/run/netns/{namespace}') as other:
        if libc.setns(other.fileno(), 0): raise OSError(ctypes.get_errno(), 'setns')
        try: yield
        finally: libc.setns(own.fileno(), 0)


def set_switches(namespace):
    with inside(namespace):
        for key, value in SYSCTLS.items():
            with open('/proc/sys/' + key.replace('.', '/'), 'w') as file: file.write(str(value))


class Plan:
    """Collects what to tell ip, so that it is started once per namespace."""
    def __init__(self):
        self.namespaces, self.links, self.inside = [], [], {}

    def add(self, name):
        self.namespaces.append(name)
        self.inside[name] = ['link set lo up']

    def connect(self, a, b, addresses_a, addresses_b):
        """A veth pair of namespaces (namespace, device), with addresses at both ends."""
        self.links.append(f'link add {a[1]} netns {a[0]} type veth peer name {b[1]} netns {b[0]}')
        for (namespace, device), addresses in ((a, addresses_a), (b, addresses_b)):
            for address in addresses:
                self.inside[namespace].append(f'addr add {address} dev {device}{" nodad" if ":" in address else ""}')
            self.inside[namespace].append(f'link set {device} up')

    def carry_out(self):
        ip([f'netns add {name}' for name in self.namespaces])
        for name in self.namespaces: set_switches(name)
        ip(self.links)
        for name, lines in self.inside.items(): ip(lines, name)


def plan_endpoint(plan, index, address):
    name, v6 = f'labe{index}', ':' in address
    bits, gateway = (128, 'fd00:255::1') if v6 else (32, '169.254.1.1')
    plan.add(name)
    plan.connect(('labnode', f'ep{index}'), (name, 'eth0'), [f'{gateway}/{bits}'], [f'{address}/{bits}'])
    plan.inside[name] += [f'route add {gateway} dev eth0', f'route add default via {gateway}']
    plan.inside['labnode'].append(f'route add {address} dev ep{index}')
    return name


def build(endpoints):
    plan = Plan()
    for name in lab.NS: plan.add(name)
    plan.connect(('labnode', 'vne0'), ('labext', 'vne1'), ['172.18.0.2/24', 'fd00:172:18::2/64'],
                 ['172.18.0.100/24', 'fd00:172:18::100/64', *(f'172.18.0.{i}/24' for i in range(101, 117))])
    plan.connect(('labnode', 'vnp0'), ('labpod', 'vnp1'), ['10.244.1.249/30', 'fd00:10:244:1::f9/126'],
                 ['10.244.1.250/30', 'fd00:10:244:1::fa/126'])
    for name, v4, v6 in (('labext', '172.18.0.2', 'fd00:172:18::2'), ('labpod', '10.244.1.249', 'fd00:10:244:1::f9'),
                         ('labnode', '172.18.0.100', 'fd00:172:18::100')):
        plan.inside[name] += [f'route add default via {v4}', f'route add default via {v6}']
    spaces = {address: plan_endpoint(plan, index, address) for index, address in enumerate(sorted(endpoints))}
    plan.carry_out()
    return spaces


def plain(address):
    return address.removeprefix('::ffff:')


async def answer_tcp(reader, writer):
    own, peer = writer.get_extra_info('sockname'), writer.get_extra_info('peername')
    writer.write(f'{plain(own[0])} {own[1]} {plain(peer[0])}'.encode())
    with contextlib.suppress(OSError):
        await writer.drain()
        if await reader.read(1) == b'k':   # kept until the client closes it, and answered meanwhile
            while said := await reader.read(64): writer.write(said)
    writer.close()


def answer_udp(listener):
    """Answers from the address that was asked: the endpoint's own."""
    data, ancillary, _, peer = listener.recvmsg(64, 256)
    level, kind, info = ancillary[0]
    if listener.family == socket.AF_INET:
        address, reply = socket.inet_ntop(socket.AF_INET, info[8:12]), bytes(4) + info[8:12] + info[8:12]
    else:
        address, reply = socket.inet_ntop(socket.AF_INET6, info[:16]), info[:16] + bytes(4)
    listener.sendmsg([f'{address} {listener.getsockname()[1]} {peer[0]}'.encode()], [(level, kind, reply)], 0, peer)


async def listen(namespace, ports):
    for port in ports:
        for family, everywhere in ((socket.AF_INET, '0.0.0.0'), (socket.AF_INET6, '::')):
            with inside(namespace):
                tcp, udp = socket.socket(family, socket.SOCK_STREAM), socket.socket(family, socket.SOCK_DGRAM)
            for listener in (tcp, udp):
                listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
                if family == socket.AF_INET6: listener.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY, 1)
                listener.bind((everywhere, port))
            if family == socket.AF_INET6: udp.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_RECVPKTINFO, 1)
            else: udp.setsockopt(socket.IPPROTO_IP, 8, 1)   # IP_PKTINFO
            udp.setblocking(False)
            asyncio.get_running_loop().add_reader(udp, answer_udp, udp)
            await asyncio.start_server(answer_tcp, sock=tcp, backlog=100)


class Network(lab.Lab):
    """The lab's probes and outcomes over this network; loading rules is the test's part."""
    # Seconds before a datagram is sent again, and before an answer is given up; TCP repeats by itself.
    patience = (0.8, 3)

    def __init__(self, objects):
        self.objects = objects
        slices = [o for o in objects if o['kind'] == 'EndpointSlice' and o['metadata']['name'] != 'kubernetes']
        ports = {}
        for o in slices:
            for address in (a for e in o['endpoints'] for a in e['addresses']):
                ports.setdefault(address, set()).update(p['port'] for p in o['ports'])
        self.spaces = build(ports)
        loop, ready = asyncio.new_event_loop(), threading.Event()

        async def serve():
            for address, namespace in self.spaces.items(): await listen(namespace, sorted(ports[address]))
            ready.set()
            await asyncio.Event().wait()
        threading.Thread(target=loop.run_until_complete, args=(serve(),), daemon=True).start()
        if not ready.wait(60): raise RuntimeError('the endpoints do not listen')

    def open(self, who, address, port, proto, bind=None, patience=60):
        with inside(who):
            family = socket.AF_INET6 if ':' in address else socket.AF_INET
            client = socket.socket(family, socket.SOCK_STREAM if proto == 'TCP' else socket.SOCK_DGRAM)
        client.settimeout(patience)
        if bind: client.bind((bind, 0))
        client.connect((address, port))
        return client

    def once(self, who, address, port, proto, bind):
        """What one connection sees. It is never begun anew: each new one is the next endpoint's turn under round-robin."""
        try:
            with self.open(who, address, port, proto, bind, sum(self.patience)) as client:
                if proto == 'TCP':
                    client.send(b'x')
                    return client.recv(128).decode() or 'empty'
                for seconds in self.patience:
                    client.settimeout(seconds)
                    client.send(b'x')
                    with contextlib.suppress(TimeoutError): return client.recv(128).decode() or 'empty'
                return 'timeout'
        except TimeoutError: return 'timeout'
        except OSError as error: return 'refused' if error.errno in (1, 101, 104, 111, 113) else f'error {error.errno}'

    def ask(self, who, address, port, proto, n, bind=None, keep=False):
        seen = {}
        for _ in range(n):
            answer = self.once(who, address, port, proto, bind)
            seen[answer] = seen.get(answer, 0) + 1
            if answer == 'timeout' or seen.get('refused') == 3: break
        return seen
