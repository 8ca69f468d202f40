import type { HttpClientOptions } from '../../io/http-client.ts';
import type { Login } from './requests.ts';

/** What the sink needs besides how documents are made. */
export interface SinkSettings {
  readonly urls: readonly URL[];
  readonly batchSize: number;
  readonly mostRequestBytes: number;
  readonly compression: 'none' | 'gzip';
  readonly pipeline?: string;
  readonly login?: Login;
  readonly http: Omit<HttpClientOptions, 'log'>;
  /** As configured, for people. */
  readonly index: string;
}

const TRANSPORT_PORT = 9300;
const HTTP_PORT = 9200;
/** How many ports Elasticsearch looks through from the first one on, for either. */
const PORTS = 100;

/**
 * The addresses of `hostNames`: `host`, `host:port` or a URL, blanks removed. With Flume's client `transport` a host has port 9200, and a
 * port of the old protocol, 9300 and up, stands for the HTTP port beside it; with `rest` the port is that of URLs, as in Flume.
 * @returns a sentence for the first that is none
 */
export function parseHosts(hostNames: string, client: 'transport' | 'rest'): { urls: URL[] } | { fault: string } {
  const urls: URL[] = [];
  for (const text of hostNames.replace(/\s+/g, '').split(',')) {
    if (text === '') return { fault: 'has a server without a name' };
    const hasScheme = /^[a-z][a-z0-9+.-]*:\/\//i.test(text);
    const url = URL.parse(hasScheme ? text : `http://${text}`);
    if (!url || url.hostname === '' || !/^https?:$/.test(url.protocol)) return { fault: `has "${text}", which is neither host, host:port nor an http or https address` };
    if (!hasScheme && client === 'transport') url.port = String(httpPort(url.port, text));
    url.hash = url.search = '';
    if (!url.pathname.endsWith('/')) url.pathname += '/';
    urls.push(url);
  }
  return { urls };
}

function httpPort(port: string, text: string): number {
  // URL leaves port 80 out, which is as good as any where it was written.
  if (port === '') return /:80\/?$/.test(text) ? 80 : HTTP_PORT;
  const number = Number(port);
  const isTransport = number >= TRANSPORT_PORT && number < TRANSPORT_PORT + PORTS;
  return isTransport ? number - TRANSPORT_PORT + HTTP_PORT : number;
}
