import { define, type Finding } from '../../core/define.ts';
import { boolean, integer, option, prefix, string, type Option } from '../../core/options.ts';

export const httpSink = define('sink', {
  types: ['http', 'org.apache.flume.sink.http.HttpSink'],
  summary: 'Posts the body of each event to a web address.',
  options: {
    endpoint: endpoint('Address to post to.'),
    connectTimeout: integer({ default: 5000, min: 1, doc: 'Milliseconds to connect.' }),
    requestTimeout: integer({ default: 5000, min: 1, doc: 'Milliseconds to wait for the answer.' }),
    contentTypeHeader: string({ default: 'text/plain', doc: 'Content-Type of the requests.' }),
    acceptHeader: string({ default: 'text/plain', doc: 'Accept header of the requests.' }),
    defaultBackoff: boolean({ default: true, doc: 'Pause after an answer whose status no backoff option names, 200 included.' }),
    defaultRollback: boolean({ default: true, doc: 'Post again after an answer whose status no rollback option names, 200 included.' }),
    defaultIncrementMetrics: boolean({ default: false, doc: 'Count as delivered what was answered with a status that no incrementMetrics option names.' }),
    'backoff.*': perStatus('Whether to pause after a status: backoff.503, or backoff.5XX for all of its class.'),
    'rollback.*': perStatus('Whether to post again after a status: rollback.200, or rollback.2XX for all of its class.'),
    'incrementMetrics.*': perStatus('Whether a status counts as delivered: incrementMetrics.200, or incrementMetrics.2XX for all of its class.'),
  },
  check: ({ contentTypeHeader, acceptHeader, ...values }): readonly Finding[] => {
    const texts = { contentTypeHeader, acceptHeader };
    const bad = (['contentTypeHeader', 'acceptHeader'] as const).filter((name) => !/^[\t\x20-\x7e\x80-\xff]*$/.test(texts[name]));
    const always = values.defaultRollback && !values['rollback.*'].has('200') && !values['rollback.*'].has('2XX');
    return [
      ...bad.map((name): Finding => ({ option: name, effect: 'refuse', sentence: 'has characters that no header may have' })),
      ...(always ? [{ option: 'defaultRollback', effect: 'warn', sentence: 'holds for 200 as well: without rollback.2XX = false each event is posted for ever' } satisfies Finding] : []),
    ];
  },
  create: async (context, values) => {
    const { HttpSink } = await import('./http-sink.ts');
    const rule = (entries: ReadonlyMap<string, string>, fallback: boolean) => (status: number): boolean => {
      const text = entries.get(String(status)) ?? entries.get(`${Math.floor(status / 100)}XX`);
      return text === undefined ? fallback : text.toLowerCase() === 'true';
    };
    return new HttpSink(context, {
      endpoint: new URL(values.endpoint.replace(/^url:/i, '')),
      connectTimeoutMs: values.connectTimeout,
      requestTimeoutMs: values.requestTimeout,
      contentType: values.contentTypeHeader,
      accept: values.acceptHeader,
      rollback: rule(values['rollback.*'], values.defaultRollback),
      backoff: rule(values['backoff.*'], values.defaultBackoff),
      delivered: rule(values['incrementMetrics.*'], values.defaultIncrementMetrics),
    });
  },
});

function perStatus(doc: string) {
  return prefix({
    doc,
    missing: 'warn',
    check: (entries) => {
      const odd = [...entries.keys()].find((code) => !/^(?:[1-9][0-9]{2}|[1-9]XX)$/.test(code));
      return odd === undefined ? undefined : `names the status "${odd}", which no answer has: 200 or 2XX is meant`;
    },
  });
}

/** Flume asks Java's URL class, which knows a few schemes besides http, and fails on those only when it posts. */
function endpoint(doc: string): Option<string> {
  return option<string>('text', { doc }, undefined, undefined, (raw) => {
    const scheme = /^(?:url:)?([a-z][a-z0-9+.-]*):/i.exec(raw)?.[1]?.toLowerCase();
    if (scheme === 'http' || scheme === 'https') {
      const port = /^[^/?#]*:\/\/(?:[^/?#@]*@)?(?:\[[^\]]*\]|[^/?#:]*):([^/?#]*)/.exec(raw)?.[1];
      const fine = port === undefined || port === '' || /^[+-]?[0-9]+$/.test(port);
      return fine ? { value: raw } : { bad: { effect: 'drop', sentence: `has the port "${port}", which is not a whole number` } };
    }
    const known = scheme !== undefined && ['ftp', 'file', 'jar', 'mailto', 'jrt', 'jmod'].includes(scheme);
    return { bad: { effect: known ? 'refuse' : 'drop', sentence: 'is no web address: it has to begin with http:// or https://' } };
  });
}
