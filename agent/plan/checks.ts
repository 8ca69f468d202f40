/** What Millrace says about a configuration beyond what Flume would drop: things that have no effect, or that cannot work together. */
import { nearest } from '../../core/nearest.ts';
import { LISTS, WORDS, wordPlace, type Setting } from './keys.ts';
import { COMMENT_HINT, didYouMean, firstPlace, stillUnresolved, trailingComment, type Report } from './report.ts';
import type { AgentPlan, Problem } from './types.ts';
import { namesIn, type ValidAgent } from './validate.ts';
import { placeOf } from '../configuration/effective.ts';
import { isSecretKey } from '../configuration/secrets.ts';
import { sharedPlaces } from './shared.ts';
import { sharedDirectories, type Lineage, type PlannedAgent } from './shared-directories.ts';
import { exactlyOnce } from './exactly-once.ts';
import { loops } from './loops.ts';

/** Values that may hold ${…} for a shell, for the replacement of a regular expression, or for events. */
const MAY_HOLD_EXPRESSIONS = /(?:^|\.)(?:command|shell|replaceString|searchPattern|regex|matching|value|pattern|morphline\w*)$/;
/** Values in which ` #` may well be meant. */
const MAY_HOLD_HASHES = /(?:^|\.)(?:command|shell|replaceString|searchPattern|regex|matching|value|\w*[pP]attern|\w*[pP]assword|query|event)$/;

export function checkAgent(report: Report, valid: ValidAgent | undefined, plan: AgentPlan, lineage: Lineage): void {
  strangeKeys(report);
  unlisted(report);
  for (const setting of settingsInUse(report)) {
    unresolved(report, setting);
    comments(report, setting);
  }
  if (!valid) return;
  loneChannels(report, valid);
  for (const each of [...sharedPlaces(report, plan, lineage), ...exactlyOnce(report, plan)]) report.problems.push(each);
}

/** Faults that show only when all agents of a configuration are seen together. */
export function checkTogether(agents: readonly PlannedAgent[], lineage: Lineage): readonly Problem[] {
  return [...loops(agents), ...sharedDirectories(agents, lineage)];
}

function strangeKeys(report: Report): void {
  const { agent } = report;
  for (const { key: whole, origin } of agent.strange) {
    const key = whole.trim();
    const rest = key.slice(key.indexOf('.') + 1);
    const [word = '', name] = rest.split('.');
    const offset = whole.indexOf(rest, whole.indexOf('.') + 1);
    const known = LISTS.find((list) => list === word);
    const place = origin.keyPlace(offset, offset + (known ? rest.length : word.length));
    const hideLine = isSecretKey(key);
    if (known && name !== undefined) {
      report.add('M008', { place, hideLine, sentence: `"${rest}" names no property of ${WORDS[known]} ${name}`, hint: `did you mean "${agent.name}.${rest}.type"?` });
      continue;
    }
    const plural = LISTS.filter((list) => WORDS[list] === word);
    report.add('M008', {
      place,
      hideLine,
      sentence: `"${word}" is none of ${LISTS.join(', ')}`,
      ...didYouMean(plural.length > 0 ? plural : nearest(word, LISTS, 1)),
    });
  }
}

function unlisted(report: Report): void {
  const { agent } = report;
  for (const list of LISTS) {
    const names = namesIn(agent.lists.get(list), list === 'sinkgroups' ? 'single spaces' : 'blanks');
    const known = agent.components[list];
    const absent = names.filter((name) => !known.has(name));
    for (const [name, settings] of known) {
      // One that is probably a misspelt listed name is named beside that.
      if (names.includes(name) || absent.some((other) => nearest(other, [name]).length > 0)) continue;
      const hint = names.length > 0 ? {} : { hint: `there is no "${agent.name}.${list}"` };
      report.add('M011', {
        place: firstPlace(settings, agent.place),
        sentence: `${WORDS[list]} ${name} is configured, but not in the list of ${list}`,
        hideLine: isSecretKey([...settings.keys()][0] ?? ''),
        ...hint,
        ...(names.length > 0 && didYouMean(nearest(name, names, 1))),
      });
    }
  }
}

