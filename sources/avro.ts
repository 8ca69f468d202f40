import { define, type Finding } from '../core/define.ts';
import { checkServerTls, compressionType, port, serverTls, serverTlsFiles, splitLikeJava } from '../core/option-groups.ts';
import { boolean, integer, optional, string } from '../core/options.ts';

export const avroSource = define('source', {
  types: ['avro', 'org.apache.flume.source.AvroSource'],
  summary: 'Receives batches of events over Avro RPC, from other agents and from client libraries.',
  options: {
    bind: string({ doc: 'Host name or address to listen on.' }),
    port: port({ doc: 'TCP port to listen on; 0 picks a free one.' }),
    threads: integer({ default: 0, unreadable: 'warn', doc: 'Worker threads; read and not used, in Flume 1.11 as well.' }),
    'compression-type': compressionType(),
    ...serverTls,
    ipFilter: boolean({ default: false, doc: 'Look at ipFilterRules for each connection.' }),
    ipFilterRules: optional(
      string({
        doc: 'Rules of the form allow:ip:127.* or deny:name:localhost, separated by commas; the first that matches decides, none: allowed.',
      }),
    ),
  },
  check: (values) => [...checkServerTls(values), ...checkIpFilter(values.ipFilter, values.ipFilterRules)],
  readableFiles: serverTlsFiles,
});

/** Flume reads the rules only when the filter is on, and then drops the source on the first that is malformed. */
function checkIpFilter(on: boolean, rules: string | undefined): readonly Finding[] {
  if (!on) return [];
  if (rules === undefined) return [{ option: 'ipFilterRules', effect: 'drop', sentence: 'is required with ipFilter = true' }];
  const bad = splitLikeJava(rules, ',').find((rule) => !/^(?:allow|deny):(?:ip|name):/.test(rule.trim()));
  if (bad === undefined) return [];
  const sentence = `has the rule "${bad.trim()}", which is not of the form allow:ip:pattern (allow or deny, ip or name)`;
  return [{ option: 'ipFilterRules', effect: 'drop', sentence }];
}
