import { channels } from '../../channels/index.ts';
import { selectors } from '../../channels/selectors/index.ts';
import type { Registry } from '../../core/registry.ts';
import { interceptors } from '../../interceptors/index.ts';
import { serializers } from '../../serializers/index.ts';
import { sinkProcessors } from '../../sinks/groups/index.ts';
import { deserializers } from '../../serializers/deserializers/index.ts';
import { sinks } from '../../sinks/index.ts';
import { httpHandlers } from '../../sources/http/handlers/index.ts';
import { sources } from '../../sources/index.ts';
import { configFilters } from '../config-filters/index.ts';
import type { Registries } from './types.ts';

/** Every type that comes with the agent; plug-ins are added to it. */
export const registries: Registries & { readonly serializers: Registry<'serializer'>; readonly deserializers: Registry<'deserializer'>; readonly httpHandlers: Registry<'http handler'> } = {
  sources,
  channels,
  sinks,
  interceptors,
  selectors,
  sinkProcessors,
  serializers,
  deserializers,
  httpHandlers,
  configFilters,
};

/** For those who show every type there is: all definitions, those that are read on demand included. */
export async function readAllDefinitions(): Promise<void> {
  for (const registry of Object.values(registries)) await registry.read();
}
