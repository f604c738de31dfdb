import { expect, test } from 'vitest';
import { FakeClock } from '../../system/fake/clock.ts';
import { type ApiRequest, type ApiResponse, textResponse } from '../request.ts';
import { originPattern, withCors } from './cors.ts';
import { Draining } from './draining.ts';
import { checkDirective, withTransportSecurity } from './transport-security.ts';

function requestOf(method: string, path: string, headers: Record<string, string> = {}): ApiRequest {
  return {
    method,
    path,
    query: new URLSearchParams(),
    headers,
    body: async () => Buffer.alloc(0),
    signal: new AbortController().signal,
  };
}

const handler = async () => textResponse(200, 'ok');

test('CORS: a known origin is let in, its preflight answered at once, another is as ever', async () => {
  const cors = withCors(handler, [originPattern('//example\\.com(:|$)')]);
  const known = await cors(requestOf('GET', '/api', { origin: 'https://example.com:8443' }));
  expect(known.headers).toMatchObject({
    'access-control-allow-origin': 'https://example.com:8443',
    'access-control-allow-methods': 'POST, GET, OPTIONS, PUT, DELETE, PATCH',
    'access-control-allow-credentials': 'true',
    'access-control-expose-headers': 'Date',
  });
  expect(known.body).toBe('ok');
  expect(await cors(requestOf('OPTIONS', '/api', { origin: 'http://example.com' }))).toMatchObject({
    status: 204,
    body: '',
  });
  for (const headers of [{}, { origin: 'https://example.com.evil.org' }]) {
    expect(await cors(requestOf('OPTIONS', '/api', headers as Record<string, string>))).toEqual(await handler());
  }
});

test.each([
  ['', 'empty value in --cors-allowed-origins'],
  ['example.com', 'regular expression does not pin to start/end of host in the origin header'],
  ['^(', '--cors-allowed-origins has an invalid regular expression: '],
])('%j is no pattern of origins', (text, message) => {
  expect(() => originPattern(text)).toThrow(message);
});

test('Strict-Transport-Security holds the directives, which are checked', async () => {
  const secured = withTransportSecurity(handler, ['max-age=31536000', 'includeSubDomains'].map(checkDirective));
  const { headers } = await secured(requestOf('GET', '/'));
  expect(headers['strict-transport-security']).toBe('max-age=31536000; includeSubDomains');
  expect(() => checkDirective('max-ages=1')).toThrow('--strict-transport-security-directives invalid');
  expect(() => checkDirective(' ')).toThrow('empty value in strict-transport-security-directives');
});

test('a server that ends sends clients away, health aside, and waits for answers under way', async () => {
  const draining = new Draining();
  const answer = Promise.withResolvers<ApiResponse>();
  const slow = draining.around(() => answer.promise);
  const answering = slow(requestOf('GET', '/api'));
  let isDrained = false;
  const drained = draining.refuse(new FakeClock(), 1000).then(() => {
    isDrained = true;
  });
  const quick = draining.around(handler);
  expect(await quick(requestOf('GET', '/api'))).toMatchObject({
    status: 429,
    headers: { 'retry-after': '5', connection: 'close' },
    body: 'The apiserver is shutting down, please try again later.\n',
  });
  expect((await slowHealth(draining)).status).toBe(200);
  expect(isDrained).toBe(false);
  answer.resolve(textResponse(200, 'late'));
  expect((await answering).body).toBe('late');
  await drained;
});

test('the wait for answers under way has an end', async () => {
  const draining = new Draining();
  void draining.around(() => new Promise(() => {}))(requestOf('GET', '/api'));
  const clock = new FakeClock();
  const drained = draining.refuse(clock, 1000);
  clock.advance(1000);
  await drained;
});

/** Asked while another request is under way: that one's end is what is waited for. */
function slowHealth(draining: Draining): Promise<ApiResponse> {
  return draining.around(handler)(requestOf('GET', '/readyz'));
}
