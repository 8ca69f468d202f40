import { AgentError } from '../../core/errors.ts';
import type { HadoopSite } from '../../io/hadoop-site.ts';

/** Where a path's file system is found. */
export type Place =
  | { readonly kind: 'local' }
  /** `guessed`: by the ports that WebHDFS usually has, since nothing tells them. */
  | { readonly kind: 'webhdfs'; readonly addresses: readonly string[]; readonly guessed: boolean }
  | { readonly kind: 'objects'; readonly scheme: string; readonly bucket: string };

/** A path of the configuration, its file system apart. */
export interface Located {
  readonly place: Place;
  /** As it was configured, without the file system: `/flume/%Y`. */
  readonly path: string;
}

/** WebHDFS ports of Hadoop 3 and of Hadoop 2. */
const USUAL_PORTS = [9870, 50070];
const USUAL_TLS_PORTS = [9871, 50470];

/** The path cannot be used. */
export class PlaceError extends AgentError {
  constructor(message: string) {
    super('M175', message);
  }
}

/**
 * Finds out where `hdfs.path` leads. `webHdfsUrls` (hdfs.webHdfsUrl) go before anything else for `hdfs:` paths.
 * @throws PlaceError
 */
export function locate(path: string, site: HadoopSite, webHdfsUrls: readonly string[] = []): Located {
  const parsed = /^([A-Za-z][A-Za-z0-9+.-]*):(?:\/\/([^/]*))?(\/.*)?$/.exec(path);
  if (!parsed) {
    if (!path.startsWith('/')) throw new PlaceError(`hdfs.path "${path}" is relative; begin it with hdfs://name:port/ or /`);
    return { place: defaultPlace(site, webHdfsUrls), path };
  }
  const [, scheme = '', authority = '', rest = '/'] = parsed;
  if (/[%$]/.test(authority)) throw new PlaceError(`hdfs.path "${path}" has an escape where the name of the file system stands`);
  return { place: placeOf(scheme.toLowerCase(), authority, site, webHdfsUrls), path: rest };
}

function placeOf(scheme: string, authority: string, site: HadoopSite, webHdfsUrls: readonly string[]): Place {
  switch (scheme) {
    case 'file':
      return { kind: 'local' };
    case 'viewfs':
      throw new PlaceError('viewfs: is a table of other file systems; name one of them in hdfs.path');
    case 'hdfs':
      return webHdfsUrls.length > 0 ? given(webHdfsUrls) : hdfsPlace(authority, site, webHdfsUrls);
    case 'webhdfs':
      return web(authority, site, false);
    case 'swebhdfs':
      return web(authority, site, true);
    case 's3':
    case 's3a':
    case 's3n':
      return { kind: 'objects', scheme, bucket: authority };
    default:
      throw new PlaceError(`hdfs.path begins with ${scheme}:, which Millrace does not write to; hdfs:, webhdfs:, swebhdfs: and file: it does`);
  }
}

function given(urls: readonly string[]): Place {
  return { kind: 'webhdfs', addresses: urls.map((url) => url.replace(/\/(?:webhdfs(?:\/v1)?\/?)?$/, '')), guessed: false };
}

function defaultPlace(site: HadoopSite, webHdfsUrls: readonly string[]): Place {
  if (webHdfsUrls.length > 0) return given(webHdfsUrls);
  const name = site.get('fs.defaultFS') ?? site.get('fs.default.name') ?? 'file:///';
  const parsed = /^([A-Za-z][A-Za-z0-9+.-]*):(?:\/\/([^/]*))?/.exec(name);
  if (!parsed || (parsed[1] === 'hdfs' && !parsed[2])) throw new PlaceError(`fs.defaultFS in core-site.xml is "${name}", which names no file system`);
  return placeOf((parsed[1] ?? '').toLowerCase(), parsed[2] ?? '', site, webHdfsUrls);
}

