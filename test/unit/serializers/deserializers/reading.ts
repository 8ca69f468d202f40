import type { AnyDefinition } from '../../../../core/define.ts';
import type { Deserializer, DeserializerContext, EventReader, EventsRead, FilePosition, InputFile } from '../../../../core/component.ts';
import { create, FakeContext } from '../../../conformance/fakes.ts';

export const AT_HEAD: FilePosition = { offset: 0, done: 0 };

export function inputOf(bytes: Buffer, path = '/in/file'): InputFile {
  return { path, size: bytes.length, read: async (offset, length) => Buffer.from(bytes.subarray(offset, offset + length)) };
}

/** Opens a reader with properties as they stand below `deserializer`. */
export async function openReader(
  definition: AnyDefinition<'deserializer'>,
  bytes: Buffer | string,
  properties: Record<string, string> = {},
  context: Partial<DeserializerContext> = {},
  from = AT_HEAD,
): Promise<EventReader> {
  const whole = Object.assign(new FakeContext(), { charset: 'UTF-8', decodeErrorPolicy: 'FAIL', ...context });
  const deserializer = (await create(definition, properties, whole)) as Deserializer;
  return deserializer.open(inputOf(Buffer.from(bytes)), from);
}

/** All events from where the reader stands, read `max` at a time, with the places told behind each batch. */
export async function readAll(reader: EventReader, max = 100): Promise<{ bodies: Buffer[]; reads: EventsRead[] }> {
  const bodies: Buffer[] = [];
  const reads: EventsRead[] = [];
  for (let read = await reader.read(max); read; read = await reader.read(max)) {
    for (let index = 0; index < read.batch.size; index++) bodies.push(Buffer.from(read.batch.body(index)));
    reads.push(read);
  }
  return { bodies, reads };
}
