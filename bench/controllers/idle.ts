// The processor time of a server with three hollow nodes and thirty pods while nothing happens.
import { readFileSync } from 'node:fs';
import { startServer } from '../../test/fixtures/portico-process.ts';

const seconds = 30;
/** Linux counts a process's time in hundredths of a second. */
const tick = 0.01;

const server = await startServer(['--hollow-nodes', '3']);
await server.kubectl('create', 'deployment', 'web', '--image=web', '--replicas=30');
await server.kubectl('rollout', 'status', 'deployment/web', '--timeout=60s');
await new Promise((resolve) => setTimeout(resolve, 5000));

function used(): number {
  const fields = readFileSync(`/proc/${server.child.pid}/stat`, 'utf8').split(') ')[1]!.split(' ');
  return (Number(fields[11]) + Number(fields[12])) * tick;
}

const before = used();
await new Promise((resolve) => setTimeout(resolve, seconds * 1000));
const percent = ((used() - before) / seconds) * 100;
await server.stop();
console.log(JSON.stringify({ percent }));
