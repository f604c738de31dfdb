import { expect, test } from 'vitest';
import { GrpcError, grpcCode } from '../../grpc/client.ts';
import { FakeClock } from '../../system/fake/clock.ts';
import type { AuthConfig, CriImage } from '../cri/messages.ts';
import { type ImageError, ImagePuller } from './images.ts';
import type { RegistryCredential } from './registry-auth.ts';

interface Runtime {
  /** Whether the image is there before the pull. */
  readonly present?: boolean;
  readonly status?: Error;
  /** What each pull fails for, in turn; undefined for one that does not. */
  readonly pulls?: (Error | undefined)[];
}

/** A node whose clock stands still; `ensure` tells what became of the container, and all events. */
function node({ present = false, status, pulls = [] }: Runtime) {
  const clock = new FakeClock();
  const asked: (AuthConfig | undefined)[] = [];
  let there = present;
  const cri = {
    imageStatus: async () => {
      if (status) throw status;
      return there ? ({ id: 'sha256:1', size: 7 } as CriImage) : undefined;
    },
    pullImage: async (_: string, auth?: AuthConfig) => {
      asked.push(auth);
      const error = pulls.shift();
      if (error) throw error;
      there = true;
      return 'sha256:1';
    },
  };
  const puller = new ImagePuller(cri, clock);
  const ensure = async (imagePullPolicy: string, credentials: readonly RegistryCredential[] = []) => {
    const said: string[] = [];
    const result = await puller
      .ensure({
        pod: { metadata: { name: 'p', uid: 'u' }, spec: { containers: [] } },
        container: { name: 'c', image: 'web:1', imagePullPolicy },
        credentials: async () => credentials,
        event: ({ type, reason, message }) => said.push(`${type} ${reason}: ${message}`),
        signal: new AbortController().signal,
      })
      .then(
        ({ id }) => id,
        ({ reason, message }: ImageError) => `${reason}: ${message}`,
      );
    return [result, ...said];
  };
  return { clock, asked, ensure };
}

const pulling = 'Normal Pulling: Pulling image "web:1"';
const pulled = 'Successfully pulled image "web:1" in 0s (0s including waiting). Image size: 7 bytes.';
const there = 'Normal Pulled: Container image "web:1" already present on machine and can be accessed by the pod';
const absent = 'Container image "web:1" is not present with pull policy of Never';
const inspect = 'Failed to inspect image "web:1": rpc error: code = Unavailable desc = gone';
const unavailable = new GrpcError(grpcCode.unavailable, 'gone');

test.each([
  ['IfNotPresent', { present: true }, ['sha256:1', there]],
  ['Never', { present: true }, ['sha256:1', there]],
  ['Always', { present: true }, ['sha256:1', pulling, `Normal Pulled: ${pulled}`]],
  ['IfNotPresent', {}, ['sha256:1', pulling, `Normal Pulled: ${pulled}`]],
  ['Never', {}, [`ErrImageNeverPull: ${absent}`, `Warning ErrImageNeverPull: ${absent}`]],
  ['IfNotPresent', { status: unavailable }, [`ImageInspectError: ${inspect}`, `Warning InspectFailed: ${inspect}`]],
])('with policy %s of %j', async (policy, runtime, expected) => {
  expect(await node(runtime).ensure(policy)).toEqual(expected);
});

test.each([
  [new GrpcError(grpcCode.unknown, 'denied'), 'ErrImagePull', 'denied', 'denied'],
  [
    new GrpcError(grpcCode.notFound, 'no tag'),
    'ErrImagePull',
    'rpc error: code = NotFound desc = no tag',
    'rpc error: code = NotFound desc = no tag',
  ],
  [
    new GrpcError(grpcCode.unknown, 'RegistryUnavailable: 503'),
    'RegistryUnavailable',
    'RegistryUnavailable: 503',
    'image pull failed for web:1 because the registry is unavailable: 503',
  ],
  [
    new GrpcError(grpcCode.unknown, 'SignatureValidationFailed'),
    'SignatureValidationFailed',
    'SignatureValidationFailed',
    'image pull failed for web:1 because the signature validation failed',
  ],
])('a pull that fails for %s, and the wait after it', async (error, reason, text, message) => {
  const { ensure } = node({ pulls: [error] });
  const failed = `Warning Failed: Failed to pull image "web:1": ${text}`;
  expect(await ensure('Always')).toEqual([`${reason}: ${message}`, pulling, failed]);
  const backOff = 'Back-off pulling image "web:1"';
  const waits = `ImagePullBackOff: ${backOff}: ${reason}: ${message}`;
  expect(await ensure('Always')).toEqual([waits, `Normal BackOff: ${backOff}`]);
});

test('a pull is tried again in its time though the clock was set back', async () => {
  const { clock, ensure } = node({ pulls: [new Error('denied')] });
  await ensure('Always');
  clock.step(-3_600_000);
  clock.advance(10_000);
  expect((await ensure('Always'))[0]).toBe('sha256:1');
});

test('pulls that fail wait twice as long each time, also when one succeeded meanwhile', async () => {
  const denied = new Error('denied');
  const { clock, ensure } = node({ pulls: [denied, denied, undefined, denied] });
  const after = async (milliseconds: number) => {
    clock.advance(milliseconds);
    return String((await ensure('Always'))[0]).split(':')[0];
  };
  expect([await after(0), await after(9999), await after(1)]).toEqual([
    'ErrImagePull',
    'ImagePullBackOff',
    'ErrImagePull',
  ]);
  expect([await after(19_999), await after(1)]).toEqual(['ImagePullBackOff', 'sha256']);
  expect([await after(0), await after(39_999), await after(1)]).toEqual(['ErrImagePull', 'ImagePullBackOff', 'sha256']);
});

test('each credential that matches is tried, and all that they fail for is told', async () => {
  const credentials = ['a', 'b'].map((username) => ({ location: 'docker.io', auth: { username } }));
  const good = node({ pulls: [new Error('no a')] });
  expect((await good.ensure('Always', credentials))[0]).toBe('sha256:1');
  expect(good.asked).toEqual([{ username: 'a' }, { username: 'b' }]);
  const bad = node({ pulls: [new Error('no a'), new Error('no b')] });
  expect((await bad.ensure('Always', credentials))[0]).toBe('ErrImagePull: [no a, no b]');
});

test('a pull that nobody waits for any more ends', async () => {
  const pullImage = async (_image: string, _auth?: AuthConfig, signal?: AbortSignal) => {
    signal?.throwIfAborted();
    return 'sha256:1';
  };
  const puller = new ImagePuller({ imageStatus: async () => undefined, pullImage }, new FakeClock());
  const pull = puller.ensure({
    pod: { metadata: { name: 'p', uid: 'u' }, spec: { containers: [] } },
    container: { name: 'c', image: 'web:1' },
    credentials: async () => [],
    event: () => {},
    signal: AbortSignal.abort(new Error('the pod is to end')),
  });
  await expect(pull).rejects.toThrow('the pod is to end');
});
