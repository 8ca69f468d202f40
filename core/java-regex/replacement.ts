/** The replacement text of Java's `replaceAll`, read once. */
export type ReplacementPart = string | number;

/**
 * Reads `$n`, `${name}` and `\c`. What Java finds wrong only when it replaces becomes a part that throws then: the parts before it are
 * still fine for texts without a match.
 */
export interface Replacement {
  readonly parts: readonly ReplacementPart[];
  /** The error of the first match, if the text is wrong. */
  readonly problem: string | undefined;
}

export function parseReplacement(text: string, groupCount: number, groupNames: ReadonlyMap<string, number>): Replacement {
  const parts: ReplacementPart[] = [];
  let literal = '';
  const addGroup = (group: number): void => {
    if (literal !== '') parts.push(literal);
    literal = '';
    parts.push(group);
  };
  const wrong = (problem: string): Replacement => ({ parts, problem });
  let at = 0;
  while (at < text.length) {
    const char = text[at++] ?? '';
    if (char === '\\') {
      if (at === text.length) return wrong('character to be escaped is missing');
      literal += text[at++] ?? '';
    } else if (char !== '$') {
      literal += char;
    } else if (at === text.length) {
      return wrong('Illegal group reference: group index is missing');
    } else if (text[at] === '{') {
      const name = /^\{([A-Za-z0-9]*)(\}?)/.exec(text.slice(at));
      const groupName = name?.[1] ?? '';
      if (groupName === '') return wrong('named capturing group is missing trailing \'}\'');
      if (name?.[2] !== '}') return wrong("named capturing group is missing trailing '}'");
      if (/^[0-9]/.test(groupName)) return wrong(`capturing group name {${groupName}} starts with digit character`);
      const group = groupNames.get(groupName);
      if (group === undefined) return wrong(`No group with name {${groupName}}`);
      addGroup(group);
      at += groupName.length + 2;
    } else {
      if (!isDigit(text[at])) return wrong('Illegal group reference');
      let group = Number(text[at++]);
      if (group > groupCount) return wrong(`No group ${group}`);
      while (isDigit(text[at]) && group * 10 + Number(text[at]) <= groupCount) group = group * 10 + Number(text[at++]);
      addGroup(group);
    }
  }
  if (literal !== '') parts.push(literal);
  return { parts, problem: undefined };
}

function isDigit(char: string | undefined): boolean {
  return char !== undefined && char >= '0' && char <= '9';
}
