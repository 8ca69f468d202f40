import type { Batch } from '../core/batch.ts';
import type { Context, Description, Serializer, Sink } from '../core/component.ts';
import { define, type Values } from '../core/define.ts';
import { describeError, RejectedError } from '../core/errors.ts';
import { boolean, choice, integer, string } from '../core/options.ts';
import { nested } from '../core/read-options.ts';
import { fileSystem, type FileSystem } from '../io/file-system.ts';
import { readUrlText } from '../io/url-text.ts';
import { serializers } from '../serializers/index.ts';
import { CountedNames, TimedNames, type FileNames } from './file-roll-names.ts';
import { createNext, FileGoneError, type FileOptions, type RolledFile } from './file-roll-file.ts';

/** Between looks whether the path still leads to the file that is written to. */
const LOOK_EVERY_MS = 100;
const LONGEST_TIMER_MS = 2 ** 31 - 1;

const options = {
  'sink.directory': string({ doc: 'Directory of the files; it has to be there.' }),
  'sink.rollInterval': integer({
    default: 30,
    long: true,
    doc: 'Seconds after which a new file is begun, also if nothing was written to the last; 0 or less: never.',
  }),
  'sink.batchSize': integer({ default: 100, min: 1, outside: 'refuse', doc: 'Most events taken from the channel at a time.' }),
  'sink.serializer': nested(serializers, { default: 'TEXT', unknownType: 'refuse', doc: 'How events become bytes.' }),
  'sink.pathManager': choice({
    values: [
      'DEFAULT',
      'ROLLTIME',
      'org.apache.flume.formatter.output.DefaultPathManager$Builder',
      'org.apache.flume.formatter.output.RollTimePathManager$Builder',
    ],
    default: 'DEFAULT',
    doc: 'How files are named: after the start of the sink, or after the time they were begun.',
  }),
  'sink.pathManager.prefix': string({ default: '', doc: 'In front of the name.' }),
  'sink.pathManager.extension': string({ default: '', doc: 'Behind the name and a full stop.' }),
  'sink.sync': boolean({
    default: false,
    doc: 'Write each batch through to the disk before it counts as delivered; slower, and safe against a power cut.',
  }),
};

export const fileRollSink = define('sink', {
  types: ['file_roll', 'org.apache.flume.sink.RollingFileSink'],
  summary: 'Writes events to files of a local directory and begins a new file from time to time.',
  options,
  batchSizeOption: 'sink.batchSize',
  flume: { batchesNotCounted: true },
  create: (context, values) => new FileRollSink(context, values, fileSystem),
});

export type FileRollSettings = Values<typeof options>;

/**
 * A batch is accepted once the system has all its bytes. What could not be written whole is cut off again, so that the next attempt
 * neither tears nor doubles an event; a file that cannot be cut is given up, and the next one takes the batch whole. Files are never
 * continued, and never overwritten.
 */
export class FileRollSink implements Sink {
  readonly batchSize: number;
  readonly #context: Context;
  readonly #settings: FileRollSettings;
  readonly #files: FileSystem;
  readonly #names: FileNames;
  readonly #fileOptions: FileOptions;
  #file: RolledFile | undefined;
  #timer: NodeJS.Timeout | undefined;
  #rollDue = false;
  /** Writing and rolling follow one another. */
  #last: Promise<unknown> = Promise.resolve();

  constructor(context: Context, settings: FileRollSettings, files: FileSystem, lookEveryMs = LOOK_EVERY_MS) {
    this.batchSize = settings['sink.batchSize'];
    this.#context = context;
    this.#settings = settings;
    this.#files = files;
    this.#fileOptions = { sync: settings['sink.sync'], lookEveryMs };
    const parts = {
      directory: settings['sink.directory'],
      prefix: settings['sink.pathManager.prefix'],
      extension: settings['sink.pathManager.extension'],
    };
    const timed = /^ROLLTIME$|RollTime/.test(settings['sink.pathManager']);
    this.#names = timed ? new TimedNames(parts) : new CountedNames(parts, Date.now());
  }

  async start(): Promise<void> {
    await this.#open();
    const intervalMs = this.#settings['sink.rollInterval'] * 1000;
    if (intervalMs > 0) this.#timer = setInterval(() => void this.#rollNow(), Math.min(intervalMs, LONGEST_TIMER_MS));
  }

  async stop(): Promise<void> {
    clearInterval(this.#timer);
    await this.#inTurn(() => this.#close());
  }

  write(batch: Batch): Promise<void> {
    return this.#inTurn(() => this.#write(batch));
  }

  describe(): Description {
    const seconds = this.#settings['sink.rollInterval'];
    return {
      summary: seconds > 0 ? `a new file every ${seconds} s` : 'one file',
      paths: [this.#settings['sink.directory']],
    };
  }

  #inTurn<T>(work: () => Promise<T>): Promise<T> {
    const done = this.#last.then(work);
    this.#last = done.catch(() => undefined);
    return done;
  }

  async #write(batch: Batch): Promise<void> {
    if (this.#rollDue) await this.#close();
    const rejected = new Map<number, string>();
    const reject = (index: number, reason: string): void => void rejected.set(index, reason);
    const file = this.#file ?? (await this.#open());
    try {
      await file.append(batch, reject);
    } catch (error) {
      if (file.usable) throw error;
      await this.#giveUp(file, error);
      if (!(error instanceof FileGoneError)) throw error;
      rejected.clear();
      await (await this.#open()).append(batch, reject);
    }
    const [reason] = rejected.values();
    if (reason !== undefined) throw new RejectedError([...rejected.keys()], reason);
  }

  async #open(): Promise<RolledFile> {
    const nested = this.#settings['sink.serializer'];
    if (!nested) throw new Error('the serializer could not be read');
    this.#rollDue = false;
    const serializer: Serializer = await nested.create({
      name: this.#context.name,
      log: this.#context.log,
      count: (counter, amount) => this.#context.count(counter, amount),
      readText: readUrlText,
    });
    try {
      const file = await createNext(this.#files, this.#names, this.#settings['sink.directory'], serializer, this.#fileOptions);
      this.#context.count('ConnectionCreatedCount', 1);
      this.#context.log.debug('file opened', { path: file.path });
      this.#file = file;
      return file;
    } catch (error) {
      this.#context.count('ConnectionFailedCount', 1);
      throw error;
    }
  }

  /** The name is used up even if closing fails, so that nothing is ever written to that file again. */
  async #close(): Promise<void> {
    const file = this.#file;
    if (!file) return;
    this.#file = undefined;
    this.#context.count('ConnectionClosedCount', 1);
    try {
      await file.finish();
    } catch (error) {
      this.#context.log.error('file could not be closed in good order; what was delivered to it is in it', {
        path: file.path,
        bytes: file.length,
        reason: describeError(error),
      });
    }
  }

  async #giveUp(file: RolledFile, error: unknown): Promise<void> {
    this.#file = undefined;
    this.#context.count('ConnectionClosedCount', 1);
    await file.abandon();
    this.#context.log.error('file given up; the events go to the next one', {
      path: file.path,
      goodBytes: file.length,
      reason: describeError(error),
    });
  }

  /** Begins the next file even if there is nothing to write. A failure to open it is told, and tried again at the next write. */
  async #rollNow(): Promise<void> {
    this.#rollDue = true;
    await this.#inTurn(async () => {
      if (!this.#rollDue) return;
      await this.#close();
      await this.#open();
    }).catch((error: unknown) => this.#context.log.warn('next file could not be opened; tried again', { reason: describeError(error) }));
  }
}
