// What names of many sorts must look like (RFC 1123, RFC 1035, RFC 6335), in upstream's words. Each rule gives the
// messages for what is wrong; none when the text is right.

/** Gives what is wrong with a text, as messages for `metadata.name: Invalid value: …`; an empty list is right. */
export type NameRule = (text: string) => string[];

const label = '[a-z0-9]([-a-z0-9]*[a-z0-9])?';
const label1035 = '[a-z]([-a-z0-9]*[a-z0-9])?';
const subdomain = '[a-z0-9]([-a-z0-9]*[a-z0-9])?(\\.[a-z0-9]([-a-z0-9]*[a-z0-9])?)*';
const qualifiedPart = '([A-Za-z0-9][-A-Za-z0-9_.]*)?[A-Za-z0-9]';
const labelValue = '(([A-Za-z0-9][-A-Za-z0-9_.]*)?[A-Za-z0-9])?';
const wildcardSubdomain = `\\*\\.${subdomain}`;
const searchLabel = '_?[a-z0-9]([-_a-z0-9]*[a-z0-9])?';
const searchPath = `${searchLabel}(\\.${searchLabel})*`;
const envVar = '[ -<>-~]+';
const configKey = '[-._a-zA-Z0-9]+';

const regex = (source: string): RegExp => new RegExp(`^${source}$`);
const patterns = {
  label: regex(label),
  label1035: regex(label1035),
  subdomain: regex(subdomain),
  qualifiedPart: regex(qualifiedPart),
  labelValue: regex(labelValue),
  wildcardSubdomain: regex(wildcardSubdomain),
  searchPath: regex(searchPath),
  envVar: regex(envVar),
  configKey: regex(configKey),
};

function regexMessage(what: string, source: string, examples: readonly string[]): string {
  return `${what} (e.g. ${examples.map((e) => `'${e}'`).join(',  or ')}, regex used for validation is '${source}')`;
}

function maxLengthMessage(max: number): string {
  return `must be no more than ${max} characters`;
}

/** Since 1.35 keys and values of labels are measured so; names of objects are not. */
function maxBytesMessage(max: number): string {
  return `must be no more than ${max} bytes`;
}

export const emptyMessage = 'must be non-empty';

/** `must be between low and high, inclusive`. */
export function rangeMessage(low: number, high: number): string {
  return `must be between ${low} and ${high}, inclusive`;
}

/** RFC 1123 label: at most 63 characters, lower case. */
export const dns1123Label: NameRule = (text) => {
  const errors: string[] = [];
  if (Buffer.byteLength(text) > 63) errors.push(maxLengthMessage(63));
  if (!patterns.label.test(text)) {
    errors.push(
      patterns.subdomain.test(text)
        ? 'must not contain dots'
        : regexMessage(
            "a lowercase RFC 1123 label must consist of lower case alphanumeric characters or '-', and must start and end with an alphanumeric character",
            label,
            ['my-name', '123-abc'],
          ),
    );
  }
  return errors;
};

const subdomainMessage = regexMessage(
  "a lowercase RFC 1123 subdomain must consist of lower case alphanumeric characters, '-' or '.', and must start and end with an alphanumeric character",
  subdomain,
  ['example.com'],
);

const labelKeyPrefix: NameRule = (text) => [
  ...(Buffer.byteLength(text) > 253 ? [maxBytesMessage(253)] : []),
  ...(patterns.subdomain.test(text) ? [] : [subdomainMessage]),
];

/** RFC 1123 subdomain: at most 253 characters, lower case. The rule of most objects' names. */
export const dns1123Subdomain: NameRule = (text) => {
  const errors: string[] = [];
  if (Buffer.byteLength(text) > 253) errors.push(maxLengthMessage(253));
  if (!patterns.subdomain.test(text)) {
    errors.push(subdomainMessage);
  }
  return errors;
};

/** RFC 1035 label: as RFC 1123 but starts with a letter. */
export const dns1035Label: NameRule = (text) => {
  const errors: string[] = [];
  if (Buffer.byteLength(text) > 63) errors.push(maxLengthMessage(63));
  if (!patterns.label1035.test(text)) {
    errors.push(
      regexMessage(
        "a DNS-1035 label must consist of lower case alphanumeric characters or '-', start with an alphabetic character, and end with an alphanumeric character",
        label1035,
        ['my-name', 'abc-123'],
      ),
    );
  }
  return errors;
};

/** A subdomain whose first label is `*`. */
export const wildcardDns1123Subdomain: NameRule = (text) => {
  const errors: string[] = [];
  if (Buffer.byteLength(text) > 253) errors.push(maxLengthMessage(253));
  if (!patterns.wildcardSubdomain.test(text)) {
    errors.push(
      regexMessage(
        "a wildcard DNS-1123 subdomain must start with '*.', followed by a valid DNS subdomain, which must consist of lower case alphanumeric characters, '-' or '.' and end with an alphanumeric character",
        wildcardSubdomain,
        ['*.example.com'],
      ),
    );
  }
  return errors;
};

