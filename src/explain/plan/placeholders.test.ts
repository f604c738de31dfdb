import { expect, test } from 'vitest';
import type { KubeObject } from '../../apimachinery/object.ts';
import { Placeholders } from './placeholders.ts';

const service = (name: string, spec: object): KubeObject =>
  ({ kind: 'Service', metadata: { name, namespace: 'demo' }, spec }) as KubeObject;

const answer = (name: string) =>
  service(name, {
    clusterIP: '10.96.0.0',
    clusterIPs: ['10.96.0.0', 'fd00:96::'],
    ports: [{ port: 80, nodePort: 30001 }],
  });

test('each Service that will be given addresses and ports has others in their place, which nobody has', () => {
  const present = service('there', { clusterIPs: ['10.96.0.1', 'fd00:96::1'], ports: [{ port: 1, nodePort: 30001 }] });
  const placeholders = new Placeholders([present]);
  const asked = (name: string) => service(name, { ports: [{ port: 80 }] });
  const specs = ['one', 'two'].map(
    (name) => placeholders.stand(answer(name), asked(name)) as KubeObject & { spec: object },
  );
  expect(specs.map(({ spec }) => spec)).toEqual([
    { clusterIP: '10.96.0.2', clusterIPs: ['10.96.0.2', 'fd00:96::2'], ports: [{ port: 80, nodePort: 30002 }] },
    { clusterIP: '10.96.0.3', clusterIPs: ['10.96.0.3', 'fd00:96::3'], ports: [{ port: 80, nodePort: 30003 }] },
  ]);
  expect(placeholders.made.slice(0, 3)).toEqual([
    { object: 'Service demo/one', field: 'spec.clusterIPs', value: '10.96.0.2' },
    { object: 'Service demo/one', field: 'spec.clusterIPs', value: 'fd00:96::2' },
    { object: 'Service demo/one', field: 'spec.ports[].nodePort', value: '30002' },
  ]);
});

test('what is asked for, or there already, is what it will be', () => {
  const placeholders = new Placeholders([]);
  const asked = service('one', { clusterIP: '10.96.0.7', ports: [{ port: 80, nodePort: 30007 }] });
  const given = service('one', { ...(asked as KubeObject & { spec: object }).spec, clusterIPs: ['10.96.0.7'] });
  expect(placeholders.stand(given, asked)).toEqual(given);
  const headless = service('two', { clusterIP: 'None', clusterIPs: ['None'] });
  expect(placeholders.stand(headless, service('two', { clusterIP: 'None' }))).toEqual(headless);
  expect(placeholders.made).toEqual([]);
});
