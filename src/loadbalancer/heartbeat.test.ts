import { createSocket } from 'node:dgram';
import { once } from 'node:events';
import { readdirSync } from 'node:fs';
import { expect, test } from 'vitest';
import { openHeartbeatSocket } from './heartbeat.ts';

test('a port that is taken costs no file descriptor, however often it is tried', async () => {
  const address = '127.0.10.13';
  const taken = createSocket('udp4').bind(10258, address);
  await once(taken, 'listening');
  const open = () => readdirSync('/proc/self/fd').length;
  const before = open();
  for (let i = 0; i < 20; i += 1) {
    await expect(openHeartbeatSocket(address, () => {})).rejects.toMatchObject({ code: 'EADDRINUSE' });
  }
  expect(open() - before).toBeLessThan(10);
  taken.close();
});
