import { serializers } from '../serializers/index.ts';
import type { Effective } from './effective.ts';
import type { Problem, Registries } from './plan-types.ts';
import { pluginReferences } from './plugin-references.ts';
import type { PluginProblem, PluginRegistries, PluginRequest } from './plugins.ts';
import { problem } from './problems.ts';

export type PluginPlaces = Pick<PluginRequest, 'confDirectories' | 'pluginsPath' | 'variable' | 'all'>;

/**
 * Adds to the registries what plug-ins the configuration names, or all that there are with `all`; to be called before planning by our own
 * rules (Flume's verdict knows no plug-ins). Resolves with what is wrong with them. Costs nothing where every type is known.
 */
export async function addPlugins(effective: Pick<Effective, 'properties'>, registries: Registries, places: PluginPlaces): Promise<readonly Problem[]> {
  const byKind = pluginRegistries(registries);
  const references = pluginReferences([...effective.properties].map(([key, { value }]) => [key, value] as const));
  const allKnown = references.every(({ kind, type }) => byKind[kind].find(type));
  if (allKnown && !places.variable && places.all !== true) return [];
  const { loadPlugins } = await import('./plugins.ts');
  const { problems } = await loadPlugins({ ...places, references, registries: byKind });
  return problems.map((found) => toProblem(found, effective));
}

/** The registries that plug-ins can add to, by kind. */
export function pluginRegistries(registries: Registries): PluginRegistries {
  return {
    source: registries.sources,
    channel: registries.channels,
    sink: registries.sinks,
    interceptor: registries.interceptors,
    selector: registries.selectors,
    'sink processor': registries.sinkProcessors,
    serializer: serializers,
  };
}

function toProblem({ key, sentence, severity }: PluginProblem, effective: Pick<Effective, 'properties'>): Problem {
  const origin = key === undefined ? undefined : effective.properties.get(key)?.origin;
  const agent = key?.split('.', 1)[0];
  return problem('M038', {
    severity,
    sentence,
    ...(agent !== undefined && { agent }),
    ...(origin && { place: origin.valuePlace() }),
  });
}
