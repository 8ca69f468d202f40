import { join } from 'node:path';
import type { Context, Serializer, Sink } from '../../core/component.ts';
import { TimeZone } from '../../core/date-fields.ts';
import { hostNames } from '../../core/local-host.ts';
import { compileEscapes, EscapeError, type Escapes, type EscapeOptions } from '../../core/path-escapes.ts';
import { hadoopUser, readHadoopSite, type HadoopSite } from '../../io/hadoop-site.ts';
import { logFiles } from '../../io/log-files.ts';
import { readSmallFile } from '../../io/small-file.ts';
import { readUrlText } from '../../io/url-text.ts';
import { codecClassOf } from '../../protocols/hadoop-codec-names.ts';
import { hadoopCodec, type HadoopCodec } from '../../protocols/hadoop-codecs.ts';
import { CompressedSerializer, SequenceFileSerializer } from './formats.ts';
import type { FileStore } from './file-store.ts';
import type { HdfsValues } from './index.ts';
import { localStore } from './local-store.ts';
import { locate, PlaceError, type Place } from './name-nodes.ts';
import { OpenList } from './open-list.ts';
import { HdfsSink, type HdfsSinkSettings } from './sink.ts';
import { webHdfsClient } from './webhdfs-client.ts';
import { redirectionRefusal, WebHdfsStore } from './webhdfs-store.ts';

export async function createHdfsSink(context: Context, values: HdfsValues): Promise<Sink> {
  const { site, folder } = readHadoopSite();
  const { place, path } = locate(values['hdfs.path'], site, values['hdfs.webHdfsUrl']);
  const codec = codecOf(values);
  const settings = await settingsOf(values, path, codec);
  if (place.kind === 'objects') {
    const { createHdfsObjectSink } = await import('./object-sink.ts');
    return createHdfsObjectSink(context, values, { place, path, site, settings, createSerializer: () => serializerOf(context, values, codec) });
  }
  if (place.kind === 'webhdfs') tellWhere(context, place, folder);
  const store = place.kind === 'local' ? localStore : await webHdfsStore(place.addresses, values, site);
  const stateDirectory = values['hdfs.stateDirectory'] ?? join(process.getBuiltinModule('node:os').homedir(), '.millrace', 'hdfs');
  return new HdfsSink(context, settings, {
    store,
    openList: () => OpenList.open(stateDirectory, context.name, JSON.stringify(place), logFiles, context.log),
    createSerializer: () => serializerOf(context, values, codec),
  });
}

function tellWhere(context: Context, place: Extract<Place, { kind: 'webhdfs' }>, folder: string | undefined): void {
  if (!place.guessed) return;
  context.log.info('address of WebHDFS is guessed from the usual ports; hdfs.webHdfsUrl or HADOOP_CONF_DIR tells it for sure', {
    addresses: place.addresses.join(' '),
    ...(folder !== undefined && { siteFiles: folder }),
  });
}

function codecOf(values: HdfsValues): HadoopCodec | undefined {
  const name = values['hdfs.codeC'];
  const simple = name === undefined ? 'none' : codecClassOf(name);
  return simple !== undefined && simple !== 'none' ? hadoopCodec(simple) : undefined;
}

async function settingsOf(values: HdfsValues, path: string, codec: HadoopCodec | undefined): Promise<HdfsSinkSettings> {
  const options = await escapeOptionsOf(values, path);
  const fileSuffix = values['hdfs.fileSuffix'];
  const suffix = fileSuffix === '' ? (codec?.extension ?? '') : fileSuffix;
  const retrySeconds = values['hdfs.retryInterval'];
  const atOnce = Math.min(64, values['hdfs.threadsPoolSize']);
  return {
    batchSize: values['hdfs.batchSize'],
    directory: compileDirectory(path, options),
    prefix: compileEscapes(values['hdfs.filePrefix'], options),
    names: {
      inUsePrefix: values['hdfs.inUsePrefix'],
      inUseSuffix: values['hdfs.emptyInUseSuffix'] ? '' : values['hdfs.inUseSuffix'],
      suffix,
    },
    roll: { events: Math.max(0, values['hdfs.rollCount']), bodyBytes: Math.max(0, values['hdfs.rollSize']) },
    rollMs: values['hdfs.rollInterval'] * 1000,
    idleMs: values['hdfs.idleTimeout'] * 1000,
    mostOpenFiles: values['hdfs.maxOpenFiles'],
    atOnce,
    finishing: { tries: retrySeconds <= 0 ? 1 : values['hdfs.closeTries'], retryMs: retrySeconds * 1000, atOnce, suffix },
    shownPath: values['hdfs.path'],
  };
}

