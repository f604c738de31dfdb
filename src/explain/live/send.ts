// Sends one packet, for a trace to be followed.
import type { Exec } from '../../system/exec.ts';
import type { Send, SendResult } from './watch.ts';

interface Sending extends Omit<Send, 'podAddress'> {
  /** What is put before the command, to run it in a namespace of another. */
  readonly inside: readonly string[];
}

/** Rejects when it could not be sent. */
export async function sendPacket(exec: Exec, { inside, ...send }: Sending): Promise<SendResult> {
  const { stdout, stderr } = await exec.run([...inside, process.execPath, '-e', sender, JSON.stringify(send)]);
  const said = stdout.trim();
  if (said === 'connected' || said === 'refused' || said === 'no answer') return said;
  throw new Error(`the packet was not sent: ${stderr.trim() || said}`);
}

/** Runs in the sender's network namespace: one connection, or one datagram, from a port that is known. */
const sender = `
const { protocol, destination, port, sourcePort } = JSON.parse(process.argv[1]);
const done = (said) => { console.log(said); process.exit(); };
// What came while this process had no turn is looked at first.
setTimeout(() => setImmediate(done, 'no answer'), 1500);
const failed = (error) => (error.code === 'ECONNREFUSED' ? done('refused') : /EADDRINUSE/.test(error.code) ? (console.error(error.message), process.exit(1)) : done('no answer'));
if (protocol === 'tcp') {
  const socket = require('node:net').connect({ host: destination, port, localPort: sourcePort }, () => done('connected'));
  socket.on('error', failed);
} else {
  const socket = require('node:dgram').createSocket(destination.includes(':') ? 'udp6' : 'udp4');
  socket.on('error', failed);
  socket.on('message', () => done('connected'));
  socket.bind(sourcePort, () => socket.connect(port, destination, () => socket.send(Buffer.alloc(1))));
}
`;
