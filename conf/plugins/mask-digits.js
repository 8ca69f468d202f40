// An interceptor that replaces long numbers in bodies, card numbers for example. Named in conf/plugin.properties.

export const plugin = ({ define, integer, string, Batch }) =>
  define('interceptor', {
    types: ['mask-digits'],
    summary: 'Replaces the digits of long numbers in bodies.',
    options: {
      minDigits: integer({ default: 12, min: 2, max: 100, doc: 'Digits in a row from which on a number counts as long.' }),
      mask: string({ default: '*', check: (mask) => (mask.length === 1 ? undefined : 'must be one character'), doc: 'What a digit becomes.' }),
    },
    create: (_context, { minDigits, mask }) => {
      const long = new RegExp(`[0-9]{${minDigits},}`, 'g');
      return {
        // One call for a whole batch. It must not wait, and returns the events to keep, in order.
        intercept: (batch) =>
          Batch.of([...batch].map(({ body, headers }) => {
            // Latin-1 keeps every byte as it is, whatever the encoding of the text.
            const masked = body.toString('latin1').replace(long, (digits) => mask.repeat(digits.length));
            return { body: Buffer.from(masked, 'latin1'), headers };
          })),
      };
    },
  });
