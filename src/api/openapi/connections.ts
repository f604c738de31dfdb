// Subresources whose requests are connections, with the query parameters of each: the fields of its options.
import { table } from '../../apimachinery/table.ts';

export interface Connection {
  readonly methods: readonly string[];
  readonly parameters: readonly string[];
  /** What follows in the path is passed on. */
  readonly takesPath: boolean;
}

const streams = ['container', 'stderr', 'stdin', 'stdout', 'tty'];
const upgrade = { methods: ['get', 'post'], takesPath: false };
const proxy: Connection = {
  methods: ['get', 'put', 'post', 'delete', 'options', 'head', 'patch'],
  parameters: ['path'],
  takesPath: true,
};

/** By resource and subresource of the core group. */
export const connections = table<Connection>({
  'nodes/proxy': proxy,
  'pods/attach': { ...upgrade, parameters: streams },
  'pods/exec': { ...upgrade, parameters: ['command', ...streams] },
  'pods/portforward': { ...upgrade, parameters: ['ports'] },
  'pods/proxy': proxy,
  'services/proxy': proxy,
});

/** A log is read, in parts that its options name. */
export const logParameters = [
  'container',
  'follow',
  'insecureSkipTLSVerifyBackend',
  'limitBytes',
  'previous',
  'sinceSeconds',
  'stream',
  'tailLines',
  'timestamps',
];
