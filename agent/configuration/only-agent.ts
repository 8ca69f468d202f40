import type { AgentArguments } from '../command-line/types.ts';
import { describeError } from '../../core/errors.ts';
import { configSources } from './source.ts';

/** Stands for the only agent of the configuration: what a service unit asks for, which knows the file and not the name in it. */
export const ONLY_AGENT = '-';

/** The name of the only agent that the files define with a list of components, or why there is none, as a sentence. */
export async function onlyAgent(args: AgentArguments): Promise<{ readonly name: string } | { readonly fault: string }> {
  const { Properties } = await import('properties-file/parser');
  const names = new Set<string>();
  const { sources } = configSources(args);
  try {
    for (const source of sources) {
      for (const node of new Properties((await source.read()).toString()).nodes) {
        const [, name] = (node.type === 'property' && /^([^.]+)\.(?:sources|channels|sinks)$/.exec(node.key)) || [];
        if (name !== undefined) names.add(name);
      }
    }
  } catch (error) {
    return { fault: describeError(error) };
  }
  const [name, ...others] = names;
  const files = sources.map((source) => source.name).join(', ');
  if (name === undefined) return { fault: `${files}: no agent is defined, so there is no only one (--name -)` };
  if (others.length > 0) return { fault: `${files}: there are the agents ${[...names].sort().join(', ')}; say with --name which one is to run` };
  return { name };
}
