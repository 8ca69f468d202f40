import { CorruptionError } from '../../core/errors.ts';
import { FORMAT_VERSION } from './keys.ts';

/** For what another version of Millrace wrote. */
export function otherFormat(what: string, format: number): CorruptionError {
  return new CorruptionError(`${what} is of format ${format}; this version of Millrace reads and writes format ${FORMAT_VERSION}`);
}
