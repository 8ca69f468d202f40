import type { Severity } from '../plan/types.ts';

export interface CatalogueEntry {
  readonly severity: Severity;
  readonly title: string;
  /** What is wrong, what Flume 1.11 makes of it, and what to do: shown by `explain` and in `docs/errors.md`. */
  readonly explanation: string;
  /** Lines of a configuration that has the fault; absent where it needs more than a line. */
  readonly example?: string;
}

const error = 'error';
const warning = 'warning';

/**
 * Every problem that Millrace names by a code. M001 to M099 are found while a configuration is read; M101 and above happen to a running
 * agent. The severity is the usual one; a problem may carry another where its sentence says why.
 */
export const CATALOGUE = {
  M001: {
    severity: error,
    title: 'the configuration cannot be read',
    explanation:
      'The file or URI is missing, may not be read, or did not answer. Nothing was started. Check the path, the permissions of the user that runs the agent, and for an address the server and the login.',
  },
  M002: {
    severity: warning,
    title: 'the file is not in UTF-8',
    explanation:
      'Millrace reads configurations as UTF-8. A file with other bytes is read as ISO-8859-1, as Flume reads every file, so letters beyond ASCII may not be the ones you typed. Save the file as UTF-8, or write such letters as \\u00e9. UTF-16 is not read at all.',
  },
  M003: {
    severity: error,
    title: 'the configuration holds no agent',
    explanation:
      'No line has the form agent.property = value, so there is nothing to run. Flume would end with "No configuration could be found" or idle for ever.',
  },
  M004: {
    severity: error,
    title: 'a \\u escape is not complete',
    explanation:
      'In a properties file \\u begins the code of one character and needs exactly four hexadecimal digits. Flume cannot load a file with another one anywhere in it. For a backslash in front of a u, as in a Windows path, write \\\\u.',
    example: 'a1.sources.r1.spoolDir = C:\\users\\logs',
  },
  M005: {
    severity: warning,
    title: 'a key is set twice',
    explanation: 'The last value counts and the earlier one has no effect. Remove one of the two lines. Later files may replace keys of earlier ones; that is not warned of.',
    example: 'a1.sources.r1.port = 44444\na1.sources.r1.port = 44445',
  },
  M006: {
    severity: warning,
    title: 'a key has no value',
    explanation: 'Nothing, or only blanks, stands behind the key. Flume drops the line, so that the property has its default. A line of text without a # in front of it ends up here too.',
    example: 'a1.sources.r1.bind =',
  },
  M007: {
    severity: warning,
    title: 'a key names no agent',
    explanation: 'Every key begins with the name of an agent and a dot. Others have no effect, unless a ${name} uses them as a variable.',
    example: 'sources = r1',
  },
  M008: {
    severity: warning,
    title: 'a key that no agent has',
    explanation:
      'Behind the agent\'s name stands one of sources, channels, sinks, sinkgroups and configfilters, and then, for a property, the component\'s name and the property. Flume ignores every other key, so what it was meant to set is not set.',
    example: 'a1.source.r1.type = netcat',
  },
  M009: {
    severity: error,
    title: 'an agent that cannot run',
    explanation:
      'An agent needs at least one channel, and a source or a sink that works. Flume marks any other one as invalid, removes it as if it were not in the file, and idles. The problems of its parts are reported as well.',
  },
  M010: {
    severity: error,
    title: 'a component is listed but not configured',
    explanation: 'The list names a component of which the file sets no property. Flume drops it. Configure it, or take its name out of the list.',
    example: 'a1.sources = r1 r2',
  },
  M011: {
    severity: warning,
    title: 'a component is configured but not listed',
    explanation: 'The file sets properties of a component whose name is in no list, so it is never made. Flume says nothing about it. Add the name to the list, or remove the lines.',
    example: 'a1.sources = r1\na1.sources.r2.type = netcat',
  },
  M012: {
    severity: warning,
    title: 'unknown property',
    explanation:
      'The component\'s type has no such property. Flume ignores it silently, so that a misspelt setting has no effect. It is an error where the right spelling is a required property that is missing.',
    example: 'a1.sources.r1.chanels = c1',
  },
  M013: {
    severity: error,
    title: 'unknown type',
    explanation:
      'There is no component of this kind with this type. Flume takes an unknown type for the name of a Java class; without such a class it does not start at all (a source, channel or sink), or drops the component that uses it. "millrace help sources" lists the types.',
    example: 'a1.sources.r1.type = netcatt',
  },
  M014: {
    severity: error,
    title: 'a required property is missing',
    explanation: 'The component cannot work without it, and Flume drops a component that lacks it. "millrace help <kind> <type>" shows all properties and their defaults.',
    example: 'a1.sources.r1.type = netcat\na1.sources.r1.bind = 0.0.0.0',
  },
  M015: {
    severity: error,
    title: 'a value that cannot be used',
    explanation:
      'The value is not of the kind that the property needs, or out of its range. Depending on the property, Flume drops the component, falls back to the default, or fails once it runs. Where both go on with another value it is only a warning, which says with what.',
    example: 'a1.sources.r1.port = 44444x',
  },
  M016: {
    severity: error,
    title: 'properties that do not go together',
    explanation: 'Each value is fine by itself, but the component cannot work with all of them.',
    example: 'a1.channels.c1.capacity = 100\na1.channels.c1.transactionCapacity = 1000',
  },
  M017: {
    severity: warning,
    title: 'a property without effect',
    explanation: 'The property is known, and people set it, but the type does not read it; the sentence says why or what to set instead.',
  },
  M018: {
    severity: error,
    title: 'a source without a channel',
    explanation:
      'A source needs channels, in the plural, that are listed and configured: "channels = c1 c2". Flume drops a source that has none; one with some unknown names runs with the others, and is warned of here.',
    example: 'a1.sources.r1.channel = c1',
  },
  M019: {
    severity: error,
    title: 'a sink without its channel',
    explanation: 'A sink needs exactly one channel, in the singular, that is listed and configured: "channel = c1". Flume drops any other sink.',
    example: 'a1.sinks.k1.channels = c1',
  },
  M020: {
    severity: warning,
    title: 'a channel that only one side uses',
    explanation:
      'Nothing writes to the channel, or nothing reads from it. A channel that is only written to fills up and then stops its sources. Flume runs it; it removes a channel that nobody uses at all.',
    example: 'a1.channels = c1 c2',
  },
  M021: {
    severity: error,
    title: 'a batch larger than a transaction of its channel',
    explanation:
      'The batch size of a source or sink must not be above the transactionCapacity of its channel, or its batches could never be stored or taken. Flume drops the source or sink. Mind the defaults: a memory channel has 100, a Kafka source 1000, a Hive sink 15000.',
    example: 'a1.sources.r1.batchSize = 1000\na1.channels.c1.transactionCapacity = 100',
  },
  M022: {
    severity: error,
    title: 'a ${…} that nothing resolves',
    explanation:
      'The variable, system property or key does not exist, or is empty, where the agent runs. Flume leaves the text as it stands and works with "${…}" as a value. Set it, give a default as in ${env:PORT:-44444}, or write $${…} for the literal text. In values that may hold such text for a shell or a replacement it is only a warning.',
    example: 'a1.sources.r1.port = ${env:NC_PORT}',
  },
  M023: {
    severity: error,
    title: 'a ${…} that cannot be worked out',
    explanation: 'The value refers to itself, directly or through others, or a look-up does not know the name. Flume does not start.',
    example: 'A = ${B}\nB = ${A}',
  },
  M024: {
    severity: error,
    title: 'a config filter that fails',
    explanation:
      'A config filter is wrong, or could not answer for a key: its program failed or took too long, or there is no such secret. Flume logs it and goes on with the text "${filter[key]}" as the value.',
    example: 'a1.configfilters.f1.type = external',
  },
  M025: {
    severity: error,
    title: 'commas in a list',
    explanation: 'Names in lists are separated by blanks. A comma is part of a name, so that "r1, r2" means the components "r1," and "r2".',
    example: 'a1.sources = r1, r2',
  },
  M026: {
    severity: error,
    title: 'a comment behind a value',
    explanation:
      'Comments need a line of their own in a properties file: everything behind the = belongs to the value, # and all. It is a warning where the value may be meant so.',
    example: 'a1.sources.r1.type = netcat # the door',
  },
  M027: {
    severity: error,
    title: 'a fault in a sink group',
    explanation:
      'A group needs "sinks" that are listed and work, each in one group only, and a processor.type. Without "sinks" Flume fails to load the whole file; with a bad processor it drops the group and its sinks.',
    example: 'a1.sinkgroups.g1.sink = k1 k2',
  },
  M028: {
    severity: error,
    title: 'two components want the same place',
    explanation: 'Two components listen at the same address and port, or keep their data in the same directory or file. The second can never start. Both places are shown.',
  },
  M029: {
    severity: error,
    title: 'a Flume type that Millrace does not have yet',
    explanation: 'The type is one of Flume\'s and its properties are checked, but this version of Millrace cannot run it.',
  },
  M030: {
    severity: error,
    title: 'a custom Java class',
    explanation:
      'The type is a Java class that is not part of Flume. Millrace runs no Java. Write the component as a plug-in in JavaScript, and map the class name to it, in plugins.d or a directory named in MILLRACE_PLUGINS.',
    example: 'a1.sources.r1.type = com.example.MySource',
  },
  M031: {
    severity: error,
    title: 'a fault in a channel selector',
    explanation: 'The selector\'s type is unknown, or it names channels that its source does not have. Flume drops the source. Channel names of a multiplexing selector are separated by one space each.',
    example: 'a1.sources.r1.selector.mapping.eu = c9',
  },
  M032: {
    severity: error,
    title: 'a fault in an interceptor',
    explanation: 'A listed interceptor has no type, an unknown one, or bad properties. Flume drops the source.',
    example: 'a1.sources.r1.interceptors = i1',
  },
  M033: {
    severity: warning,
    title: 'a file that others may write to',
    explanation:
      'Whoever can write the configuration decides what the agent runs and where the data goes. Take the right to write from others: chmod o-w FILE.',
  },
  M034: {
    severity: error,
    title: 'no agent of that name',
    explanation: 'The name after --name is not in the configuration; the names that are in it are listed. Flume would idle without a component.',
  },
  M035: {
    severity: error,
    title: 'a place for configurations that Millrace cannot use',
    explanation:
      'Configurations come from files and from http, https and classpath addresses, and hold properties; ZooKeeper is not there yet, and json, yaml and xml never were read by Flume 1.11 either. An address must stay on its host: redirects to another are not followed.',
  },
  M036: {
    severity: error,
    title: 'a loop of agents',
    explanation: 'A sink sends to the address of a source from which its own events come. Every event would go round for ever.',
  },
  M037: {
    severity: error,
    title: 'a file that a component needs cannot be read',
    explanation: 'The component reads this file when it is made: a key store, a password, a schema. Flume drops the component without it.',
  },
  M038: {
    severity: error,
    title: 'a plug-in cannot be used',
    explanation:
      'The file that a type names, or that a mapping names for it, is not there, fails while it is loaded, or does not export a definition. The sentence names the file and the reason. How plug-ins are found and what they export is told in docs/plugins.md.',
    example: 'a1.sinks.k1.type = ./missing-sink.js',
  },
  M081: {
    severity: error,
    title: 'a sink sends to a port where nothing listens',
    explanation: 'The host is among the files that topology was given, and no source of its agents listens on the port. The hint names those that do.',
  },
  M082: {
    severity: error,
    title: 'the two ends of a connection do not speak alike',
    explanation: 'Sink and source differ in protocol, TLS, its versions or cipher suites, Kerberos or compression, or the source asks for a certificate that the sink does not have. The connection would be closed again and again, and the events stay where they are.',
  },
  M083: {
    severity: error,
    title: 'sinks send more than the next agent takes',
    explanation: 'A source stores a batch in one transaction. One that is larger than the transactionCapacity of a channel behind it is refused for ever, so that nothing of it ever arrives. Connections above maxConnections are closed.',
  },
  M084: {
    severity: error,
    title: 'a source cannot be reached by a sink',
    explanation:
      'It is bound to an address of the loopback interface, and the sink is on another host; or to another address than the one that the sink sends to; or its ipFilterRules do not let in the host of the sink. Addresses of hosts are those that sources are bound to and those that --alias names. Where that depends on addresses or names that are not known, it is a warning.',
  },
  M085: {
    severity: error,
    title: 'events go round in a circle',
    explanation: 'The sinks of these agents lead events back to a source that they have passed. Every event comes again for ever.',
  },
  M086: {
    severity: warning,
    title: 'a sink sends to a host that is not among the files',
    explanation: 'What happens there cannot be judged. Give topology the file of that host too, or say with --alias which host the address belongs to.',
  },
  M087: {
    severity: error,
    title: 'two agents of one host listen on one port',
    explanation: 'The second of them cannot start. Both places are shown.',
  },
  M088: {
    severity: error,
    title: 'a file has errors of its own',
    explanation: 'This command looks at what agents have to do with one another. What is wrong within a file is told by "millrace check", and the parts that it concerns are not in the picture.',
  },
  M089: {
    severity: error,
    title: 'exactlyOnce cannot be kept',
    explanation:
      'With exactlyOnce a sink or channel writes down, together with the events, the place they come from, and so knows those that come again after a crash. A sink needs a channel that keeps its events: one of the type file, or a Kafka channel with exactlyOnce, and no other sink at it, since what that has written it could not know. A Kafka channel needs a source whose events have such a place: a Kafka source with isolation.level = read_committed and no other channel, or an avro source that avro sinks of Millrace with a file channel send to.',
  },
  M101: {
    severity: warning,
    title: 'a channel is full',
    explanation: 'A channel had no room for longer than its keep-alive, so its sources wait or tell their senders to come back later. Nothing is lost. Look at the sinks of the channel: they are slower than the sources, or stand still.',
  },
  M102: {
    severity: error,
    title: 'events that a destination never accepts',
    explanation: 'A destination refused single events for good. They are set aside in the dead letters with the reason, and the others go on. "millrace dead-letters" shows them and sends them again.',
  },
  M103: {
    severity: error,
    title: 'a file of ours is damaged',
    explanation: 'A channel or position file holds something that Millrace did not write: a disk fault, a foreign program, or a copy that was cut short. That component stops; nothing is skipped or repaired unasked.',
  },
  M104: {
    severity: error,
    title: 'a batch larger than its channel',
    explanation: 'A batch could not be stored even if the channel were empty. Give the channel a larger capacity, transactionCapacity or byteCapacity, or the sender a smaller batch.',
  },
  M105: {
    severity: warning,
    title: 'a channel does not run',
    explanation: 'A source or sink needs a channel that has not started, has failed or was stopped; the sentence says why. Sources keep their place or answer "later", sinks wait. The agent goes on trying to start the channel.',
  },
  M106: {
    severity: error,
    title: 'events cannot be set aside',
    explanation: 'The dead letters of a component cannot be written, so the events stay where they were and are offered again. Look at the disk and at the permissions of the folder in the sentence; -Dmillrace.dead.letters=DIR names another.',
  },
  M107: {
    severity: error,
    title: 'a plug-in did not keep to its contract',
    explanation: 'What a plug-in made or returned is not what its kind of component has to be, for example an interceptor that returns no batch. The sentence names what was expected. See docs/plugins.md.',
  },
  M111: {
    severity: error,
    title: 'a regular expression that Java would refuse',
    explanation: 'Regular expressions are those of Java. The sentence says where the fault is. In a properties file every backslash is doubled: \\\\d for \\d.',
  },
  M112: {
    severity: error,
    title: 'a regular expression takes too long',
    explanation: 'Matching one text took more steps than are allowed, because the expression can match the same characters in very many ways, as (a+)+ can. The event is treated as the interceptor documents. Write the expression so that there is one way, or anchor it.',
  },
  M113: {
    severity: error,
    title: 'a replacement text that Java would refuse',
    explanation: 'In a replacement, $1 is the first group and \\$ is a dollar sign. The group that is named is not in the expression, or the text ends with a backslash or a dollar sign.',
  },
  M121: {
    severity: error,
    title: 'an escape of a path cannot be replaced',
    explanation: 'A path has an escape such as %Y, and the event has no timestamp header, or one that is no number. Add the timestamp interceptor, or let the sink use the local time.',
  },
  M122: {
    severity: error,
    title: 'a date pattern that Java would refuse',
    explanation: 'The pattern of a date has a letter without a meaning, or quotes that do not end. The letters are those of java.text.SimpleDateFormat.',
  },
  M123: {
    severity: error,
    title: 'a text that is no date of the given form',
    explanation: 'The text does not fit the pattern, or names a day or an hour that does not exist.',
  },
  M130: {
    severity: warning,
    title: 'a file was taken away while it was written',
    explanation: 'The file of a sink, or a directory above it, was removed or replaced. What was written since is written again into a new file.',
  },
  M131: {
    severity: warning,
    title: 'a file cannot be written',
    explanation: 'The system refused a write; the cause is in the sentence, ENOSPC for a full disk. The events stay in the channel and are written again.',
  },
  M132: {
    severity: warning,
    title: 'a file cannot be created',
    explanation: 'The directory is missing, may not be written to, or is full of files of the names that were tried. Sinks do not create directories that a configuration names, as in Flume. The sink goes on trying.',
  },
  M133: {
    severity: error,
    title: 'a directory holds the data of Flume',
    explanation: 'The directories of a durable channel hold what the file channel of Flume wrote, which Millrace cannot read yet. Nothing in them is touched. Let Flume drain the channel first, or give the channel other directories.',
  },
  M134: {
    severity: warning,
    title: 'a store cannot be written',
    explanation: 'A write or a sync of a durable channel failed; the cause is in the sentence. Nothing is acknowledged until the store was closed, opened again and verified, which happens by itself. Sources wait or answer "later"; sinks go on with what can be read.',
  },
  M135: {
    severity: error,
    title: 'a store is in use',
    explanation: 'Another process, or another channel of this one, has the store of a durable channel open; the sentence names it. A process that ended leaves no lock behind. End the other one, or give each channel directories of its own.',
  },
  M136: {
    severity: error,
    title: 'a key of a store is missing, or another one',
    explanation: 'A durable channel is encrypted, or was, and the key by the name in the sentence is not configured, cannot be read, or is not the one that its events were stored with. Nothing was changed and nothing is lost: give the channel the keys back under encryption.keyProvider.keys. A key may go once all events under it were delivered.',
  },
  M160: {
    severity: error,
    title: 'the stage of a sink cannot be written',
    explanation: 'A sink that uploads to S3 keeps events on disk until they are there, and the disk refuses. Nothing of the batch counts as taken: its events stay in the channel and are offered again. Look at the disk and at the permissions of s3.stageDirectory.',
  },
  M161: {
    severity: error,
    title: 'the stage of a sink cannot be read',
    explanation: 'A file of the stage is shorter than what was written to it. Its objects cannot be uploaded until the file is back; the others go on.',
  },
  M162: {
    severity: error,
    title: 'an object is refused by S3',
    explanation: 'The destination refused this object and not the others; the sentence has its answer. The events stay on disk and are sent again after growing pauses. Where the key is refused, change s3.prefix or s3.name for those to come.',
  },
  M163: {
    severity: error,
    title: 'a sink does not run',
    explanation: 'Events were offered to a sink before it was started or after it was stopped. They stay in the channel.',
  },
  M164: {
    severity: warning,
    title: 'the stage of a sink is full',
    explanation: 'More events wait to be uploaded than s3.stageCapacity allows, because S3 cannot be reached or is slower than the events come. Further events stay in their channel. Nothing is lost.',
  },
  M165: {
    severity: error,
    title: 'a directory is in use',
    explanation: 'Two components, of one agent or of two, are to keep their files in the same directory. Give each a directory of its own, for example by s3.stageDirectory.',
  },
  M171: {
    severity: error,
    title: 'a directory to be followed is missing',
    explanation: 'A TAILDIR source looks for files in directories that have to be there when it starts. Make the directory, or mend filegroups.*; the source is tried again until it is there.',
  },
  M172: {
    severity: error,
    title: 'a position file is in use',
    explanation: 'Two TAILDIR sources, of one agent or of two, are to keep their positions in the same file, and would overwrite each other. The message names who has it. Give each source a positionFile of its own.',
  },
  M141: {
    severity: error,
    title: 'a key store that cannot be used',
    explanation: 'The file of keystore or truststore is damaged, its password is wrong, or its format is not read. JKS, PKCS12 and PEM are read whatever the type option says; the sentence names the keytool command that converts others.',
  },
  M170: {
    severity: warning,
    title: 'a file system refuses a call, or does not answer',
    explanation:
      'A call of the hdfs sink failed; the sentence names the path, the NameNode and the DataNode that were asked, and what they answered. The events stay in the channel and are written again after growing pauses. A file that may hold more than was accepted is cut back to what was and closed, beside the writing.',
  },
  M175: {
    severity: error,
    title: 'hdfs.path leads nowhere',
    explanation:
      'The file system that hdfs.path names is one that Millrace does not write to, or its WebHDFS address is not known. Set HADOOP_CONF_DIR to the folder with core-site.xml and hdfs-site.xml, put the two beside the configuration, or set hdfs.webHdfsUrl.',
  },
} as const satisfies Readonly<Record<string, CatalogueEntry>>;

export type ProblemCode = keyof typeof CATALOGUE;

export function catalogueEntry(code: string): CatalogueEntry | undefined {
  return Object.hasOwn(CATALOGUE, code) ? CATALOGUE[code as ProblemCode] : undefined;
}
