// What the kernels did with a packet, for people to read.
import { type LiveTrace, stepText } from './compare.ts';

/** Lines, without a final newline. */
export function liveText({ sent, hops, silent, result, destination, source, unseen, differences }: LiveTrace): string {
  const label = (name: string, text: string) => `${name.padEnd(9)}${text}`;
  const lines = hops.flatMap(({ node, steps, flow }) => [
    `         on ${node}`,
    ...steps.filter(({ rule }) => rule !== '').map((step) => `           ${stepText(step)}`),
    ...(flow
      ? [
          `           connection tracking: ${flow.answerer.address}:${flow.answerer.port} answers ${flow.client.address}`,
        ]
      : []),
  ]);
  const where =
    result === 'arrives'
      ? `arrives at ${destination}, which sees ${source}`
      : result === 'unseen'
        ? 'no node saw the packet'
        : result;
  return [
    label(
      'Kernel',
      `${where}; ${sent === undefined ? `a packet from ${hops[0]?.flow?.source.address ?? source}` : `the sender: ${sent}`}`,
    ),
    ...lines,
    ...(result === 'arrives' && sent === 'refused'
      ? [label('Why', `whoever has ${destination} refuses: nobody listens at this port there`)]
      : []),
    ...silent.map((node) => label('Silent', `${node} does not answer: what it did is not known`)),
    ...(unseen === undefined ? [] : [label('Unseen', unseen)]),
    ...(differences.length === 0
      ? [
          label(
            'Agrees',
            `${silent.length === 0 ? 'the kernel does' : 'those that answer do'} what the model says${unseen === undefined ? '' : ', as far as it is seen'}`,
          ),
        ]
      : differences.map((difference) => label('Differs', difference))),
  ].join('\n');
}
