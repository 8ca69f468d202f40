import assert from 'node:assert/strict';
import { test } from 'node:test';
import { setFlagsFromString } from 'node:v8';
import { planNative } from '../../../core/java-regex/emitter.ts';
import { parseJavaRegex } from '../../../core/java-regex/parser.ts';
import { compileJavaRegex, RegexTimeoutError } from '../../../core/java-regex.ts';
import { BatchAllowance, enableLinearRegexes, isLinear, regexWarning, stepsPerBatch } from '../../../core/regex-guard.ts';

enableLinearRegexes();

const hostile = [
  ['^(\\w+\\s?)*$', `${'a'.repeat(28)}!`],
  ['^(\\w+\\s?)*$', `${'a'.repeat(100_000)}!`],
  ['(a+)+b', 'a'.repeat(100_000)],
  ['(.*)(.*)(.*)(.*)x', `${'a'.repeat(20_000)}😀`],
  ['(?<!b)(a*)(a*)(a*)(a*)x', 'a'.repeat(20_000)],
  ['(a|aa)+$', `${'a'.repeat(50_000)}!\r\n`],
  ['(x+x+)+y', 'x'.repeat(100_000)],
] as const;

// Without the fall-back these would take years: that the test ends is what it shows.
void test('X13 R4 nested repetitions end on hostile texts', () => {
  for (const [source, text] of hostile) {
    const regex = compileJavaRegex(source);
    assert.ok(isLinear(regex), source);
    assert.equal(regex.test(text), false, source);
    assert.equal(regex.findAll(text).length, 0, source);
    assert.equal(regex.matches(text), false, source);
  }
});

void test('X13 what is native is accepted by the linear engine', () => {
  setFlagsFromString('--enable-experimental-regexp-engine');
  const linear: string = 'l';
  const sources = ['foo$', '(?i)warn|[^é]+', '\\p{L}{3,40}\\R', '(?<=a|bc)d*?', '^(.*)$', '(?:a{4}b?){4}', '[0-9a-f]{8}-[0-9a-f]{32,}', 'a++b', '[😀-😂]+', '(.*)?\\bx'];
  try {
    for (const source of sources) {
      const plan = planNative(parseJavaRegex(source));
      assert.ok(typeof plan !== 'string', source);
      for (const astral of [false, true]) {
        for (const tail of [false, true]) {
          const variant = { astral, tail: tail && plan.dependsOnTail, crLf: false };
          const native = plan.emit(variant);
          assert.ok(native !== undefined, source);
          // The flag l is refused for whatever the linear engine cannot run.
          assert.doesNotThrow(() => new RegExp(`${plan.sieve(variant)}(?:${native})`, linear).exec('x'), source);
        }
      }
    }
  } finally {
    setFlagsFromString('--no-enable-experimental-regexp-engine');
  }
});

void test('X13 a batch of hostile texts shares an allowance, and harmless texts among them still pass', () => {
  const regex = compileJavaRegex('^(?=((\\w+\\s?)*$))');
  const allowance = new BatchAllowance();
  let granted = 0;
  for (let i = 0; i < 100; i++) {
    const evil = `${'a'.repeat(60)}!`;
    const budget = allowance.of(evil);
    const before = budget.left;
    assert.throws(() => regex.test(evil, budget), RegexTimeoutError);
    granted += before;
    assert.equal(regex.test('a plain line of text', allowance.of('a plain line of text')), true);
  }
  assert.ok(granted < 3 * stepsPerBatch, `${granted} steps granted`);
});

void test('a warning names expressions that nest repetitions and cannot be linear', () => {
  assert.equal(regexWarning(compileJavaRegex('^(\\w+\\s?)*$')), undefined);
  assert.equal(regexWarning(compileJavaRegex('(?!DEBUG).*')), undefined);
  assert.match(regexWarning(compileJavaRegex('(?=(a+)+b)')) ?? '', /repeats what is itself repeated.*looks ahead/);
});
