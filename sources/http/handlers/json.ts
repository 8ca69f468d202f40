import { define } from '../../../core/define.ts';

export const jsonHandler = define('http handler', {
  types: ['org.apache.flume.source.http.JSONHandler'],
  summary: 'Takes the events of a JSON array of objects with `headers` and `body`.',
  options: {},
  create: async () => {
    // Loaded by agents that listen for JSON.
    const { readJsonEvents } = await import('./json-request.ts');
    return { handle: (request) => readJsonEvents(request) };
  },
});
