import type { BuildContext } from './build.ts';
import type { ListName, Settings } from './keys.ts';
import { readType } from './part.ts';
import type { Report } from './report.ts';
import { readSource } from './source.ts';
import { namesIn, type ValidAgent } from './validate.ts';

/**
 * Looks into the listed components that Flume drops before it would look at their types and values, so that all faults of a file are
 * told at once, and not those of a channel only after its source was mended.
 */
export function inspectRest(report: Report, valid: ValidAgent | undefined, context: BuildContext): void {
  const { registries } = context;
  const common = { report, context, place: report.agent.place };
  const channels = namesIn(report.agent.lists.get('channels'));
  for (const [name, settings] of typed(report, 'channels', valid?.channels)) {
    readType({ ...common, kind: 'channel', registry: registries.channels, list: 'channels', name, settings });
  }
  for (const [name, settings] of typed(report, 'sources', valid?.sources)) readSource(report, name, settings, channels, context);
  for (const [name, settings] of typed(report, 'sinks', valid?.sinks)) {
    readType({ ...common, kind: 'sink', registry: registries.sinks, list: 'sinks', name, settings });
  }
  report.forgetRepeats();
}

/** Listed components that have a type and were not looked at yet. */
function typed(report: Report, list: ListName, seen: ReadonlyMap<string, unknown> | undefined): [string, Settings][] {
  const components = report.agent.components[list];
  return namesIn(report.agent.lists.get(list)).flatMap((name) => {
    const settings = components.get(name);
    return settings && !seen?.has(name) && settings.get('type')?.value ? [[name, settings] as [string, Settings]] : [];
  });
}
