// What the README promises: the demo shows all it says, and `down` leaves the machine as it was.
import { existsSync } from 'node:fs';
import { afterAll, expect, test } from 'vitest';
import { expectMachineState, machineState } from './machine-state.ts';
import { testCluster } from './portico.ts';

const cluster = testCluster('e2e-demo');
afterAll(() => cluster.remove());

/** Names and counts of the pods listed under the line that holds `heading`. */
function answersUnder(output: string, heading: string): Map<string, number> {
  const lines = output.split('\n');
  const from = lines.findIndex((line) => line.includes(heading));
  const counts = new Map<string, number>();
  for (const line of from < 0 ? [] : lines.slice(from + 1)) {
    const match = /^\s+(nginx-\S+)\s+(\d+)\s+█/.exec(line);
    if (!match?.[1]) break;
    counts.set(match[1], Number(match[2]));
  }
  return counts;
}

test('up --demo shows three pods behind every door, then follows every change; down leaves nothing', async () => {
  // Tried again, it begins anew.
  expect((await cluster.portico('down', '--purge')).code).toBe(0);
  const before = await machineState(cluster.name);
  const up = await cluster.portico('up', '--demo', '--egress', 'off');
  expect(up.stderr.replace('portico: building the page\n', '')).toBe('');
  expect(up.code, up.stdout).toBe(0);

  for (const door of [
    'http://nginx-service: 60 of 60',
    '   http://10.96.',
    'externalTrafficPolicy: Cluster',
    'externalTrafficPolicy: Local',
    '   http://172.30.',
  ]) {
    const counts = answersUnder(up.stdout, door);
    expect([...counts.keys()], door).toHaveLength(3);
    expect(
      [...counts.values()].reduce((sum, n) => sum + n, 0),
      door,
    ).toBe(60);
  }
  expect(up.stdout).toMatch(/EndpointSlice\s+nginx-service-\w+/);
  expect(up.stdout).toMatch(/Endpoints\s+nginx-service 10\.244\.\d+\.\d+:80,/);
  expect(up.stdout).toMatch(/nginx-service\.default\.svc\.cluster\.local\s+A\s+10\.96\./);
  expect(up.stdout.match(/nginx-headless\.default\.svc\.cluster\.local\s+A\s+10\.244\./g)).toHaveLength(3);
  expect(up.stdout.match(/SRV\s+0 \d+ 80 /g)).toHaveLength(3);
  expect(up.stdout).toMatch(/nginx-external\.default\.svc\.cluster\.local\s+CNAME\s+www\.example\.com/);
  expect(up.stdout).toMatch(/nginx-public has 172\.30\.\d+\.129 .*node-\d answers ARP and NDP for it/);
  expect(up.stdout).toMatch(/Client\s+\d+ asks, \d+ without an answer/);
  expect([...answersUnder(up.stdout, 'http://nginx-service: 20 of 20').keys()]).toHaveLength(1);
  expect([...answersUnder(up.stdout, 'http://nginx-service: 100 of 100').keys()]).toHaveLength(5);
  expect(up.stdout).toContain(`export KUBECONFIG=${cluster.kubeconfig}`);

  // The link leads to the page: its files come to anybody, what the cluster holds does not.
  const [, origin] = /^ {2}(http:\/\/127\.0\.0\.1:\d+)\/#\S{43}$/m.exec(up.stdout) ?? [];
  expect(await (await fetch(`${origin}/`)).text()).toContain('<title>Portico</title>');
  expect((await fetch(`${origin}/api/picture`)).status).toBe(401);

  const down = await cluster.portico('down');
  expect(down.code, down.stderr).toBe(0);
  await expectMachineState(cluster.name, before);
  expect(existsSync(cluster.kubeconfig)).toBe(true);

  const purge = await cluster.portico('down', '--purge');
  expect(purge.code).toBe(0);
  expect(existsSync(cluster.dataDir)).toBe(false);
});
