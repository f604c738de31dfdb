// Run in a network namespace: name servers at the addresses given as arguments, each with one address for `www.example.com`.
// Prints a line once they listen.
import { startUpstream } from '../../src/dns/fake/upstream-server.ts';
import { RCODE, TYPE } from '../../src/dns/wire/message.ts';

await Promise.all(
  process.argv.slice(2).map((address) =>
    startUpstream({
      address,
      port: 53,
      say: ({ question: { name, type } }) => {
        if (name.toLowerCase() !== 'www.example.com.') return { rcode: RCODE.NXDOMAIN };
        return { answers: type === TYPE.A ? [{ name, ttl: 60, data: { type: 'A', address: '198.51.100.7' } }] : [] };
      },
    }),
  ),
);
process.stdout.write('listening\n');