const qualifiedMessage = regexMessage(
  "must consist of alphanumeric characters, '-', '_' or '.', and must start and end with an alphanumeric character",
  qualifiedPart,
  ['MyName', 'my.name', '123-abc'],
);

/** A key of a label, annotation or finalizer: `[prefix/]name`. */
export const qualifiedName: NameRule = (text) => {
  const slash = text.indexOf('/');
  if (slash !== text.lastIndexOf('/')) {
    return [
      `a valid label key ${qualifiedMessage} with an optional DNS subdomain prefix and '/' (e.g. 'example.com/MyName')`,
    ];
  }
  const errors: string[] = [];
  if (slash >= 0) {
    const prefix = text.slice(0, slash);
    if (prefix === '') errors.push(`prefix part ${emptyMessage}`);
    else errors.push(...labelKeyPrefix(prefix).map((message) => `prefix part ${message}`));
  }
  const name = slash < 0 ? text : text.slice(slash + 1);
  if (name === '') errors.push(`name part ${emptyMessage}`);
  else if (Buffer.byteLength(name) > 63) errors.push(`name part ${maxBytesMessage(63)}`);
  if (!patterns.qualifiedPart.test(name)) errors.push(`name part ${qualifiedMessage}`);
  return errors;
};

export const labelValueRule: NameRule = (text) => {
  const errors: string[] = [];
  if (Buffer.byteLength(text) > 63) errors.push(maxBytesMessage(63));
  if (!patterns.labelValue.test(text)) {
    errors.push(
      regexMessage(
        "a valid label must be an empty string or consist of alphanumeric characters, '-', '_' or '.', and must start and end with an alphanumeric character",
        labelValue,
        ['MyValue', 'my_value', '12345'],
      ),
    );
  }
  return errors;
};

/** RFC 6335 service name (IANA_SVC_NAME), lower case: the name of a container port and a named targetPort. */
export const ianaServiceName: NameRule = (text) => {
  const errors: string[] = [];
  if (Buffer.byteLength(text) > 15) errors.push(maxLengthMessage(15));
  if (!/^[-a-z0-9]+$/.test(text)) {
    errors.push('must contain only alpha-numeric characters (a-z, 0-9), and hyphens (-)');
  }
  if (!/[a-z]/.test(text)) errors.push('must contain at least one letter (a-z)');
  if (text.includes('--')) errors.push('must not contain consecutive hyphens');
  if (text.startsWith('-') || text.endsWith('-')) errors.push('must not begin or end with a hyphen');
  return errors;
};

/** What may stand as one segment of a request path: the names of RBAC objects. */
export const pathSegment: NameRule = (text) => {
  if (text === '.' || text === '..') return [`may not be '${text}'`];
  return ['/', '%'].filter((c) => text.includes(c)).map((c) => `may not contain '${c}'`);
};

/** Names of environment variables (RelaxedEnvironmentVariableValidation): printable ASCII but `=`. */
export const envVarName: NameRule = (text) => {
  if (text === '') return [`environment variable name ${emptyMessage}`];
  return patterns.envVar.test(text)
    ? []
    : ["a valid environment variable name must consist only of printable ASCII characters other than '='"];
};

/** A header of an HTTP request. */
export const httpHeaderName: NameRule = (text) =>
  /^[-A-Za-z0-9]+$/.test(text)
    ? []
    : [
        regexMessage("a valid HTTP header must consist of alphanumeric characters or '-'", '[-A-Za-z0-9]+', [
          'X-Header-Name',
        ]),
      ];

/** A subdomain whose labels may have underscores: a search path of a resolver. */
export const dns1123SubdomainWithUnderscore: NameRule = (text) => {
  const errors = Buffer.byteLength(text) > 253 ? [maxLengthMessage(253)] : [];
  if (patterns.searchPath.test(text)) return errors;
  const what =
    "a lowercase RFC 1123 subdomain must consist of lower case alphanumeric characters, '_', '-' or '.', and must start and end with an alphanumeric character";
  return [...errors, regexMessage(what, searchPath, ['example.com'])];
};

/** A key of a ConfigMap or Secret. */
export const configMapKey: NameRule = (text) => {
  const errors: string[] = [];
  if (Buffer.byteLength(text) > 253) errors.push(maxLengthMessage(253));
  if (!patterns.configKey.test(text)) {
    errors.push(
      regexMessage("a valid config key must consist of alphanumeric characters, '-', '_' or '.'", configKey, [
        'key.name',
        'KEY_NAME',
        'key-name',
      ]),
    );
  }
  if (text === '.') errors.push("must not be '.'");
  else if (text === '..') errors.push("must not be '..'");
  else if (text.startsWith('..')) errors.push("must not start with '..'");
  return errors;
};

/** 1 to 65535. */
export function portNumberErrors(port: number): string[] {
  return Number.isInteger(port) && port >= 1 && port <= 65535 ? [] : [rangeMessage(1, 65535)];
}