export async function escapeOptionsOf(values: HdfsValues, path: string): Promise<EscapeOptions> {
  const unit = values['hdfs.roundUnit'];
  return {
    ...(values['hdfs.timeZone'] !== undefined && { zone: TimeZone.of(values['hdfs.timeZone']) }),
    ...(values['hdfs.round'] && unit !== 'none' && { round: { unit, value: values['hdfs.roundValue'] } }),
    useLocalTimeStamp: values['hdfs.useLocalTimeStamp'],
    ...([path, values['hdfs.filePrefix']].some((text) => text.includes('%[')) && { hosts: await hostNames() }),
  };
}

/** Values of events may not decide where everything goes. */
function compileDirectory(path: string, options: EscapeOptions): Escapes {
  const directory = compileEscapes(path, options);
  if (directory.fixedPrefix === '' && directory.headerNames.length > 0) {
    throw new EscapeError(`cannot use hdfs.path: ${JSON.stringify(path)} begins with the value of a header, which would let events decide about the whole path; begin it with a directory`);
  }
  return directory;
}

async function serializerOf(context: Context, values: HdfsValues, codec: HadoopCodec | undefined): Promise<Serializer> {
  if (values['hdfs.fileType'] === 'SequenceFile') {
    return new SequenceFileSerializer({
      value: values['hdfs.writeFormat'] === 'Text' ? 'Text' : 'BytesWritable',
      ...(codec && { codec, compression: values['hdfs.sequenceFileCompression'] }),
    });
  }
  const nested = values.serializer;
  if (!nested) throw new Error('the serializer could not be read');
  const { name, log } = context;
  const serializer = await nested.create({ name, log, count: (counter, amount) => context.count(counter, amount), readText: readUrlText });
  return values['hdfs.fileType'] === 'CompressedStream' && codec ? new CompressedSerializer(serializer, codec) : serializer;
}

async function webHdfsStore(addresses: readonly string[], values: HdfsValues, site: HadoopSite): Promise<FileStore> {
  const agents = addresses.map((address) => agentFor(address, values));
  const token = values['hdfs.delegationToken'];
  const clients = await Promise.all(
    addresses.map((address, index) =>
      webHdfsClient({
        address,
        user: hadoopUser(),
        ...(token !== undefined && { delegationToken: token }),
        ...(values['hdfs.proxyUser'] !== undefined && { doAs: values['hdfs.proxyUser'] }),
        timeoutMs: Math.max(0, values['hdfs.callTimeout']),
        agent: agents[index] as object,
        refusal: (location) => redirectionRefusal(new URL(address), location, values['hdfs.dataNodeHosts']),
      }),
    ),
  );
  const parameters: Record<string, string> = {};
  for (const [parameter, property] of [['replication', 'dfs.replication'], ['blocksize', 'dfs.blocksize']] as const) {
    const value = site.get(property);
    if (value !== undefined && /^\d+$/.test(value)) parameters[parameter] = value;
  }
  return new WebHdfsStore(clients, parameters, () => agents.forEach((agent) => agent.destroy()));
}

/** Keeps connections. For each new one the name is looked up, and hdfs.caFile read, again. */
function agentFor(address: string, values: HdfsValues): import('node:http').Agent {
  const limits = { keepAlive: true, maxSockets: Math.min(64, values['hdfs.threadsPoolSize']) + 2 };
  if (!address.startsWith('https:')) return new (process.getBuiltinModule('node:http').Agent)(limits);
  const { Agent } = process.getBuiltinModule('node:https');
  const caFile = values['hdfs.caFile'];
  const agent = new Agent(limits);
  if (caFile === undefined) return agent;
  let ca = readAuthorities(caFile);
  const connect = agent.createConnection.bind(agent);
  agent.createConnection = (options, done) => {
    try {
      ca = readAuthorities(caFile);
    } catch {
      // It is being exchanged: what it held last will do.
    }
    return connect({ ...options, ca }, done);
  };
  return agent;
}

function readAuthorities(caFile: string): string[] {
  const { rootCertificates } = process.getBuiltinModule('node:tls');
  const own = readSmallFile(caFile);
  if (own === undefined) throw new PlaceError(`hdfs.caFile ${caFile} cannot be read: there is no such file`);
  return [...rootCertificates, own];
}
