// Stock kubectl against a running cluster: the commands of every day, with the outputs that their users know.
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { bundledKubectl, kubectlOnPath } from '../../src/cluster/kubectl.ts';
import { eventually, run, testCluster } from './portico.ts';

const cluster = testCluster('e2e-kubectl');
let program = '';
const long = { timeout: 300_000, interval: 100 };

/** The kubectl on PATH when it is newer than the development package's 1.35, else that one. */
async function chooseKubectl(): Promise<string> {
  const onPath = kubectlOnPath(process.env.PATH);
  const bundled = await bundledKubectl('/tmp/portico-e2e-tools');
  if (!onPath || !bundled) return onPath ?? bundled ?? '';
  const { stdout } = await run([onPath, 'version', '--client', '-o', 'json']);
  const { clientVersion } = JSON.parse(stdout || '{}') as { clientVersion?: { minor?: string } };
  return Number.parseInt(clientVersion?.minor ?? '0', 10) > 35 ? onPath : bundled;
}

async function kubectl(...args: readonly string[]): Promise<string> {
  const { code, stdout, stderr } = await run([program, ...args], { KUBECONFIG: cluster.kubeconfig });
  expect(code, `kubectl ${args.join(' ')}: ${stderr}${stdout}`).toBe(0);
  return stdout;
}

beforeAll(async () => {
  program = await chooseKubectl();
  const { code, stderr } = await cluster.portico('up', '--egress', 'off', '--nodes', '2');
  expect(code, stderr).toBe(0);
});
afterAll(() => cluster.remove());

test('the context is called after the cluster, so that kubeconfigs of several may be read together', async () => {
  const name = `kubernetes-admin@${cluster.name}`;
  expect(await kubectl('config', 'get-contexts', '--no-headers')).toMatch(
    new RegExp(`^\\* +${name} +${cluster.name} +${name} *\n$`),
  );
});

