import { expect, test } from 'vitest';
import { fieldErrorMessage } from '../../apimachinery/validation/field-error.ts';
import { validateWebhookClientConfig } from './webhook-client.ts';

const service = { name: 'n', namespace: 's', port: 443 };
const form = '; desired format: https://host[/path]';

test.each([
  [{ service }, []],
  [{ url: 'https://example.com/path' }, []],
  [{}, ['c: Required value: exactly one of url or service is required']],
  [{ url: 'http://[::1', service }, ['c: Required value: exactly one of url or service is required']],
  [{ url: 'https:///path' }, [`c.url: Invalid value: "": host must be specified${form}`]],
  [
    { url: 'https://a:b' },
    [`c.url: Required value: url must be a valid URL: parse "https://a:b": invalid port ":b" after host${form}`],
  ],
  [{ service: { ...service, name: '' } }, ['c.service.namespace: Required value']],
  [{ service: { ...service, namespace: '' } }, ['c.service.name: Required value']],
  [{ service: { ...service, path: '/a//b' } }, ['c.service.path: Invalid value: "/a//b": segment[1] may not be empty']],
])('%j', (config, messages) => {
  expect(validateWebhookClientConfig(config, 'c').map(fieldErrorMessage)).toEqual(messages);
});
