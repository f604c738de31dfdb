// Starts clusters, uses one over HTTPS and in process, stops them, and prints what Node.js holds for them and in which files.
import { mkdtempSync, readdirSync, rmSync } from 'node:fs';
import { request } from 'node:https';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { pods, startCluster } from '../index.ts';

if (!import.meta.main) throw new Error('this is a program, not a module');

process.env.TMPDIR = mkdtempSync(join(tmpdir(), 'portico-use-'));
const filesLeft = () => readdirSync(tmpdir());
const turn = () => new Promise((resolve) => setImmediate(resolve));
const resources = () => process.getActiveResourcesInfo().filter((name) => name !== 'PipeWrap' && name !== 'TTYWrap');

const [cluster, other] = await Promise.all([startCluster({ nodes: 2 }), startCluster({ time: 'manual' })]);
await cluster.client.resource(pods).create({
  metadata: { name: 'web', namespace: 'default' },
  spec: { containers: [{ name: 'web', image: 'web' }] },
});
// A watch of another client that nobody ends, and one of the cluster's own.
const pem = (field: string) =>
  Buffer.from(new RegExp(`${field}-data: (.*)`).exec(cluster.kubeconfig)?.[1] ?? '', 'base64');
const access = { ca: pem('certificate-authority'), cert: pem('client-certificate'), key: pem('client-key') };
const watching = request(`${cluster.url}/api/v1/pods?watch=1`, access);
watching.on('error', () => {});
const answered = Promise.withResolvers<number>();
watching.on('response', (response) => {
  response.on('error', () => {});
  answered.resolve(response.statusCode ?? 0);
  response.resume();
});
watching.end();
if ((await answered.promise) !== 200) throw new Error('the watch is refused');
await cluster.clock.advance(600_000);
await other.stop();
const during = { resources: resources(), files: filesLeft() };
await cluster.stop();
await cluster.stop();
// Connections close when the kernel has told both ends; what is held for good is there after a minute, too.
for (const end = Date.now() + 60_000; resources().length > 0 && Date.now() < end; ) await turn();
const after = resources();
const files = filesLeft();
rmSync(process.env.TMPDIR, { recursive: true });
process.stdout.write(JSON.stringify({ during, after, files }));