describe.sequential('a Deployment and its Service', () => {
  test('apply', async () => {
    const manifest = `${cluster.dataDir}/deployment.yaml`;
    const { writeFile } = await import('node:fs/promises');
    const template = `metadata: {labels: {app: nginx}}, spec: {containers: [{name: nginx, image: 'portico.local/echo:1'}]}`;
    const spec = `replicas: 3, selector: {matchLabels: {app: nginx}}, template: {${template}}`;
    await writeFile(manifest, `{apiVersion: apps/v1, kind: Deployment, metadata: {name: nginx}, spec: {${spec}}}\n`);
    expect(await kubectl('apply', '-f', manifest)).toBe('deployment.apps/nginx created\n');
    expect(await kubectl('apply', '-f', manifest)).toBe('deployment.apps/nginx unchanged\n');
    expect(await kubectl('apply', '--server-side', '--force-conflicts', '-f', manifest)).toBe(
      'deployment.apps/nginx serverside-applied\n',
    );
  });

  test('wait', async () => {
    const said = await kubectl('wait', '--for=condition=Available', 'deployment/nginx', '--timeout=300s');
    expect(said).toBe('deployment.apps/nginx condition met\n');
    expect(await kubectl('rollout', 'status', 'deployment/nginx', '--timeout=300s')).toContain(
      'successfully rolled out',
    );
  });

  test('expose', async () => {
    const said = await kubectl('expose', 'deployment', 'nginx', '--port=80', '--target-port=80');
    expect(said).toBe('service/nginx exposed\n');
  });

  test('get pods -o wide', async () => {
    const [header, ...rows] = (await kubectl('get', 'pods', '-o', 'wide')).trimEnd().split('\n');
    expect(header?.trim().split(/ {3,}/)).toEqual([
      'NAME',
      'READY',
      'STATUS',
      'RESTARTS',
      'AGE',
      'IP',
      'NODE',
      'NOMINATED NODE',
      'READINESS GATES',
    ]);
    expect(rows).toHaveLength(3);
    for (const row of rows)
      expect(row).toMatch(/^nginx-\w+-\w{5} +1\/1 +Running +0 +[\dms]+ +10\.244\.\d+\.\d+ +node-[12] +<none> +<none>/);
  });

  test('get svc', async () => {
    const [header, ...rows] = (await kubectl('get', 'svc')).trimEnd().split('\n');
    expect(header).toMatch(/^NAME +TYPE +CLUSTER-IP +EXTERNAL-IP +PORT\(S\) +AGE$/);
    expect(rows[0]).toMatch(/^kubernetes +ClusterIP +10\.96\.0\.1 +<none> +443\/TCP +[\dms]+$/);
    expect(rows[1]).toMatch(/^nginx +ClusterIP +10\.96\.\d+\.\d+ +<none> +80\/TCP +[\dms]+$/);
  });

  test('get endpoints and endpointslices', async () => {
    const ips = (await kubectl('get', 'pods', '-o', 'jsonpath={.items[*].status.podIP}')).split(' ').sort();
    const lines = async (...args: string[]) => (await kubectl('get', ...args)).trimEnd().split('\n');
    const isWhole = (line = '') => ips.every((ip) => line.includes(ip));
    const endpoints = await eventually('the endpoints', async () => {
      const found = await lines('endpoints', 'nginx');
      return isWhole(found[1]) ? found : undefined;
    });
    expect(endpoints[0]).toMatch(/^NAME +ENDPOINTS +AGE$/);
    const addresses = /^nginx +(\S+) +[\dms]+$/.exec(endpoints[1] ?? '')?.[1]?.split(',') ?? [];
    expect(addresses.sort()).toEqual(ips.map((ip) => `${ip}:80`));
    const slices = await eventually('the slice', async () => {
      const found = await lines('endpointslices', '-l', 'kubernetes.io/service-name=nginx');
      return isWhole(found[1]) ? found : undefined;
    });
    expect(slices[0]).toMatch(/^NAME +ADDRESSTYPE +PORTS +ENDPOINTS +AGE$/);
    const listed = /^nginx-\w{5} +IPv4 +80 +(\S+) +[\dms]+$/.exec(slices[1] ?? '')?.[1]?.split(',') ?? [];
    expect(listed.sort()).toEqual(ips);
  });

  test('describe svc', async () => {
    const text = await kubectl('describe', 'svc', 'nginx');
    expect(text).toMatch(/^Name: +nginx$/m);
    expect(text).toMatch(/^Selector: +app=nginx$/m);
    expect(text).toMatch(/^Type: +ClusterIP$/m);
    expect(text).toMatch(/^IP Family Policy: +SingleStack$/m);
    expect(text).toMatch(/^Port: +<unset> +80\/TCP$/m);
    expect(text).toMatch(/^TargetPort: +80\/TCP$/m);
    expect(text).toMatch(/^Endpoints: +10\.244\.\S+:80,10\.244\.\S+:80,10\.244\.\S+:80$/m);
  });

  test('exec and logs', async () => {
    const pods = (await kubectl('get', 'pods', '-l', 'app=nginx', '-o', 'name')).trimEnd().split('\n');
    const logs = async () => (await Promise.all(pods.map((pod) => kubectl('logs', pod)))).join('');
    const before = await logs();
    expect(await kubectl('exec', 'deployment/nginx', '--', 'sh', '-c', 'echo said >/proc/1/fd/1; echo here')).toBe(
      'here\n',
    );
    const ask = ['exec', 'deployment/nginx', '--', 'timeout', '5', 'wget', '-q', '-O', '-', 'http://nginx'];
    // Names and rules reach the node after the API server.
    await expect.poll(() => kubectl(...ask), long).toMatch(/^nginx-\S+ 10\.244\.\S+ sees 10\.244\./);
    // The runtime writes the file behind the answer of the exec.
    await expect.poll(logs, long).toBe(`${before}said\n`);
    const failed = await run([program, 'exec', 'deployment/nginx', '--', 'sh', '-c', 'exit 7'], {
      KUBECONFIG: cluster.kubeconfig,
    });
    expect(failed.code).toBe(7);
    expect(failed.stderr).toContain('command terminated with exit code 7');
  });

  test('scale', async () => {
    expect(await kubectl('scale', 'deployment', 'nginx', '--replicas=1')).toBe('deployment.apps/nginx scaled\n');
    await kubectl('wait', '--for=jsonpath={.status.replicas}=1', 'deployment/nginx', '--timeout=300s');
    expect(await kubectl('get', 'deployment', 'nginx')).toMatch(/^nginx +1\/1 +1 +1 +[\dms]+$/m);
  });

  test('delete', async () => {
    expect(await kubectl('delete', 'svc,deployment', 'nginx')).toBe(
      'service "nginx" deleted from default namespace\ndeployment.apps "nginx" deleted from default namespace\n',
    );
    await kubectl('wait', '--for=delete', 'pod', '-l', 'app=nginx', '--timeout=300s');
    const { stdout, stderr } = await run([program, 'get', 'pods'], { KUBECONFIG: cluster.kubeconfig });
    expect(stdout).toBe('');
    expect(stderr).toBe('No resources found in default namespace.\n');
  });
});

describe('what is wrong is refused as upstream refuses it', () => {
  const apply = async (text: string) => {
    const { writeFile } = await import('node:fs/promises');
    const file = `${cluster.dataDir}/wrong.yaml`;
    await writeFile(file, text);
    return run([program, 'create', '-f', file], { KUBECONFIG: cluster.kubeconfig });
  };

  test('an invalid field is named with its path', async () => {
    const { code, stderr } = await apply(
      '{apiVersion: v1, kind: Service, metadata: {name: wrong}, spec: {ports: [{port: 70000, targetPort: 80}]}}',
    );
    expect(code).toBe(1);
    expect(stderr).toContain(
      'The Service "wrong" is invalid: spec.ports[0].port: Invalid value: 70000: must be between 1 and 65535, inclusive',
    );
  });

  test('an unknown kind is none that the server has', async () => {
    const { code, stderr } = await apply('{apiVersion: v1, kind: Servise, metadata: {name: wrong}}');
    expect(code).toBe(1);
    expect(stderr).toContain('no matches for kind "Servise" in version "v1"');
  });
});