function* settingsInUse({ agent }: Report): Iterable<Setting> {
  for (const list of LISTS) {
    const setting = agent.lists.get(list);
    if (!setting) continue;
    yield setting;
    for (const name of namesIn(setting, list === 'sinkgroups' ? 'single spaces' : 'blanks')) {
      yield* agent.components[list].get(name)?.values() ?? [];
    }
  }
}

function unresolved(report: Report, setting: Setting): void {
  const filters = namesIn(report.agent.lists.get('configfilters'));
  for (const expression of stillUnresolved(setting)) {
    const filter = /^\$\{([^[\]{}]+)\[(.*)\]\}$/.exec(expression);
    // A filter that is there has already said why it gave nothing.
    if (filter && filters.includes(filter[1] ?? '')) continue;
    const place = placeOf(setting.property.origin, expression);
    const severity = MAY_HOLD_EXPRESSIONS.test(setting.key) ? 'warning' : 'error';
    report.setting('M022', setting, place, `nothing resolves ${expression}, which stays in ${setting.key} as it is`, { severity, ...unresolvedHint(expression, filter) });
  }
}

function unresolvedHint(expression: string, filter: RegExpExecArray | null): { hint: string } {
  if (filter) return { hint: `no config filter "${filter[1] ?? ''}" is listed` };
  const inside = expression.slice(2, -1);
  const [, prefix, name] = /^(env|sys):(.*)$/i.exec(inside) ?? [];
  if (prefix?.toLowerCase() === 'env') return { hint: `set the variable ${name ?? ''}, or give a default: \${${inside}:-…}` };
  if (prefix) return { hint: `start with -D${name ?? ''}=…, or give a default: \${${inside}:-…}` };
  if (/^[A-Z_][A-Z0-9_]*$/.test(inside)) return { hint: `a variable of the environment is written \${env:${inside}}; for the literal text write $\${…}` };
  return { hint: `write $\${…} where the text is meant, or set the property "${inside}"` };
}

function comments(report: Report, setting: Setting): void {
  if (MAY_HOLD_HASHES.test(setting.key)) return;
  const comment = trailingComment(setting);
  if (!comment || !/^#+(?:\s|[^\s#]*$)/.test(setting.value.slice(comment.before.length).trim())) return;
  const line = comment.place.line;
  // Whatever else the value breaks was reported with the reason.
  if (report.problems.some(({ place, code }) => place?.file === comment.place.file && place.line === line && code !== 'M005')) return;
  report.setting('M026', setting, comment.place, `${comment.quoted} is part of the value of ${setting.key}`, { ...COMMENT_HINT, severity: 'warning' });
}

function loneChannels(report: Report, valid: ValidAgent): void {
  const { agent } = report;
  const users = (list: 'sources' | 'sinks', key: string): Set<string> => {
    const names = namesIn(agent.lists.get(list));
    return new Set(names.flatMap((name) => namesIn(agent.components[list].get(name)?.get(key))));
  };
  const written = users('sources', 'channels');
  const read = users('sinks', 'channel');
  const listed = agent.lists.get('channels') as Setting;
  for (const [name, settings] of valid.channels) {
    // A Kafka channel is a topic: others may write to it, or read from it.
    if (/kafka/i.test(settings.get('type')?.value ?? '') || (written.has(name) && read.has(name))) continue;
    const sentence = written.has(name)
      ? `no sink reads from channel ${name}: it fills up, and then its sources stop`
      : read.has(name)
        ? `no source writes to channel ${name}`
        : `nothing uses channel ${name}`;
    report.setting('M020', listed, wordPlace(listed, name), sentence);
  }
}

