import type { Registry } from '../../core/registry.ts';
import type { Effective } from '../configuration/effective.ts';
import type { Problem, Registries } from '../plan/types.ts';
import { PLUGIN_KINDS } from './definition.ts';
import { pluginReferences } from './references.ts';
import type { PluginProblem, PluginRegistries, PluginRequest } from './plugins.ts';
import { problem } from '../problems/problems.ts';

export type AllRegistries = Registries & { readonly serializers: Registry<'serializer'>; readonly deserializers: Registry<'deserializer'>; readonly httpHandlers: Registry<'http handler'> };
export type PluginPlaces = Pick<PluginRequest, 'confDirectories' | 'pluginsPath' | 'variable'>;

/**
 * Adds the plug-ins that a configuration names to the registries; to be called before planning by our own rules (Flume's verdict knows no
 * plug-ins). Resolves with what is wrong with them. Costs nothing where every type is known.
 */
export async function addPlugins(
  effective: Pick<Effective, 'properties'>,
  registries: AllRegistries,
  places: PluginPlaces,
): Promise<readonly Problem[]> {
  const byKind = pluginRegistries(registries);
  const references = pluginReferences([...effective.properties.values()].map(({ key, value }) => [key, value] as const));
  if (!places.variable && references.every(({ kind, type }) => byKind[kind].has(type))) return [];
  const { loadPlugins } = await import('./plugins.ts');
  const { problems } = await loadPlugins({ ...places, references, registries: byKind });
  return problems.map((found) => toProblem(found, effective));
}

/** Adds every plug-in that there is, and the one that `named` asks for: for `help`. Resolves with what is wrong, a sentence each. */
export async function addAllPlugins(
  registries: AllRegistries,
  places: PluginPlaces,
  named: { readonly kind: string; readonly type: string } | undefined,
): Promise<readonly string[]> {
  const { loadPlugins } = await import('./plugins.ts');
  const kind = PLUGIN_KINDS.find((candidate) => candidate === named?.kind);
  const references = kind && named ? [{ key: 'type', kind, type: named.type }] : [];
  const { problems } = await loadPlugins({ ...places, references, registries: pluginRegistries(registries), all: true });
  return problems.map(({ sentence }) => sentence);
}

/** The problems of planning without those about types that a plug-in would have been there for, were it usable. */
export function withoutConsequences(ofPlanning: readonly Problem[], ofPlugins: readonly Problem[]): readonly Problem[] {
  const told = new Set(ofPlugins.filter(({ severity }) => severity === 'error').map(positionOf));
  return ofPlanning.filter((each) => !(each.code === 'M013' || each.code === 'M030') || !each.place || !told.has(positionOf(each)));
}

function pluginRegistries(registries: AllRegistries): PluginRegistries {
  return {
    source: registries.sources,
    channel: registries.channels,
    sink: registries.sinks,
    interceptor: registries.interceptors,
    selector: registries.selectors,
    'sink processor': registries.sinkProcessors,
    serializer: registries.serializers,
    deserializer: registries.deserializers,
    'http handler': registries.httpHandlers,
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

function positionOf({ place }: Problem): string {
  return place ? `${place.file}:${place.line}:${place.column}` : '';
}
