import type { Finding } from '../../core/define.ts';
import { describeError } from '../../core/errors.ts';
import { compileEscapes } from '../../core/path-escapes.ts';
import { templateOf } from './template.ts';

interface PlaceValues {
  readonly 's3.prefix': string;
  readonly 's3.name': string;
  readonly 's3.anyPrefix': boolean;
  readonly 's3.accessKeyId': string | undefined;
  readonly 's3.secretAccessKey': string | undefined;
  readonly 's3.sessionToken': string | undefined;
  readonly 's3.profile': string | undefined;
  readonly 's3.encryption': string;
  readonly 's3.kmsKeyId': string | undefined;
}

export function checkPlace(values: PlaceValues): Finding[] {
  const findings: Finding[] = [];
  const refuse = (option: string, sentence: string): void => void findings.push({ option, effect: 'refuse', sentence });
  if ((values['s3.accessKeyId'] === undefined) !== (values['s3.secretAccessKey'] === undefined)) {
    const [missing, given] = values['s3.accessKeyId'] === undefined ? ['s3.accessKeyId', 's3.secretAccessKey'] : ['s3.secretAccessKey', 's3.accessKeyId'];
    refuse(missing, `is required with ${given}`);
  }
  if (values['s3.accessKeyId'] !== undefined && values['s3.profile'] !== undefined) refuse('s3.profile', 'cannot stand with s3.accessKeyId: the credentials come from one of them');
  if (values['s3.sessionToken'] !== undefined && values['s3.accessKeyId'] === undefined) refuse('s3.sessionToken', 'belongs to a key: s3.accessKeyId is missing');
  if (values['s3.kmsKeyId'] !== undefined && !values['s3.encryption'].startsWith('aws:kms')) refuse('s3.kmsKeyId', 'is used with s3.encryption = aws:kms only');
  const template = templateOf(values['s3.prefix'], values['s3.name']);
  try {
    const { fixedPrefix } = compileEscapes(template, { hosts: { localhost: 'x', ip: 'x', fqdn: 'x' } });
    if (fixedPrefix === '' && /^%\{|^%t/.test(template) && !values['s3.anyPrefix']) {
      refuse('s3.prefix', 'begins with what the event says, so that whoever sends events chooses the folder: put a fixed name in front, or set s3.anyPrefix = true');
    }
  } catch (error) {
    refuse('s3.prefix', `or s3.name ${describeError(error)}`);
  }
  return findings;
}

export function checkTags(tags: readonly string[]): Finding[] {
  const bad = tags.find((tag) => !/^[^=]{1,128}=.{0,256}$/.test(tag));
  if (bad !== undefined) return [{ option: 's3.tags', effect: 'refuse', sentence: `holds "${bad}", which is not name=value` }];
  return tags.length > 10 ? [{ option: 's3.tags', effect: 'refuse', sentence: 'has more than 10 tags, which is S3’s limit' }] : [];
}
