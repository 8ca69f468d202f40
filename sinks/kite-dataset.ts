import { define, type Finding } from '../core/define.ts';
import { checkKerberos } from '../core/option-groups.ts';
import { boolean, choice, ignored, integer, optional, string } from '../core/options.ts';

const CLASS = 'org.apache.flume.sink.kite.DatasetSink';

/** Of Flume up to 1.9. */
export const kiteDatasetSink = define('sink', {
  types: [CLASS],
  summary: 'Writes Avro events into a dataset of the Kite SDK.',
  options: {
    'kite.dataset.uri': optional(string({ doc: 'Address of the dataset.' })),
    'kite.repo.uri': optional(string({ doc: 'Address of the repository; old form of kite.dataset.uri, together with the next two.' })),
    'kite.dataset.name': optional(string({ doc: 'Name of the dataset in the repository.' })),
    'kite.dataset.namespace': string({ default: 'default', doc: 'Namespace of the dataset in the repository.' }),
    'kite.batchSize': integer({ default: 100, min: 1, long: true, outside: 'refuse', doc: 'Most events taken from the channel at a time.' }),
    'kite.rollInterval': integer({ default: 30, doc: 'Seconds after which a file is closed.' }),
    'kite.flushable.commiteOnBatch': boolean({ default: true, doc: 'Commit each batch once it is flushed; the key is spelled like this.' }),
    'kite.flushable.commitOnBatch': ignored({
      doc: 'is not read, whatever the Flume guide says: the key is kite.flushable.commiteOnBatch',
      instead: 'kite.flushable.commiteOnBatch',
    }),
    'kite.syncable.syncOnBatch': boolean({ default: true, doc: 'Have the disks confirm each batch.' }),
    'kite.entityParser': choice({ values: ['avro'], default: 'avro', doc: 'How a body becomes an entity.' }),
    'kite.failurePolicy': choice({
      values: ['retry', 'save'],
      default: 'retry',
      doc: 'What to do about an event that cannot be written: try again, or write it to kite.error.dataset.uri.',
    }),
    'kite.error.dataset.uri': optional(string({ doc: 'Address of the dataset for events that cannot be written.' })),
    'auth.kerberosPrincipal': optional(string({ doc: 'Kerberos principal to log in as.' })),
    'auth.kerberosKeytab': optional(string({ doc: 'Key tab file of the principal.' })),
    'auth.proxyUser': optional(string({ doc: 'User to act for.' })),
  },
  check: (values): readonly Finding[] => {
    const findings: Finding[] = [...checkKerberos(values, 'auth.kerberosPrincipal', 'auth.kerberosKeytab')];
    const named = values['kite.repo.uri'] !== undefined && values['kite.dataset.name'] !== undefined;
    if (values['kite.dataset.uri'] === undefined && !named) {
      findings.push({ option: 'kite.dataset.uri', effect: 'drop', sentence: 'is required' });
    }
    if (values['kite.failurePolicy'] === 'save' && values['kite.error.dataset.uri'] === undefined) {
      findings.push({ option: 'kite.error.dataset.uri', effect: 'drop', sentence: 'is required with kite.failurePolicy = save' });
    }
    if (values['kite.syncable.syncOnBatch'] && !values['kite.flushable.commiteOnBatch']) {
      findings.push({ option: 'kite.syncable.syncOnBatch', effect: 'drop', sentence: 'has to be false without kite.flushable.commiteOnBatch' });
    }
    return findings;
  },
  batchSizeOption: 'kite.batchSize',
  flume: { notLoadable: CLASS },
});
