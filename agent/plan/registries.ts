import type { Registry } from '../../core/registry.ts';
import type { Registries } from './types.ts';

/** Every type that comes with the agent; plug-ins are added to it. Loaded when it is first asked for: `--help` needs none of it. */
export async function loadRegistries(): Promise<Registries & { readonly serializers: Registry<'serializer'> }> {
  const [{ sources }, { channels }, { selectors }, { sinks }, { sinkProcessors }, { interceptors }, { serializers }, { configFilters }] = await Promise.all([
    import('../../sources/index.ts'),
    import('../../channels/index.ts'),
    import('../../channels/selectors/index.ts'),
    import('../../sinks/index.ts'),
    import('../../sinks/groups/index.ts'),
    import('../../interceptors/index.ts'),
    import('../../serializers/index.ts'),
    import('../config-filters/index.ts'),
  ]);
  return { sources, channels, sinks, interceptors, selectors, sinkProcessors, serializers, configFilters };
}
