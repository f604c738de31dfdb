// The workloads of batch/v1 by stock kubectl, on hollow nodes, without root.
import { afterAll, beforeAll, expect, test } from 'vitest';
import { startServer, type TestServer } from '../fixtures/portico-process.ts';
import { eventually } from './portico.ts';
import { apply, job, jobTemplate, values } from './workloads.ts';

let server: TestServer;
beforeAll(async () => {
  server = await startServer(['--hollow-nodes', '3']);
});
afterAll(() => server.stop());

const kubectl = (...args: string[]) => server.kubectl(...args);
const quick = { 'hollow.portico.dev/run-for': '0.1' };
const failing = { 'hollow.portico.dev/exit-code': '3' };
const until = (condition: string, name: string) =>
  kubectl('wait', `--for=condition=${condition}`, `job/${name}`, '--timeout=300s');
const field = (name: string, path: string) => kubectl('get', `job/${name}`, '-o', `jsonpath={${path}}`);
const reason = (name: string, type: string) => field(name, `.status.conditions[?(@.type=="${type}")].reason`);

test('completions one after another, each pod counted once', async () => {
  await apply(server, job('plain', quick, { completions: 6, parallelism: 2 }));
  await until('Complete', 'plain');
  expect(await field('plain', '.status.succeeded')).toBe('6');
  const pods = ['pods', '-l', 'batch.kubernetes.io/job-name=plain'];
  expect(await values(server, pods, '{.status.phase}{.metadata.finalizers}')).toEqual(Array(6).fill('Succeeded'));
  await kubectl('delete', 'job/plain', '--cascade=foreground', '--timeout=300s');
  expect(await values(server, pods, '{.metadata.name}')).toEqual([]);
});

test('an Indexed Job has one pod for each index', async () => {
  await apply(server, job('indexed', quick, { completions: 4, parallelism: 4, completionMode: 'Indexed' }));
  await until('Complete', 'indexed');
  expect(await field('indexed', '.status.completedIndexes')).toBe('0-3');
  const pods = ['pods', '-l', 'batch.kubernetes.io/job-name=indexed'];
  const label = '{.metadata.labels.batch\\.kubernetes\\.io/job-completion-index} {.spec.hostname}';
  expect(await values(server, pods, label)).toEqual(['0 indexed-0', '1 indexed-1', '2 indexed-2', '3 indexed-3']);
});

test.each([
  ['backoff', { backoffLimit: 0 }, 'BackoffLimitExceeded'],
  ['deadline', { activeDeadlineSeconds: 1, backoffLimit: 6 }, 'DeadlineExceeded'],
  [
    'policy',
    { podFailurePolicy: { rules: [{ action: 'FailJob', onExitCodes: { operator: 'In', values: [3] } }] } },
    'PodFailurePolicy',
  ],
  ['indexes', { backoffLimitPerIndex: 0, completions: 2, parallelism: 2, completionMode: 'Indexed' }, 'FailedIndexes'],
])('a Job that fails by its %s', async (name, spec, why) => {
  await apply(server, job(name, failing, spec));
  await until('Failed', name);
  expect(await reason(name, 'FailureTarget')).toBe(why);
  expect(await reason(name, 'Failed')).toBe(why);
  expect(await field(name, '.status.active')).toBe('');
  await kubectl('delete', `job/${name}`);
});

test('a success policy ends a Job early', async () => {
  // Tried again, it begins anew.
  await kubectl('delete', 'job/early', '--ignore-not-found', '--cascade=foreground');
  const successPolicy = { rules: [{ succeededIndexes: '0' }] };
  await apply(server, job('early', {}, { completions: 2, parallelism: 2, completionMode: 'Indexed', successPolicy }));
  const leader = await eventually('the pod of index 0', async () => {
    const pods = ['pods', '-l', 'batch.kubernetes.io/job-name=early,batch.kubernetes.io/job-completion-index=0'];
    const [name] = await values(server, pods, '{.metadata.name}');
    return name;
  });
  await kubectl('annotate', `pod/${leader}`, 'hollow.portico.dev/run-for=0');
  await until('Complete', 'early');
  expect(await reason('early', 'Complete')).toBe('SuccessPolicy');
});

