import { expect, test } from 'vitest';
import type { ServiceItem } from '../../explain/picture/picture.ts';
import { doorName } from './door-text.ts';

const service: ServiceItem = {
  ...{ kind: 'Service', id: 'Service d/web', namespace: 'd', name: 'web', type: 'ClusterIP' },
  ...{ clusterIPs: ['10.96.0.9', 'fd00::9'], externalIPs: [], externalName: undefined },
  ports: [
    { name: 'http', port: 80, protocol: 'TCP', targetPort: '80', nodePort: undefined },
    { name: 'dns', port: 53, protocol: 'UDP', targetPort: '53', nodePort: undefined },
  ],
};

test.each([
  [service, 0, 'Service d/web, 10.96.0.9, 80/TCP 53/UDP'],
  [{ ...service, type: 'NodePort' }, 1, 'Service d/web, 10.96.0.9, 80/TCP 53/UDP, NodePort, nobody answers'],
  [{ ...service, clusterIPs: ['None'] }, 0.5, 'Service d/web, headless, 80/TCP 53/UDP, not on every node'],
  [{ ...service, clusterIPs: [], ports: [] }, 0, 'Service d/web, no address yet'],
  [
    { ...service, type: 'ExternalName', clusterIPs: [], externalName: 'www.example.com', ports: [] },
    0,
    'Service d/web, www.example.com, ExternalName',
  ],
])('what is seen of a door is heard, too', (item, lost, said) => {
  expect(doorName(item, lost)).toBe(said);
});
