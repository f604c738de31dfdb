// Files that flags name.
import { X509Certificate } from 'node:crypto';
import { realFiles } from '../system/real/files.ts';
import { Failure } from './failure.ts';

/** The text of a file. Rejects with an Error that names it where there is none. */
export async function readGiven(path: string): Promise<string> {
  const text = await realFiles.read(path);
  if (text === undefined) throw new Error(`there is no file ${path}`);
  return text;
}

/** The text of the file that a flag names. Throws a Failure that names both where there is none. */
export async function readFlagFile(flag: string, path: string): Promise<string> {
  const text = await realFiles.read(path);
  if (text === undefined) throw new Failure(`${flag} ${path}: there is no such file`, { exitCode: 2 });
  return text;
}

/** The PEM file that a flag names, if it names one. Throws a Failure where it is missing or holds no certificate. */
export async function readAuthorities(flag: string, path: string | undefined): Promise<string | undefined> {
  if (path === undefined) return undefined;
  const text = await readFlagFile(flag, path);
  try {
    new X509Certificate(text);
  } catch (error) {
    throw new Failure(`${flag} ${path}: no certificate in PEM`, { cause: error, exitCode: 2 });
  }
  return text;
}