test('suspend and resume', async () => {
  // Tried again, it begins anew.
  await kubectl('delete', 'job/paused', '--ignore-not-found', '--cascade=foreground');
  await apply(server, job('paused', {}, { suspend: true, parallelism: 2, completions: 2 }));
  await until('Suspended', 'paused');
  expect(await field('paused', '.status.startTime')).toBe('');
  const suspend = (value: boolean) =>
    kubectl('patch', 'job/paused', '-p', JSON.stringify({ spec: { suspend: value } }));
  await suspend(false);
  await kubectl('wait', '--for=jsonpath={.status.ready}=2', 'job/paused', '--timeout=300s');
  await suspend(true);
  await until('Suspended', 'paused');
  const pods = ['pods', '-l', 'batch.kubernetes.io/job-name=paused'];
  await eventually('its pods to go', async () =>
    (await values(server, pods, '{.metadata.name}')).length === 0 ? true : undefined,
  );
  expect(await field('paused', '.status.failed')).toBe('');
  expect(await field('paused', '.status.startTime')).toBe('');
  const move = { spec: { template: { spec: { nodeSelector: { 'kubernetes.io/hostname': 'hollow-2' } } } } };
  await kubectl('patch', 'job/paused', '-p', JSON.stringify(move));
  await suspend(false);
  // What counts the ready ones may be a moment behind those that went.
  const nodes = await eventually('two pods on nodes', async () => {
    const found = await values(server, pods, '{.spec.nodeName}');
    return found.length === 2 ? found : undefined;
  });
  expect(nodes).toEqual(['hollow-2', 'hollow-2']);
  await kubectl('wait', '--for=jsonpath={.status.ready}=2', 'job/paused', '--timeout=300s');
});

test('a finished Job goes when its time is over, another manager is left alone', async () => {
  await apply(
    server,
    job('brief', quick, { ttlSecondsAfterFinished: 1 }),
    job('foreign', quick, { managedBy: 'example.com/other' }),
  );
  await eventually('the Job to go', async () =>
    (await values(server, ['jobs'], '{.metadata.name}')).includes('brief') ? undefined : true,
  );
  expect(await field('foreign', '.status')).not.toContain('startTime');
});

test('a CronJob makes Jobs, keeps as many as it should, and stops when suspended', async () => {
  const jobSpec = { template: jobTemplate(quick) };
  const spec = { schedule: '* * * * *', jobTemplate: { spec: jobSpec } };
  await apply(server, { apiVersion: 'batch/v1', kind: 'CronJob', metadata: { name: 'tick' }, spec });
  // Tried again, it begins anew.
  await kubectl('delete', 'job/by-hand', '--ignore-not-found');
  await kubectl('create', 'job', 'by-hand', '--from=cronjob/tick');
  await until('Complete', 'by-hand');
  // The next full minute is at most one away.
  const made = await eventually('a Job of the schedule', async () =>
    (await values(server, ['jobs'], '{.metadata.name}')).find((name) => /^tick-\d+$/.test(name)),
  );
  await until('Complete', made);
  const cron = (path: string) => kubectl('get', 'cronjob/tick', '-o', `jsonpath={${path}}`);
  await eventually('the last success', async () => (await cron('.status.lastSuccessfulTime')) || undefined);
  expect(Date.parse(await cron('.status.lastScheduleTime')) % 60_000).toBe(0);
  await kubectl('delete', 'cronjob/tick', '--cascade=foreground', '--timeout=300s');
  expect(await values(server, ['jobs'], '{.metadata.name}')).not.toContain(made);
});