function hdfsPlace(authority: string, site: HadoopSite, webHdfsUrls: readonly string[]): Place {
  if (authority === '') {
    const place = defaultPlace(site, webHdfsUrls);
    if (place.kind === 'webhdfs') return place;
    throw new PlaceError('hdfs.path names no NameNode, and no core-site.xml says which one is meant; write hdfs://name:port/…, or set HADOOP_CONF_DIR');
  }
  const secure = site.get('dfs.http.policy') === 'HTTPS_ONLY';
  const scheme = secure ? 'https' : 'http';
  const key = addressKey(secure);
  const pair = members(authority, site, secure);
  if (pair) return pair;
  const host = hostOf(authority);
  if (site.get('dfs.nameservices')?.split(',').some((name) => name.trim() === authority)) {
    const address = site.get(`${key}.${authority}`) ?? site.get(key);
    if (address === undefined) throw new PlaceError(`hdfs-site.xml does not say where the WebHDFS of ${authority} is (${key}.${authority})`);
    return { kind: 'webhdfs', guessed: false, addresses: [`${scheme}://${withHost(address, host)}`] };
  }
  const known = site.get(key);
  const isOwn = [site.get('dfs.namenode.rpc-address'), authorityOf(site.get('fs.defaultFS'))].some((own) => own !== undefined && hostOf(own) === host);
  if (known !== undefined && isOwn) return { kind: 'webhdfs', guessed: false, addresses: [`${scheme}://${withHost(known, host)}`] };
  return { kind: 'webhdfs', guessed: true, addresses: usualPorts(secure).map((port) => `${scheme}://${bracketed(host)}:${port}`) };
}

function web(authority: string, site: HadoopSite, secure: boolean): Place {
  if (authority === '') throw new PlaceError('hdfs.path names no NameNode');
  const pair = members(authority, site, secure);
  if (pair) return pair;
  const port = /:\d+$/.test(authority) ? '' : `:${usualPorts(secure)[0]}`;
  return { kind: 'webhdfs', guessed: false, addresses: [`${secure ? 'https' : 'http'}://${authority}${port}`] };
}

/** The NameNodes of a nameservice that has several. */
function members(service: string, site: HadoopSite, secure: boolean): Place | undefined {
  const names = site.get(`dfs.ha.namenodes.${service}`)?.split(',').map((name) => name.trim());
  if (!names) return undefined;
  const key = addressKey(secure);
  const addresses = names.map((name) => {
    const host = hostOf(site.get(`dfs.namenode.rpc-address.${service}.${name}`) ?? '');
    const address = site.get(`${key}.${service}.${name}`) ?? (host === '' ? undefined : `${bracketed(host)}:${usualPorts(secure)[0]}`);
    if (address === undefined) throw new PlaceError(`hdfs-site.xml does not say where the WebHDFS of ${name} of ${service} is (${key}.${service}.${name})`);
    return `${secure ? 'https' : 'http'}://${withHost(address, host)}`;
  });
  return { kind: 'webhdfs', guessed: false, addresses };
}

function addressKey(secure: boolean): string {
  return `dfs.namenode.${secure ? 'https' : 'http'}-address`;
}

function usualPorts(secure: boolean): readonly number[] {
  return secure ? USUAL_TLS_PORTS : USUAL_PORTS;
}

/** A server that listens everywhere is reached by the name that people use for it. */
function withHost(address: string, host: string): string {
  return hostOf(address) === '0.0.0.0' && host !== '' ? `${bracketed(host)}:${address.slice(address.lastIndexOf(':') + 1)}` : address;
}

function hostOf(authority: string): string {
  return authority.replace(/:\d+$/, '').replace(/^\[|\]$/g, '');
}

function bracketed(host: string): string {
  return host.includes(':') ? `[${host}]` : host;
}

function authorityOf(uri: string | undefined): string | undefined {
  return /^[a-z]+:\/\/([^/]+)/.exec(uri ?? '')?.[1];
}
